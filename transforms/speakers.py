"""Whose words stand in a quotation: the phrase beside the verb of saying, resolved to the full name of a person found.

A pronoun stands for the nameless speaker of the sentence before ("A wounded officer confirmed ..."), else for the
person mentioned last. Everything looked at is bounded: a few hundred characters beside each quotation.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence

from transforms.schema import NameMention
from transforms.tokens import fold
from transforms.wordlists import Lexicon

MAX_SIDE_CHARACTERS = 240
MAX_VERB_DISTANCE = 90
MAX_BACK_CHARACTERS = 800
MAX_SPEAKER_WORDS = 9
MAX_SPEAKER_CHARACTERS = 80
MAX_PEOPLE = 100

_SENTENCE_END = re.compile(r"(?<=[^\W\d_]{3})[.!?](?:\s|$)|\n")


class Speech:
    """Words of one language about speaking."""

    def __init__(self, lexicon: Lexicon, language: str) -> None:
        sections: dict[str, list[str]] = {}
        for entry in lexicon.sections(f"speech.{language}.txt"):
            sections.setdefault(entry.section, []).append(entry.text)
        verbs = _any_of(sections.get("verbs", ()))
        articles = _any_of(word.capitalize() for word in sections.get("articles", ()))
        self.pronouns = frozenset(sections.get("pronouns", ()))
        self.impersonal = frozenset(sections.get("impersonal", ()))
        self.articles = frozenset(sections.get("articles", ()))
        self.openers = frozenset(sections.get("openers", ()))
        self.joints = frozenset(sections.get("joints", ()))
        self.stops = frozenset(sections.get("stops", ()))
        self.verb = re.compile(rf"(?<![\w-]){verbs}(?![\w-])")
        self.nameless = re.compile(rf"{articles} (?:[\w'’-]+ ){{1,6}}?{verbs}(?![\w-])")
        that = _any_of(sections.get("that", ()))
        to = r"(?P<to> [^,:;]{1,60}?)??"
        self.says_that = re.compile(rf"^(?P<who>[^,:;\n]{{2,80}}?) {verbs}{to},? {that}[ '’](?P<what>.+)$")
        # "said on Monday", not "declared a state of emergency"
        rest = rf"(?: (?!{_any_of(sections.get('articles', ()))} )[^,]{{1,80}})?"
        self.as_said = re.compile(rf"^(?P<what>.{{20,500}}), (?P<who>[^,]{{2,80}}?) {verbs}{rest}$")
        self.as_said_by = re.compile(rf"^(?P<what>.{{20,500}}), {verbs} (?P<who>[^,]{{2,80}})(?:, [^,]{{2,80}},?)?$")


class Speakers:
    """The speakers of one text."""

    def __init__(self, text: str, people: Sequence[NameMention], speech: Speech) -> None:
        self._text = text
        self._speech = speech
        known = people[:MAX_PEOPLE]
        self._full = {fold(person.name.split()[-1]): person.name for person in reversed(known)}
        surnames = _any_of({person.name.split()[-1] for person in known})
        found = [(match.start(), match.group()) for match in re.finditer(rf"\b{surnames}\b", text)] if known else []
        self._mentions = [(start, self._full[fold(surname)]) for start, surname in found]

    def of(self, start: int, end: int, previous: int, following: int) -> tuple[str | None, bool]:
        """The speaker of the quotation from `start` to `end`, and whether a verb of saying stands beside it.
        `previous` and `following` are where the quotations around it end and begin."""
        closed = self._text[end - 1 : end] in tuple(".!?…")
        after = self._after(end, following)
        verb = self._speech.verb.search(after)
        # After "… gone." a new sentence begins; it is about this quotation only if it is short: "he said".
        if (
            verb is not None
            and verb.start() <= MAX_VERB_DISTANCE
            and not (closed and after[:1].isupper() and verb.start() > 40)
        ):
            return self._subject(after, verb, start), True
        before = self._before(start, previous)
        verb = self._speech.verb.search(before)
        return (self._subject(before, verb, start), True) if verb is not None else (None, False)

    def reported(self, sentence: str, start: int) -> tuple[str, int, int] | None:
        """Speaker, start and end of what a sentence reports; `start` is where the sentence begins in the text."""
        bare = sentence.rstrip(".!?")
        if self._speech.verb.search(bare) is None:
            return None
        for pattern in (self._speech.says_that, self._speech.as_said, self._speech.as_said_by):
            found = pattern.match(bare)
            who = self._who(found["who"], start) if found is not None else None
            if found is not None and who is not None:
                return who, found.start("what"), found.end("what")
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


def _any_of(words: Iterable[str]) -> str:
    """A pattern for any of the words; for none of them, one that never matches."""
    listed = sorted(set(words), key=lambda word: (-len(word), word))
    return f"(?:{'|'.join(map(re.escape, listed)) or '(?!)'})"
