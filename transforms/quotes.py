"""Who said what: direct quotations and reported speech, with the speaker's full name where the text gives it.

In: text and the people found before. Out: the tag `quotes`, in the order of the text. A direct quotation is what stands
between quotation marks (English, German and French styles), four words or more, or fewer with a verb of saying beside
it; its `start` is right behind the mark. Reported speech ("Rakhmon said that ...") is given without marks around it, so
the character before `start` tells the two apart. Speakers are people found in the text, else the words as printed
("senior Afghan official"), else None. The text is read up to a bound, each quotation is bounded too; work is linear.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from transforms.gazetteer import fold
from transforms.schema import NameMention, Quote
from transforms.taggers import Document, Tags
from transforms.wordlists import Lexicon

RULES = 1
MAX_CHARACTERS = 40_000
MAX_QUOTE_CHARACTERS = 3_000
MAX_SIDE_CHARACTERS = 240
MAX_QUOTES = 60
MIN_WORDS = 4

_MARKS = {"“": "”", "„": "“”", "«": "»", "»": "«", "‹": "›", "›": "‹", '"': '"', "‚": "‘", "‘": "’"}
_OPENING = re.compile('[“„«»‹›"‚‘]')
_NAME = r"[^\W\d_a-z][\w.'’-]*"
_PHRASE = re.compile(r"[\w.'’-]+(?: [\w.'’-]+){0,7}")
_SENTENCE = re.compile(r"[^.!?\n]{1,600}(?:\.(?=[a-z\d])[^.!?\n]{0,600})*[.!?]?")


@dataclass(frozen=True, slots=True)
class Span:
    """A quotation's characters in the text, without its marks."""

    start: int
    end: int


class QuotesTagger:
    """The tagger "quotes"; verbs of saying and the like are in `lexicons/names/speech.LANGUAGE.txt`."""

    def __init__(self, overlays: Sequence[Path] = ()) -> None:
        lexicon = Lexicon("names", overlays, RULES)
        self._speech = {
            name.split(".")[1]: Speech(lexicon, name.split(".")[1]) for name in lexicon.names("speech.*.txt")
        }
        self.version = f"quotes-{lexicon.version}"

    def tag(self, document: Document, found: Tags) -> Tags:
        """`found` with the quotes of the text. Never raises for any text."""
        language = (document.language or "").split("-", 1)[0].lower()
        speech = self._speech.get(language)
        return replace(found, quotes=find_quotes(document.text[:MAX_CHARACTERS], found.people, speech))


class Speech:
    """Words of one language about speaking."""

    def __init__(self, lexicon: Lexicon, language: str) -> None:
        sections: dict[str, list[str]] = {}
        for entry in lexicon.sections(f"speech.{language}.txt"):
            sections.setdefault(entry.section, []).append(entry.text)
        verbs = "|".join(re.escape(verb) for verb in sorted(sections.get("verbs", ["\0"]), key=len, reverse=True))
        that = "|".join(re.escape(word) for word in sections.get("that", ["that"]))
        self.pronouns = frozenset(sections.get("pronouns", ()))
        self.leading = frozenset(sections.get("articles", ()))
        self.stops = frozenset(sections.get("stops", ()))
        self.verb = re.compile(rf"(?<![\w-])(?:{verbs})(?![\w-])")
        self.says_that = re.compile(
            rf"^(?P<who>[^,:;\n]{{2,80}}?) (?:{verbs})(?P<to> [^,:;]{{1,60}}?)??,? (?:{that}) (?P<what>.+)$"
        )
        self.as_said = re.compile(
            rf"^(?P<what>.{{20,500}}), (?P<who>[^,]{{2,80}}?) (?:{verbs})(?P<rest>(?: [^,]{{1,80}})?)[.]?$"
        )


def find_quotes(text: str, people: Sequence[NameMention], speech: Speech | None) -> tuple[Quote, ...]:
    """Direct quotations and reported speech of `text`, in order."""
    names = Names(text, people)
    spans = find_spans(text)
    quotes: list[Quote] = []
    last: tuple[int, str | None] = (-1, None)
    for number, span in enumerate(spans):
        words = len(text[span.start : span.end].split())
        previous = spans[number - 1].end if number else 0
        following = spans[number + 1].start if number + 1 < len(spans) else len(text)
        speaker, said = _speaker(text, span, previous, following, names, speech) if speech else (None, False)
        if words < MIN_WORDS and not (said and words >= 2):
            continue
        paragraph = text.rfind("\n", 0, span.start)
        if speaker is None and last[0] == paragraph:
            speaker = last[1]
        last = (paragraph, speaker)
        quotes.append(Quote(text=text[span.start : span.end].strip(), speaker=speaker, start=span.start))
    if speech is not None:
        quotes += _reported(text, spans, names, speech)
    quotes.sort(key=lambda quote: quote.start)
    return tuple(quotes[:MAX_QUOTES])


def find_spans(text: str) -> list[Span]:
    """What stands between quotation marks. A paragraph that opens a quotation and does not close it is quoted up to its
    end; a lone mark and an apostrophe are none."""
    spans: list[Span] = []
    at = 0
    while (opening := _OPENING.search(text, at)) is not None:
        start = opening.end()
        at = start
        mark = opening.group()
        before = text[start - 2 : start - 1]
        if (before and (before.isalnum())) or start >= len(text) or (text[start].isspace() and mark not in "«»"):
            continue
        line_end = text.find("\n", start)
        limit = min(line_end if line_end >= 0 else len(text), start + MAX_QUOTE_CHARACTERS)
        end = _closing(text, start, limit, _MARKS[mark])
        if end < 0:
            if limit == start + MAX_QUOTE_CHARACTERS or mark in "‚‘‹›»" or before not in ("", "\n"):
                continue
            end = limit
        spans.append(_trimmed(text, start, end))
        at = end + 1
    return spans


