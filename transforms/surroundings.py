"""What a document says for countries and divisions as a whole, gathered while its places are being decided."""

from collections import defaultdict

from transforms.gazetteer import DIVISION, Place

FROM_PLACE, FROM_DATELINE, FROM_CUE = 0.5, 2.0, 0.5  # a country word counts 1


class Surroundings:
    """`countries` and `divisions` hold what speaks for each, `total` the sum for countries when deciding began.

    `senses` holds what a folded name stands for, once that was said; `named_by` how often each country word, folded,
    was found; `own_votes` what a folded name said for its own country and division, which is no reason to choose them;
    `people` names that stood behind a first name or title; `neighbours` the places that have a possible place of
    another name near them.
    """

    def __init__(self, language: str, publisher_country: str | None) -> None:
        self.language = language
        self.publisher_country = publisher_country
        self.countries: defaultdict[str, float] = defaultdict(float)
        self.divisions: defaultdict[str, float] = defaultdict(float)
        self.senses: dict[str, Place] = {}
        self.named_by: defaultdict[str, float] = defaultdict(float)
        self.own_votes: dict[str, dict[str, float]] = {}
        self.total = 0.0
        self.people: set[str] = set()
        self.neighbours: set[int] = set()

    def filed_from(self, name: str, place: Place) -> None:
        """Take in where the report was filed."""
        self.senses[name] = place
        if place.country:
            self.countries[place.country] += FROM_DATELINE
        if place.division:
            self.divisions[place.division] += FROM_DATELINE

    def believe(self, name: str, place: Place) -> None:
        """Take in that the text names a place."""
        self.senses.setdefault(name, place)
        if place.country:
            self.countries[place.country] += FROM_PLACE
        if place.division and place.kind != DIVISION:
            self.divisions[place.division] += FROM_PLACE

    def cue(self, country: str, times: int = 1) -> None:
        """Take in what tells of a country without naming it."""
        self.countries[country] += FROM_CUE * times
