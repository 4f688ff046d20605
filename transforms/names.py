"""Who is in a story: people and organisations, each with the number of mentions and a score.

In: title, text, language and the places found before. Out: the tags `people` and `organizations`, most mentioned first.
Names of the lexicon are found in every language. In a language with rules (`lexicons/names/words.LANGUAGE.txt`) a
capitalised phrase is a name when something says so, and the strongest sign is its score: a title before it, the
lexicon, a first name, a verb of saying behind it; "Ministry of ...", "... Inc", an acronym in brackets.
A surname alone counts for the full name that the same text gives. The text is read up to a bound; work is linear.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from transforms.folding import fold
from transforms.name_lexicon import NameLexicon, is_country_word
from transforms.name_rules import BELIEVED, ORGANIZATION, PERSON, REPEATED, UNKNOWN, Mention, Reader
from transforms.name_tables import read_tables
from transforms.name_tokens import Words
from transforms.schema import NameMention
from transforms.taggers import Document, Evidence, Tags

MAX_NAMES = 200  # a page of race results holds more than a hundred
MORE_MENTIONS = 0.02  # what each further mention adds to a score


class NamesTagger:
    """The tagger "names", with the lexicons of `overlays` (folders with `names/people.tsv` and the like)."""

    def __init__(self, overlays: Sequence[Path] = ()) -> None:
        self._lexicon = NameLexicon(overlays)
        self.version = self._lexicon.version

    def tag(self, document: Document, found: Tags) -> Tags:
        """`found` with people and organisations. Never raises for any text."""
        mentions = self.mentions(document, found)
        return replace(found, people=_count(mentions, PERSON), organizations=_count(mentions, ORGANIZATION))

    def explain(self, document: Document, found: Tags) -> list[Evidence]:
        """Every mention with its rule and score, in the order of the text; those of the title come last."""
        return [
            Evidence(
                tag=f"{mention.kind} {mention.name}",
                surface=mention.surface,
                part=mention.part,
                start=mention.start,
                rule=f"{mention.rule}, {mention.score:.2f}",
            )
            for mention in self.mentions(document, found)
        ]

    def mentions(self, document: Document, found: Tags) -> list[Mention]:
        """Every mention that counts, under the name it belongs to."""
        language = document.subtag
        places = frozenset(fold(part) for place in found.places for part in place.name.split())
        reader = Reader(self._lexicon, language, places)
        countries = self._lexicon.country_words(language)
        tables = list(read_tables(document.body.text, lambda folded: is_country_word(countries, folded)))
        in_tables = {mention.start for mention in tables}  # what stands there is a team
        mentions = [mention for mention in reader.read(document.words) if mention.start not in in_tables] + tables
        title = Words(document.head, "title")
        headed = sum(title.capital) > 0.6 * len(title)  # a capital says nothing there
        mentions += reader.read(title, lexicon_only=headed)
        surnames = {_ends(mention.name)[1] for mention in mentions if _is_believed_person(mention)}
        mentions += [mention for mention in reader.surnames_alone(surnames) if mention.start not in in_tables]
        return fold_names(sorted(mentions, key=lambda mention: (mention.part == "title", mention.start)))


def fold_names(mentions: Sequence[Mention]) -> list[Mention]:
    """Mentions under the full name they belong to; those that nothing speaks for are left out.

    A surname alone belongs to the full name with that surname that was mentioned last before it, else to the first
    believed one. "George Bush" and "George W. Bush" are one. A pair of unknown words whose second stands alone
    elsewhere is a person.
    """
    alone = {fold(m.name) for m in mentions if m.kind == PERSON and m.score == UNKNOWN and " " not in m.name}
    read = [m._replace(rule="surname repeated", score=REPEATED) if _is_pair_of(m, alone) else m for m in mentions]
    canonical: dict[str, str] = {}
    owners: dict[str, dict[str, str]] = {}  # full name by surname and first name
    for mention in sorted(read, key=lambda m: -m.score):
        if not _is_believed_person(mention) or " " not in mention.name:
            continue
        first, last = _ends(mention.name)
        canonical[mention.name] = owners.setdefault(last, {}).setdefault(first, mention.name)
    first_names = {first: name for people in owners.values() for first, name in people.items()}
    titled = {fold(m.name) for m in read if _is_believed_person(m) and " " not in m.name}
    folded: list[Mention] = []
    latest: dict[str, str] = {}
    for mention in read:
        if mention.kind != PERSON:
            folded.append(mention)
            continue
        name = canonical.get(mention.name, mention.name)
        surname = fold(name.rsplit(" ", 1)[-1])
        if " " not in name and surname in owners:
            owner = latest.get(surname) or next(iter(owners[surname].values()))
            folded.append(mention._replace(name=owner, score=BELIEVED))
        elif " " not in name and mention.score >= BELIEVED and surname in first_names:
            folded.append(mention._replace(name=first_names[surname]))  # "Sir Alex", "Crown Prince Mohammed"
        elif mention.score >= BELIEVED or (" " not in name and surname in titled):
            latest[surname] = name
            folded.append(mention._replace(name=name, score=max(mention.score, BELIEVED)))
    return folded


def _is_believed_person(mention: Mention) -> bool:
    return mention.kind == PERSON and mention.score >= BELIEVED


def _is_pair_of(mention: Mention, surnames: set[str]) -> bool:
    return mention.rule in ("unknown", "pair of capitals") and fold(mention.name.rsplit(" ", 1)[-1]) in surnames


def _ends(name: str) -> tuple[str, str]:
    parts = fold(name).split()
    return parts[0], parts[-1]


def _count(mentions: Sequence[Mention], kind: str) -> tuple[NameMention, ...]:
    times: Counter[str] = Counter()
    scores: dict[str, float] = {}
    for mention in mentions:
        if mention.kind == kind:
            times[mention.name] += 1
            scores[mention.name] = max(scores.get(mention.name, 0.0), mention.score)
    names = [
        NameMention(name=name, mentions=count, score=round(min(0.99, scores[name] + MORE_MENTIONS * (count - 1)), 3))
        for name, count in times.items()
    ]
    names.sort(key=lambda name: (-name.mentions, -name.score, name.name))
    return tuple(names[:MAX_NAMES])
