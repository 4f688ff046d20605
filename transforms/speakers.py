"""Whose words stand in a quotation: the phrase beside the verb of saying, resolved to the full name of a person found.

A pronoun stands for the nameless speaker of the sentence before ("A wounded officer confirmed ..."), else for the
person mentioned last. Everything looked at is bounded: a few hundred characters beside each quotation.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple

from transforms.dateline import agencies
from transforms.folding import fold
from transforms.plain_text import key
from transforms.schema import NameMention
from transforms.tokens import Part, read
from transforms.wordlists import Lexicon

MAX_SIDE_CHARACTERS = 240
MAX_VERB_DISTANCE = 90
MAX_BACK_CHARACTERS = 800
MAX_SPEAKER_WORDS = 9
MAX_SPEAKER_CHARACTERS = 80
MAX_PEOPLE = 100

_SENTENCE_END = re.compile(r"(?<=[^\W\d_]{3})[.!?](?:\s|$)|\n")


class Said(NamedTuple):
    """Who said something, with which verb, and the outlet it was told; None for what the text does not tell."""

    speaker: str | None
    verb: str | None
    told: str | None


NOT_SAID = Said(None, None, None)


class Speech:
    """Words of one language about speaking."""

    def __init__(self, lexicon: Lexicon, language: str) -> None:
        sections: dict[str, list[str]] = {}
        for entry in lexicon.sections(f"speech.{language}.txt"):
            sections.setdefault(entry.section, []).append(entry.text)
        verbs = f"(?P<verb>{_any_of(sections.get('verbs', ()))})"
        articles = _any_of(word.capitalize() for word in sections.get("articles", ()))
        self.pronouns = frozenset(sections.get("pronouns", ()))
        self.impersonal = frozenset(sections.get("impersonal", ()))
        self.articles = frozenset(sections.get("articles", ()))
        self.openers = frozenset(sections.get("openers", ()))
        self.joints = frozenset(sections.get("joints", ()))
        self.stops = frozenset(sections.get("stops", ()))
        outlets: dict[str, set[str]] = {}
        for entry in lexicon.sections("outlets.txt"):
            outlets.setdefault(entry.section, set()).add(entry.text)
        with_article, without = outlets.get("with article", set()), outlets.get("without article", set())
        self._written_small = {name for name in outlets.get("outlets", ()) if name.islower()} | {"dpa"}
        self._outlets = {key(name) for name in outlets.get("outlets", set()) | without} | agencies().keys()
        self._outlet_words = {key(name) for name in outlets.get("words", ())}
        doubtful = {**dict.fromkeys(with_article, "the"), **dict.fromkeys(without, "")} if language == "en" else {}
        self._article = {key(name): article for name, article in doubtful.items()}
        self.verbs = {verb: frozenset(read(verb, language).words) for verb in sections.get("verbs", ())}
        self.verb = re.compile(rf"(?<![\w-]){verbs}(?![\w-])")
        self.nameless = re.compile(rf"{articles} (?:[\w'’-]+ ){{1,6}}?{verbs}(?![\w-])")
        that = _any_of(sections.get("that", ()))
        to = r"(?P<to> [^,:;]{1,60}?)??"
        self.says_that = re.compile(rf"^(?P<who>[^,:;\n]{{2,80}}?) {verbs}{to},? {that}[ '’](?P<what>.+)$")
        # "said on Monday", not "declared a state of emergency"
        rest = rf"(?: (?!{_any_of(sections.get('articles', ()))} )[^,]{{1,80}})?"
        self.as_said = re.compile(rf"^(?P<what>.{{20,500}}), (?P<who>[^,]{{2,80}}?) {verbs}{rest}$")
        outlet = r"(?P<told>[^\W_][\w.&'’-]*(?: (?:[^\W\d_a-z][\w.&'’-]*|of|and|am|de|del|la|du|des|y))*)"
        self.told = re.compile(
            rf"(?<!\w){_any_of(sections.get('telling', ()))}['’ ]+(?:(?P<article>{articles.lower()}) )?{outlet}"
        )
        self.as_said_by = re.compile(rf"^(?P<what>.{{20,500}}), {verbs} (?P<who>[^,]{{2,80}})(?:, [^,]{{2,80}},?)?$")

    def is_outlet(self, name: str, article: str = "", following: str = "") -> bool:
        """Whether a name behind `article` is a news outlet's: a known one's, or one that says so, "Harbour Gazette".
        Common words must stand as the outlet is written, "told Time" or "told the Sun", and before no other name."""
        bare = key(name)
        words = bare.split()
        if not (any(map(str.isupper, name)) or name in self._written_small):
            return False
        if bare in self._article:
            return article == self._article[bare] and not following[:1].isupper()
        return bare in self._outlets or (
            len(words) > 1 and name[0].isupper() and bool(self._outlet_words & {words[0], words[-1]})
        )


class Speakers:
    """The speakers of one text."""

    def __init__(self, part: Part, people: Sequence[NameMention], speech: Speech) -> None:
        self._text = part.text
        self._speech = speech
        known = people[:MAX_PEOPLE]
        self._full = {fold(person.name.split()[-1]): person.name for person in reversed(known)}
        surnames = {person.name.split()[-1] for person in known}
        verbs = [verb for verb, needed in speech.verbs.items() if needed <= part.small]
        self._verbs = sorted(chain.from_iterable(_find_all(verb, part.text) for verb in verbs))  # where they stand
        self._mentions = [(start, self._full[fold(surname)]) for start, surname in _find_words(surnames, part.text)]

    def of(self, start: int, end: int, previous: int, following: int) -> Said:
        """Who said the quotation from `start` to `end`; `previous` and `following` are where the quotations around it
        end and begin. Without a verb of saying beside it nothing is known."""
        closed = self._text[end - 1 : end] in tuple(".!?…")
        after = self._after(end, following)
        verb = self._speech.verb.search(after)
        # After "… gone." a new sentence begins; it is about this quotation only if it is short: "he said".
        if (
            verb is not None
            and verb.start() <= MAX_VERB_DISTANCE
            and not (closed and after[:1].isupper() and verb.start() > 40)
        ):
            return Said(self._subject(after, verb, start), verb.group(), self._told(after))
        before = self._before(start, previous)
        verb = self._speech.verb.search(before)
        if verb is None:
            return NOT_SAID
        return Said(self._subject(before, verb, start), verb.group(), self._told(before))

    def speaks(self, start: int, end: int) -> bool:
        """Whether the text from `start` to `end` may hold a verb of saying."""
        following = bisect_left(self._verbs, start)
        return following < len(self._verbs) and self._verbs[following] < end

    def reported(self, sentence: str, start: int) -> tuple[Said, int, int] | None:
        """Who said, and start and end of, what a sentence reports; `start` is where it begins in the text."""
        bare = sentence.rstrip(".!?")
        if self._speech.verb.search(bare) is None:
            return None
        for pattern in (self._speech.says_that, self._speech.as_said, self._speech.as_said_by):
            found = pattern.match(bare)
            who = self._who(found["who"], start) if found is not None else None
            if found is not None and who is not None:
                said = Said(who, found["verb"], self._told(bare[: found.start("what")] + bare[found.end("what") :]))
                return said, found.start("what"), found.end("what")
        return None

    def _told(self, side: str) -> str | None:
        """The outlet that a speaker told, as printed: "Reuters" of "told Reuters on Monday"."""
        for found in self._speech.told.finditer(side):
            words = found["told"].split()
            for size in range(len(words), 0, -1):
                outlet = " ".join(words[:size]).rstrip(".,'’")
                following = "" if words[size - 1].endswith((".", ",")) else " ".join(words[size : size + 1])
                if self._speech.is_outlet(outlet, found["article"] or "", following):
                    return outlet
        return None

    def _after(self, end: int, following: int) -> str:
        side = self._text[end + 1 : min(following, end + 1 + MAX_SIDE_CHARACTERS)]
        return _SENTENCE_END.split(side.lstrip(' ,.!?—–-”"’»›“‘'), maxsplit=1)[0]

    def _before(self, start: int, previous: int) -> str:
        begin = max(previous, self._text.rfind("\n", 0, start) + 1, start - MAX_SIDE_CHARACTERS)
        side = self._text[begin : start - 1].strip(' :,—–-„“”"«»‹›’‘\u00a0')
        return _SENTENCE_END.split(side)[-1]

    def _subject(self, side: str, verb: re.Match[str], position: int) -> str | None:
        """The phrase before a verb of saying, else the one behind it, else the person mentioned last."""
        before = side[: verb.start()].strip(" ,–—-")
        for phrase in (before.rsplit(",", 1)[-1], before.split(",", 1)[0], side[verb.end() :]):
            who = self._who(phrase.strip(" ,–—-"), position)
            if who is not None:
                return who
        return None if self._is_impersonal(before) else self._mentioned_before(position)

    def _is_impersonal(self, phrase: str) -> bool:
        return phrase.lower() in self._speech.impersonal

    def _who(self, phrase: str, position: int) -> str | None:
        """The speaker a phrase stands for: a person, a nameless speaker, or an organisation as printed."""
        words = phrase.split()[:MAX_SPEAKER_WORDS]
        if not words:
            return None
        first = words[0].lower()
        if first in self._speech.pronouns or first in self._speech.impersonal:
            nameless = self._nameless_before(position)
            return nameless if nameless or first in self._speech.impersonal else self._mentioned_before(position)
        for word in reversed(words):
            bare = re.sub(r"['’]s$", "", word.strip(",.;:"))
            if bare[:1].isupper() and fold(bare) in self._full:
                return self._full[fold(bare)]
        return self._as_printed(words)

    def _as_printed(self, words: Sequence[str]) -> str | None:
        named = words[0].lower() in self._speech.articles
        if any(word in self._speech.joints for word in words):
            words = words[: next((n for n, word in enumerate(words) if word[:1].islower()), len(words))]
        kept: list[str] = []
        for word in words[1:] if named else words:
            if word.lower().strip(",.") in self._speech.stops:
                break
            kept.append(word)
            if word.endswith((",", ".")):
                break
        if not kept or not (named or kept[0][:1].isupper()) or kept[0].lower().strip(",") in self._speech.openers:
            return None
        plain = " ".join(kept).strip(" ,.:;")
        return plain if 2 < len(plain) <= MAX_SPEAKER_CHARACTERS else None

    def _nameless_before(self, position: int) -> str | None:
        """The nameless speaker of the sentence before: "senior official" of "A senior official confirmed ..."."""
        side = self._text[max(0, position - 400) : position].rstrip(' \n„“”"«»‹›’‘.!?')
        sentence = _SENTENCE_END.split(side)[-1].lstrip(' „“”"«»')
        found = self._speech.nameless.match(sentence)
        return self._as_printed(found.group().split()[:-1]) if found is not None else None

    def _mentioned_before(self, position: int) -> str | None:
        """The person mentioned last before `position`, within some six sentences."""
        at = bisect_left(self._mentions, (position, ""))
        near = at > 0 and self._mentions[at - 1][0] > position - MAX_BACK_CHARACTERS
        return self._mentions[at - 1][1] if near else None


def _find_words(words: Iterable[str], text: str) -> list[tuple[int, str]]:
    """Where each of the words stands in the text by itself, in order; of overlapping ones the first and longest."""
    found = [
        (at, -len(word), word)
        for word in words
        for at in _find_all(word, text)
        if _is_edge(text, at) and _is_edge(text, at + len(word))
    ]
    free, apart = 0, []
    for at, _, word in sorted(found):
        if at >= free:
            apart.append((at, word))
            free = at + len(word)
    return apart


def _find_all(word: str, text: str) -> Iterator[int]:
    at = text.find(word)
    while at >= 0:
        yield at
        at = text.find(word, at + 1)


def _is_edge(text: str, at: int) -> bool:
    """Whether a word begins or ends there."""
    return (at > 0 and text[at - 1].isalnum()) != (at < len(text) and text[at].isalnum())


def _any_of(words: Iterable[str]) -> str:
    """A pattern for any of the words; for none of them, one that never matches."""
    listed = sorted(set(words), key=lambda word: (-len(word), word))
    return f"(?:{'|'.join(map(re.escape, listed)) or '(?!)'})"
