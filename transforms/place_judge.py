"""Deciding what a name stands for here: which of the places of that name, or none.

A place's score is the decimal logarithm of its population plus what speaks for it: "City, Country", its country or
division named elsewhere in the document, the publisher's country, a preposition before it. The best candidate is
believed from a threshold on; names that mostly are something else ("Reading", "Jackson") must also have words around
them that say so. A name stands for the same place all through a document.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from transforms.country_words import Kind
from transforms.gazetteer import CAPITAL, COUNTY, DIVISION, REGION, Gazetteer, Place
from transforms.mentions import Mention
from transforms.neighbours import find_neighbours
from transforms.surroundings import Surroundings
from transforms.tokens import Part, fold_name, has_case, is_capitalised
from transforms.wordlists import Lexicon

CITY_STATES = frozenset(("SG", "HK", "MO", "MC", "VA", "GI"))

BELIEVED = 5.7
BELIEVED_BARE = 6.7  # without a word around it that says a place is meant
REGION_SCORE = 7.0
UNMISTAKABLE = 6.5  # renown from which a place is believed though its name is a person's too: Paris
WITHOUT_CASE = 0.5  # more is asked for where no capital tells names from words
ALIAS = -1.0  # where the name is another place's own
SAID_SO = 5.0
SAID_OTHERWISE = -2.0
SAID_OTHER_DIVISION = -4.0
COUNTRY_NAMED = 1.5
LESSER_NAMESAKE = 0.5  # that share of it where a namesake is far better known and nothing nearer speaks for this place
FAR_BETTER_KNOWN = 5
FAR_BELOW = 1.4  # in renown: Geneva of New York, to Geneva
DATELINE_TRUST = 0.75  # a dateline that names no country or state is that of a city known without
OTHERS_NAMED = -0.5  # countries are named, and this is none of them
DIVISION_NAMED = 1.5
PUBLISHED_THERE = 1.0
BELIEVED_BEFORE = 1.0
ITS_OWN_WORD = 1.0  # "Tyler Police Department"
DIVISION_RATHER_THAN_CITY = -0.6
MOSTLY_A_WORD, MOSTLY_A_PERSON = -2.0, -1.0
ALSO_A_PERSON = -2.0  # "John London" stood elsewhere in the text
NEAR_ANOTHER = 1.5  # another name of the text may lie within NEIGHBOUR_KM of it
IN_LONGER_NAME = -0.5  # "London Zoo"; smaller places are not believed there at all
KNOWN_POPULATION = 300_000
HEADLINE_POPULATION = 500_000  # where every word has a capital, only such places are believed unseen
FROM_DIVISION = 0.5
_NO_VOTES: Mapping[str, float] = {}


class PlaceJudge:
    """Decides with the words of `context.txt` and `ambiguous.txt`."""

    def __init__(self, gazetteer: Gazetteer, lexicon: Lexicon) -> None:
        self._gazetteer = gazetteer
        self._around: defaultdict[str, dict[str, float]] = defaultdict(dict)
        for entry in (*lexicon.sections("context.txt"), *lexicon.sections("ambiguous.txt")):
            self._around[entry.section].setdefault(fold_name(entry.text), entry.weight)
        self._ambiguous = {**self._around["word"], **self._around["person name"]}

    @property
    def around(self) -> Mapping[str, Mapping[str, float]]:
        """The words around names, folded, by what they say."""
        return self._around

    def weigh(self, part: Part, mentions: Sequence[Mention], near: Surroundings) -> None:
        """Take in what the mentions of a part say before any of them is decided."""
        behind_country = {mention.last for mention in mentions if mention.word is not None}
        for mention in mentions:
            if mention.word is not None and mention.word.code and not mention.word.weak:
                near.countries[mention.word.code] += 1.0
                near.named_by[mention.folded] += 1.0
            if mention.within:
                near.divisions[mention.within] += 1.0
            if mention.word is None and mention.folded not in self._ambiguous:
                self._weigh_divisions(mention, near)
            before = part.before(mention.first)
            known = mention.first in behind_country  # "Iran-Iraq"
            ends_name = before is not None and not known and self._is_first_name(part, mention, near)
            if ends_name or (mention.word is not None and self._is_given_name(part, mention)):
                near.people.add(mention.folded)

    def _weigh_divisions(self, mention: Mention, near: Surroundings) -> None:
        """What a division's or county's name says, where only one country has it."""
        places = mention.places
        areas = [place for place in places if place.kind in (DIVISION, COUNTY)]
        areas = [place for place in areas if place.folded == mention.folded] or areas
        if areas and len({place.country for place in areas}) == 1 and places[0].kind in (DIVISION, COUNTY):
            doubtful = any(place.country != areas[0].country for place in places)
            own = near.own_votes.setdefault(mention.folded, defaultdict(float)) if doubtful else defaultdict(float)
            near.countries[areas[0].country] += FROM_DIVISION
            own[areas[0].country] += FROM_DIVISION
            if len(areas) == 1:
                near.divisions[areas[0].division] += FROM_DIVISION
                own[areas[0].division] += FROM_DIVISION

    def meet(self, mentions: Sequence[Mention], near: Surroundings) -> None:
        """Note which places may lie near one of another name: towns of one county vouch for each other."""
        named = {
            place.index: (place, mention.folded)
            for mention in mentions
            if mention.word is None
            for place in mention.places
        }
        near.neighbours = find_neighbours(list(named.values()))

    def locate(self, folded: str, within: str | None, near: Surroundings) -> Place | None:
        """The place a name stands for where it is certain to be a place, as in a dateline."""
        found = self._gazetteer.find(folded)
        places = tuple(place for place in found if place.kind not in (DIVISION, REGION)) or found
        if not places:
            return None
        mention = Mention(first=0, last=0, start=0, surface="", folded=folded, word=None, places=places, within=within)
        best, _ = self._best(mention, near, trust=DATELINE_TRUST)
        return None if within is not None and within not in (best.division, best.country) else best

    def decide(self, part: Part, mentions: Sequence[Mention], near: Surroundings, beside: Part | None = None) -> None:
        """Set `place` where a mention names a place, and clear `word` where it names no country. `beside` is the text
        of a headline: what it writes small ("turkey") is no name in the headline."""
        near.total = sum(near.countries.values())
        for number, mention in enumerate(mentions):
            if mention.word is None and not mention.places:
                continue
            one_word = mention.last - mention.first == 1 and has_case(mention.surface)
            written_small = one_word and not mention.surface.islower() and _write(mention.surface.lower(), part, beside)
            if mention.word is None:
                if not written_small:
                    self._decide_place(part, mention, near, *_known_around(mentions, number))
            elif written_small and mention.word.kind is Kind.NAME and near.language == "en":
                mention.word = None  # "turkey" stands in the text too
        for number, mention in enumerate(mentions):
            if mention.word is not None:
                self._decide_country(part, mention, near, alone=not any(_known_around(mentions, number)))

    # -------------------------------------------------------------- countries

    def _decide_country(self, part: Part, mention: Mention, near: Surroundings, *, alone: bool) -> None:
        word = mention.word
        if word is None:
            return
        region = next((place for place in mention.places[:1] if place.kind == REGION), None)
        is_money = bool(word.code) and self._is_money(part, mention)
        is_water = part.folded[mention.first - 1] in self._around["water"] if part.is_behind(mention.first) else False
        if is_money or is_water or (word.weak and near.countries[word.code] <= 0):
            mention.word = None
        elif word.kind is Kind.NAME and mention.last - mention.first == 1 and mention.places and region is None:
            self._decide_namesake(part, mention, near, alone=alone)
        elif region is not None:
            mention.place, mention.rule = region, "region"
        if mention.word is not None and word.kind is Kind.NAME and word.code in CITY_STATES:
            mention.place = next((place for place in mention.places if place.kind == CAPITAL), None)
        if mention.word is not None and not mention.rule:
            mention.rule = word.kind.value

    def _is_money(self, part: Part, mention: Mention) -> bool:
        """ "Canadian dollars", "three billion dollars U.S.", "$160 million (US)"."""
        behind = part.behind(mention.last)
        if behind is not None:
            people = mention.word is not None and mention.word.kind is Kind.DEMONYM
            currencies = self._around["currency"]
            if behind.folded in currencies or (people and behind.folded in self._around["currency of a people"]):
                return True
        before = mention.first - 1
        if before < 0 or not mention.surface.isupper() or part.gaps[before] not in (" ", " ("):
            return False
        return part.folded[before] in self._around["currency"] or part.folded[before] in self._around["amount"]

    def _decide_namesake(self, part: Part, mention: Mention, near: Surroundings, *, alone: bool) -> None:
        """A country's name that is a city's or division's elsewhere, and often a person's: Georgia, Jordan, Lebanon."""
        word = mention.word
        if word is None:
            return
        own = near.countries[word.code] - near.named_by[mention.folded]
        is_person = mention.folded in near.people and own <= 0
        if is_person or (alone and not part.shouted and self._is_part_of_person(part, mention, near)):
            mention.word = None
            return
        elsewhere = [
            place
            for place in mention.places
            if place.country != word.code
            and place.folded == mention.folded
            and (mention.within in (place.division, place.country) or self._is_meant_instead(place, mention, near))
        ]
        if elsewhere:
            best = max(elsewhere, key=lambda place: (place.kind == DIVISION, place.population))
            mention.word, mention.place, mention.rule = None, best, f"namesake in {best.country}"

    def _is_meant_instead(self, place: Place, mention: Mention, near: Surroundings) -> bool:
        """Whether the text speaks of the country of a place and, but for this name, not of the country of that name."""
        code = mention.word.code if mention.word is not None else ""
        own = near.countries[code] - near.named_by[mention.folded]
        if place.kind != DIVISION:
            return own <= 0 and near.divisions[place.division] > 0
        others = max((weight for other, weight in near.countries.items() if other != code), default=0.0)
        at_home = near.divisions[place.division] > 0 or near.countries[place.country] >= max(1.0, others / 2)
        return own <= 0 and at_home

    # -------------------------------------------------------------- places

    def _decide_place(
        self, part: Part, mention: Mention, near: Surroundings, known_before: bool, known_behind: bool
    ) -> None:
        best, score = self._best(mention, near)
        around = self._speaks_for_place(part, mention)
        seen = near.senses.get(mention.folded) is best
        if part.headed or part.shouted:
            big = best.population >= HEADLINE_POPULATION or best.kind in (CAPITAL, REGION)
            if not seen and (not big or mention.folded in self._ambiguous):
                return
        elif (
            mention.surface.isupper()
            and mention.first > 0
            and not seen
            and mention.within is None
            and has_case(mention.surface)
        ):
            return  # an acronym
        else:
            inside = self._inside(part, mention, near, known_before=known_before, known_behind=known_behind)
            if inside is None:
                return
            score += inside
        if mention.folded in near.people and mention.within is None:
            score += ALSO_A_PERSON
        direct = best.kind == COUNTY or around > 0 or mention.within is not None or seen
        if not seen and best.renown < UNMISTAKABLE and self._is_ambiguous(mention, best):
            if not direct:
                return
            score += MOSTLY_A_WORD if mention.folded in self._around["word"] else MOSTLY_A_PERSON
        score += around + (BELIEVED_BEFORE if seen else 0.0)
        bare = BELIEVED_BARE if has_case(mention.surface) else BELIEVED_BARE + WITHOUT_CASE
        if score >= (BELIEVED if direct else bare):
            mention.place, mention.rule = best, self._rule(mention, best, score, around=around, seen=seen)
            near.believe(mention.folded, best)

    def _is_ambiguous(self, mention: Mention, place: Place) -> bool:
        """Whether the name, or in another script the place's own, mostly is something else."""
        return mention.folded in self._ambiguous or (not mention.folded.isascii() and place.folded in self._ambiguous)

    def _rule(self, mention: Mention, place: Place, score: float, *, around: float, seen: bool) -> str:
        reasons = ["region" if place.kind == REGION else f"gazetteer, score {score:.1f}"]
        if mention.within:
            reasons.append(f"followed by {mention.within}")
        if around > 0:
            reasons.append("words around it")
        if seen:
            reasons.append("named before")
        return ", ".join(reasons)

    def _best(self, mention: Mention, near: Surroundings, trust: float = 1.0) -> tuple[Place, float]:
        """The likeliest place of a name and its score; `trust` is put in what the rest of the text says."""
        places = mention.places
        known = max((place.fame for place in places), default=0)
        top = max((place.renown for place in places if place.folded == mention.folded), default=0.0)
        own = near.own_votes.get(mention.folded, _NO_VOTES)
        owned = any(place.folded == mention.folded for place in places)

        def score(place: Place) -> float:
            renown = points = place.renown
            if owned and place.folded != mention.folded:
                points += ALIAS
            if mention.within is not None:
                points += _said(mention.within, place)
            country = near.countries[place.country] - own.get(place.country, 0.0)
            division = near.divisions[place.division] - own.get(place.division, 0.0)
            at_hand = (division > 0 and place.kind != DIVISION) or place.index in near.neighbours
            if country > 0:
                named = COUNTRY_NAMED + min(1.0, country / 10)
                far_below = place.fame * FAR_BETTER_KNOWN < known or renown + FAR_BELOW < top
                lesser = far_below and not at_hand and place.kind != DIVISION
                points += trust * named * (LESSER_NAMESAKE if lesser else 1.0)
            elif near.total >= 2:
                points += OTHERS_NAMED
            if place.kind == DIVISION:
                points += DIVISION_RATHER_THAN_CITY
            elif division > 0:
                points += trust * DIVISION_NAMED
            if near.publisher_country == place.country:
                points += PUBLISHED_THERE
            if place.index in near.neighbours:
                points += NEAR_ANOTHER
            return points

        sense = near.senses.get(mention.folded)
        if sense is not None and mention.within in (None, sense.division, sense.country):
            return sense, REGION_SCORE if sense.kind == REGION else score(sense)
        if places[0].kind == REGION:
            return places[0], REGION_SCORE
        return max(((place, score(place)) for place in places), key=lambda scored: scored[1])

    # -------------------------------------------------------------- the words around

    def _speaks_for_place(self, part: Part, mention: Mention) -> float:
        """How much the words right before and behind say that a place is meant."""
        before, behind = part.before(mention.first), part.behind(mention.last)
        points = self._around["place follows"].get(before.folded, 0.0) if before is not None else 0.0
        if behind is not None and behind.folded in self._around["its own"]:
            points += ITS_OWN_WORD
        return points

    def _is_part_of_person(self, part: Part, mention: Mention, near: Surroundings) -> bool:
        """Whether a country's name is a person's here: "Chad Willis", "Michael Jordan"."""
        if self._is_first_name(part, mention, near):
            return True
        given = mention.folded in self._around["person name"]
        return given and self._inside(part, mention, near, known_before=True, known_behind=False) is None

    def _is_given_name(self, part: Part, mention: Mention) -> bool:
        """Whether a country's name opens a person's: "Chad Willis", but not "Jordan Valley" or "Chad National Army"."""
        behind = part.behind(mention.last)
        if mention.folded not in self._around["person name"] or part.shouted or part.headed or behind is None:
            return False
        known = ("its own", "after it", "street", "county", "of a state", "landscape")
        return is_capitalised(behind.text) and not any(behind.folded in self._around[words] for words in known)

    def _inside(
        self, part: Part, mention: Mention, near: Surroundings, *, known_before: bool, known_behind: bool
    ) -> float | None:
        """What capitalised words right before and behind cost: 0 when they leave the name what it is, None when it is
        a part of another name."""
        if not known_before and self._is_first_name(part, mention, near):
            return None
        behind = part.behind(mention.last)
        if behind is None or known_behind or mention.within is not None:
            return 0.0
        if behind.folded in self._around["county"]:
            return None
        if mention.folded.startswith("saint ") and behind.folded in self._around["of a saint"]:
            return None
        if not is_capitalised(behind.text) or behind.folded in self._around["its own"]:
            return 0.0
        if behind.folded in self._around["after it"]:
            return 0.0
        if behind.folded in self._around["street"] or mention.folded in self._ambiguous:
            return None
        known = any(place.population >= KNOWN_POPULATION for place in mention.places[:3])
        return IN_LONGER_NAME if known else None

    def _is_first_name(self, part: Part, mention: Mention, near: Surroundings) -> bool:
        """Whether the word right before makes the mention the end of a longer name: "Kerry Hamilton", "Mr. London"."""
        before = part.before(mention.first)
        if before is None or part.headed or part.shouted:
            return False
        if near.language == "en" and mention.first > 1 and before.folded in self._around["particle"]:
            first = part.before(mention.first - 1)  # "Miguel de la Madrid": the particle of a name, not a preposition
            return first is not None and (is_capitalised(first.text) or first.folded in self._around["particle"])
        if not is_capitalised(before.text):
            return False
        if before.folded in self._around["place follows"]:
            return False  # "In Lyon", "Em Lisboa"
        return before.folded in self._around["person"] or before.folded not in self._around["part of it"]


def _write(word: str, part: Part, beside: Part | None) -> bool:
    return part.holds(word) or (beside is not None and beside.holds(word))


def _said(within: str, place: Place) -> float:
    if within in (place.division, place.country):
        return SAID_SO
    return SAID_OTHER_DIVISION if "." in within else SAID_OTHERWISE


def _known_around(mentions: Sequence[Mention], number: int) -> tuple[bool, bool]:
    """Whether a mention right before, and one right behind, stand for something themselves."""
    mention = mentions[number]
    before = mentions[number - 1] if number else None
    behind = mentions[number + 1] if number + 1 < len(mentions) else None
    return (
        before is not None and before.last == mention.first and _is_something(before),
        behind is not None and behind.first == mention.last and _is_something(behind),
    )


def _is_something(mention: Mention) -> bool:
    return mention.word is not None or mention.place is not None
