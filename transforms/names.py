"""Who is in a story: people and organisations, each with the number of mentions and a score.

In: title, text, language and the places found before. Out: the tags `people` and `organizations`, most mentioned first.
Names of the lexicon are found in every language. In a language with rules (`lexicons/names/words.LANGUAGE.txt`) a
capitalised phrase is a name when something says so, and the strongest sign is its score: a title before it, the
lexicon, a first name, a verb of saying behind it; "Ministry of ...", "... Inc", an acronym in brackets.
A surname alone counts for the full name that the same text gives. The text is read up to a bound; work is linear.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from transforms.gazetteer import fold
from transforms.name_lexicon import NameLexicon, NameWords
from transforms.name_tokens import Word, initials, read_words
from transforms.schema import NameMention
from transforms.taggers import Document, Tags

MAX_CHARACTERS = 40_000
MAX_TITLE_CHARACTERS = 1_000
MAX_NAMES = 60
PERSON, ORGANIZATION = "person", "organization"

# What a sign is worth: about the share of such names that were right on news prose.
LEXICON, TITLE, ROLE, FIRST_NAME, SAYING, INITIAL, ACRONYM = 0.95, 0.95, 0.9, 0.85, 0.75, 0.8, 0.9
COMPANY, HEAD, TAIL, CAPITALS, TITLE_ALONE, UNKNOWN_PAIR = 0.9, 0.85, 0.75, 0.5, 0.7, 0.5
BELIEVED = 0.5


@dataclass(frozen=True, slots=True)
class Mention:
    """A name in the text: what it says there, whose name it is, and the rule that found it. `start` is a character
    offset into the text, or None in the title."""

    surface: str
    name: str
    kind: str
    rule: str
    score: float
    start: int | None


class NamesTagger:
    """The tagger "names", with the lexicons of `overlays` (folders with `names/people.tsv` and the like)."""

    def __init__(self, overlays: Sequence[Path] = ()) -> None:
        self._lexicon = NameLexicon(overlays)
        self.version = self._lexicon.version

    def tag(self, document: Document, found: Tags) -> Tags:
        """`found` with people and organisations. Never raises for any text."""
        mentions = self.explain(document, found)
        return replace(found, people=_count(mentions, PERSON), organizations=_count(mentions, ORGANIZATION))

    def explain(self, document: Document, found: Tags) -> list[Mention]:
        """Every mention with its rule, in the order of the text; those of the title come last."""
        language = (document.language or "").split("-", 1)[0].lower()
        words = self._lexicon.words.get(language)
        places = {fold(part) for place in found.places for part in place.name.split()}
        body = read_words(document.text[:MAX_CHARACTERS])
        title = read_words(document.title[:MAX_TITLE_CHARACTERS])
        reader = _Reader(self._lexicon, words, places)
        mentions = reader.read(body)
        headed = sum(word.capital for word in title) > 0.6 * len(title)
        heading = [replace(mention, start=None) for mention in reader.read(title, lexicon_only=headed)]
        return fold_names([*mentions, *heading])


class _Reader:
    """Reads one document; knows its places and acronyms."""

    def __init__(self, lexicon: NameLexicon, words: NameWords | None, places: set[str]) -> None:
        self.lexicon = lexicon
        self.words = words
        self.places = places
        self.acronyms: dict[str, str] = {}

    def read(self, words: Sequence[Word], *, lexicon_only: bool = False) -> list[Mention]:
        mentions: list[Mention] = []
        at = 0
        while at < len(words):
            known = self.lexicon.known.find(words, at)
            if known is not None and not self._is_longer(words, at, len(known.surface)):
                last = at + len(known.surface)
                mentions.append(_mention(words[at:last], known.name, known.kind, "lexicon", LEXICON))
                at = last
            elif words[at].capital and self.words is not None and not lexicon_only:
                last = self._end_of_run(words, at, self.words)
                mentions += self._classify(words, at, last, self.words)
                at = last
            else:
                at += 1
        return mentions

    def _is_longer(self, words: Sequence[Word], at: int, size: int) -> bool:
        """Whether a known single word is only part of a longer name: "Ford" in "Harrison Ford", "Ford Madox"."""
        if size > 1 or self.words is None or words[at].text.isupper():
            return False
        after = at + 1 < len(words) and words[at].joined and not words[at].possessive and words[at + 1].capital
        return after and words[at].folded in self.lexicon.first_names

    def _end_of_run(self, words: Sequence[Word], at: int, rules: NameWords) -> int:
        """Behind the last word of the capitalised run that begins at `at`; "of", "van" and such may stand inside."""
        last = at + 1
        while last < len(words) and words[last - 1].joined and not words[last - 1].possessive:
            if words[last].capital:
                if (
                    self.lexicon.known.find(words, last) is not None
                    and last - at >= 1
                    and not self._may_run(words, at, last)
                ):
                    break
                last += 1
                continue
            inner = last
            while (
                inner < len(words) and inner - last < 2 and words[inner].text in rules.particles and words[inner].joined
            ):
                inner += 1
            if inner == last or inner >= len(words) or not words[inner].capital:
                break
            if words[last].text in ("of", "for", "and", "the") and not self._heads(words[at:last], rules):
                break
            last = inner + 1
        return last

    def _may_run(self, words: Sequence[Word], at: int, last: int) -> bool:
        """Whether a known name at `last` may be the end of the name before it ("Harrison Ford")."""
        return words[at].folded in self.lexicon.first_names and last == at + 1

    def _heads(self, words: Sequence[Word], rules: NameWords) -> bool:
        return any(word.text.lower() in rules.heads for word in words)

    def _classify(self, words: Sequence[Word], at: int, last: int, rules: NameWords) -> list[Mention]:
        """The name, if any, in the capitalised run from `at` up to `last`."""
        while at < last and words[at].opens and words[at].text.lower() in rules.openers:
            at += 1
        while at < last and words[at].text.lower() in rules.openers and words[at].text.lower() not in rules.titles:
            at += 1
        if at == last:
            return []
        titled = max((n + 1 for n in range(at, last) if words[n].text.lower().rstrip(".") in rules.titles), default=0)
        run = words[titled or at : last]
        organization = self._organization(words, titled or at, last, rules)
        if organization:
            return organization
        if not run:
            return []
        while run and self.lexicon.is_country_word([run[0].folded]) and len(run) > 1:
            run = run[1:]
        return self._person(words, run, titled > 0, words[at - 1] if at else None, last, rules)

    def _organization(self, words: Sequence[Word], at: int, last: int, rules: NameWords) -> list[Mention]:
        run = words[at:last]
        if not run:
            return []
        name = _surface(run)
        tail, head = run[-1].text.lower().rstrip("."), run[0].text.lower()
        if len(run) == 1:
            if name in self.acronyms:
                return [_mention(run, self.acronyms[name], ORGANIZATION, "acronym given before", ACRONYM)]
            bare = name.replace(".", "")
            if bare.isupper() and bare.isalpha() and 2 < len(bare) <= 6 and bare not in rules.no_organizations:
                return [_mention(run, bare, ORGANIZATION, "capitals", CAPITALS)]
            return []
        if (
            last < len(words)
            and words[last].text.isupper()
            and words[last].text == initials(run)
            and not run[-1].joined
        ):
            self.acronyms[words[last].text] = name
            return [_mention(run, name, ORGANIZATION, "acronym in brackets", ACRONYM)]
        if tail in rules.suffixes:
            return [_mention(run, name, ORGANIZATION, "company suffix", COMPANY)]
        if head in rules.heads and any(word.text in ("of", "for") for word in run):
            return [_mention(run, name, ORGANIZATION, "head of an organisation's name", HEAD)]
        if tail in rules.tails:
            return [_mention(run, name, ORGANIZATION, "end of an organisation's name", TAIL)]
        if any(word.text in ("of", "for", "and", "the") for word in run):
            return (
                [_mention(run, name, ORGANIZATION, "words of an organisation's name", TAIL)]
                if self._heads(run, rules)
                else []
            )
        return []

    def _person(
        self, words: Sequence[Word], run: Sequence[Word], titled: bool, before: Word | None, last: int, rules: NameWords
    ) -> list[Mention]:
        if not run or len(run) > 5:
            return []
        lower = [word.text.lower() for word in run]
        if any(word in rules.no_people for word in lower) or self.lexicon.is_country_word([w.folded for w in run]):
            return []
        name = _surface(run)
        single = len(run) == 1
        if titled:
            rule, score = ("title", TITLE_ALONE) if single else ("title", TITLE)
            return [_mention(run, name, PERSON, rule, score)] if len(run[-1].text) > 2 else []
        if single:
            return [_mention(run, name, PERSON, "surname", 0.0)]
        if all(word.folded in self.places for word in run) or any(
            word.text.isupper() and len(word.text) > 3 for word in run
        ):
            return []
        if before is not None and before.joined and before.text.lower() in rules.roles:
            return [_mention(run, name, PERSON, "role", ROLE)]
        if run[0].folded in self.lexicon.first_names:
            return [_mention(run, name, PERSON, "first name", FIRST_NAME)]
        says = (last < len(words) and words[last].text in rules.saying) or (
            before is not None and before.text in rules.saying
        )
        if says and len(run) <= 3:
            return [_mention(run, name, PERSON, "verb of saying", SAYING)]
        if any(len(word.text) == 2 and word.text.endswith(".") for word in run[1:-1]):
            return [_mention(run, name, PERSON, "initial", INITIAL)]
        return []


def fold_names(mentions: Sequence[Mention]) -> list[Mention]:
    """Mentions with surnames alone, and shorter and longer ways to write one name, brought under the full name.

    What stays a bare surname without evidence is left out.
    """
    full: dict[str, str] = {}
    by_surname: dict[str, list[str]] = {}
    for mention in sorted(mentions, key=lambda m: -m.score):
        parts = [fold(part) for part in mention.name.split()]
        if mention.kind != PERSON or mention.score < BELIEVED or len(parts) < 2:
            continue
        for known in by_surname.get(parts[-1], ()):
            if fold(known.split()[0]) == parts[0]:
                full[mention.name] = known
                break
        else:
            if mention.name not in by_surname.get(parts[-1], ()):
                by_surname.setdefault(parts[-1], []).append(mention.name)
    folded: list[Mention] = []
    latest: dict[str, str] = {}
    for mention in mentions:
        name = full.get(mention.name, mention.name)
        parts = name.split()
        if mention.kind == PERSON and len(parts) == 1:
            surname = fold(name)
            owners = by_surname.get(surname, ())
            if owners:
                owner = latest.get(surname, owners[0])
                folded.append(replace(mention, name=owner, rule="surname", score=max(mention.score, LEXICON)))
            elif mention.score >= BELIEVED:
                folded.append(mention)
            continue
        if mention.kind == PERSON:
            latest[fold(parts[-1])] = name
        folded.append(replace(mention, name=name))
    titled = {fold(m.name) for m in folded if m.kind == PERSON and " " not in m.name}
    have = {id(m) for m in folded}
    extra = [
        replace(m, score=TITLE_ALONE)
        for m in mentions
        if id(m) not in have and m.kind == PERSON and m.rule == "surname" and fold(m.name) in titled and m.score == 0.0
    ]
    return [*folded, *extra]


def _count(mentions: Sequence[Mention], kind: str) -> tuple[NameMention, ...]:
    times: Counter[str] = Counter()
    scores: dict[str, float] = {}
    for mention in mentions:
        if mention.kind == kind:
            times[mention.name] += 1
            scores[mention.name] = max(scores.get(mention.name, 0.0), _own_score(mention))
    names = [
        NameMention(name=name, mentions=count, score=round(min(0.99, scores[name] + 0.02 * (count - 1)), 3))
        for name, count in times.items()
        if scores[name] >= BELIEVED
    ]
    names.sort(key=lambda name: (-name.mentions, -name.score, name.name))
    return tuple(names[:MAX_NAMES])


def _own_score(mention: Mention) -> float:
    return BELIEVED if mention.rule == "surname" else mention.score


def _surface(words: Sequence[Word]) -> str:
    return " ".join(word.text for word in words)


def _mention(words: Sequence[Word], name: str, kind: str, rule: str, score: float) -> Mention:
    return Mention(_surface(words), name, kind, rule, score, words[0].start)