def _closing(text: str, start: int, limit: int, marks: str) -> int:
    """Where the quotation ends: the first closing mark that is no apostrophe; -1 when there is none."""
    ends = [text.find(mark, start, limit) for mark in marks if mark != "’"]
    found = min((end for end in ends if end >= 0), default=-1)
    if "’" not in marks:
        return found
    end = text.find("’", start, limit)
    while end >= 0:
        if (not text[end + 1 : end + 2].isalnum() and text[end - 1] in ".,!?…") or text[end + 1 : end + 2] == ",":
            return end
        end = text.find("’", end + 1, limit)
    return found


def _trimmed(text: str, start: int, end: int) -> Span:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return Span(start, end)


class Names:
    """The people of a text by full name and surname, and where they are mentioned."""

    def __init__(self, text: str, people: Sequence[NameMention]) -> None:
        self.full = {fold(part): person.name for person in reversed(people) for part in (person.name.split()[-1],)}
        surnames = "|".join(
            re.escape(name) for name in sorted({p.name.split()[-1] for p in people[:60]}, key=len, reverse=True)
        )
        self.at = (
            [(m.start(), self.full[fold(m.group())]) for m in re.finditer(rf"\b(?:{surnames})\b", text)]
            if surnames
            else []
        )

    def before(self, position: int) -> str | None:
        """The person mentioned last before `position`, within some six sentences."""
        near = [name for start, name in self.at if position - 800 < start < position]
        return near[-1] if near else None

    def resolve(self, phrase: str) -> str | None:
        """The full name of the person a phrase names."""
        for word in reversed(re.findall(r"[\w'’-]+", phrase)):
            bare = re.sub(r"['’]s$", "", word)
            if bare[:1].isupper() and fold(bare) in self.full:
                return self.full[fold(bare)]
        return None


def _speaker(
    text: str, span: Span, previous: int, following: int, names: Names, speech: Speech
) -> tuple[str | None, bool]:
    """Who said the quotation, and whether a verb of saying stands beside it."""
    after = text[span.end + 1 : min(following, span.end + 1 + MAX_SIDE_CHARACTERS)]
    after = re.split(r"(?<=[a-z\d]{3})[.!?](?:\s|$)|\n", after, maxsplit=1)[0].lstrip(' ,.!?—–-”"’»')
    start = max(previous, text.rfind("\n", 0, span.start) + 1, span.start - MAX_SIDE_CHARACTERS)
    before = text[start : span.start - 1].strip(' :,—–-„“”"«»’‘')
    before = re.split(r"(?<=[a-z\d]{3})[.!?]\s", before)[-1]
    ended = text[span.end - 1 : span.end] in ".!?…"
    for side, is_after in ((after, True), (before, False)):
        if is_after and ended and (not side or (side[:1].isupper() and not speech.verb.search(side[:90]))):
            continue
        verb = speech.verb.search(side)
        if verb is None or (is_after and verb.start() > 90):
            continue
        who = _subject(side, verb.start(), verb.end(), span, names, speech)
        if who:
            return who, True
        return names.before(span.start), True
    return None, False


def _subject(side: str, start: int, end: int, span: Span, names: Names, speech: Speech) -> str | None:
    """The phrase before a verb of saying, or the one behind it when none stands before."""
    for phrase in (
        side[:start].split(",")[0 if "," not in side[:start] else -1] if start else "",
        side[:start],
        side[end:],
    ):
        phrase = phrase.strip(" ,–—-")
        if not phrase:
            continue
        who = _who(phrase, names, speech, span.start)
        if who:
            return who
    return None


def _who(phrase: str, names: Names, speech: Speech, position: int) -> str | None:
    words = phrase.split()
    if not words:
        return None
    if words[0].lower() in speech.pronouns:
        return names.before(position)
    resolved = names.resolve(" ".join(words[:12]))
    if resolved:
        return resolved
    kept: list[str] = []
    for word in words[:9]:
        if word.lower().strip(",.") in speech.stops:
            break
        kept.append(word)
        if word.endswith((",", ".")):
            break
    if kept and kept[0].lower() in speech.leading:
        kept = kept[1:]
    elif kept and not kept[0][:1].isupper():
        return None
    plain = " ".join(kept).strip(" ,.:;")
    return plain if 2 < len(plain) <= 80 else None


def _reported(text: str, spans: Sequence[Span], names: Names, speech: Speech) -> list[Quote]:
    """Reported speech: sentences without quotation marks that say who said so."""
    quoted = [(span.start, span.end) for span in spans]
    quotes: list[Quote] = []
    for sentence in _SENTENCE.finditer(text):
        body = sentence.group().strip()
        begin = sentence.start() + sentence.group().find(body[:1]) if body else 0
        if len(body) < 30 or any(start < sentence.end() and end > sentence.start() for start, end in quoted):
            continue
        if speech.verb.search(body) is None:
            continue
        found = speech.says_that.match(body) or speech.as_said.match(body)
        if found is None:
            continue
        who = _who(found["who"].strip(), names, speech, begin)
        what = found["what"].strip().rstrip(".")
        if who and len(what.split()) >= MIN_WORDS:
            quotes.append(Quote(text=what, speaker=who, start=begin + found.start("what")))
    return quotes
