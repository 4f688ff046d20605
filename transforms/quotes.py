"""Who said what: direct quotations and reported speech, with the speaker's full name where the text gives it.

In: text and the people found before. Out: the tags `quotes`, in the order of the text, and `quote_sources`, one for
each: direct or indirect, the verb of saying, and the outlet it was told ("told Reuters"). A direct quotation stands
between quotation marks (English, German, French and other styles), four words or more, or fewer with a verb of saying
beside it; its `start` is right behind the mark. Reported speech ("Rakhmon said that ...") has no marks around it, so
the character before `start` tells the two apart. Speakers are people found in the text, else the words as printed
("senior harbour official"), else None. In a language without words about speaking (`lexicons/names/speech.*.txt`)
quotations have no speaker. The text is read up to a bound, and so is each quotation; work is linear.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from transforms.schema import NameMention, Quote, QuoteSource
from transforms.speakers import NOT_SAID, Speakers, Speech
from transforms.taggers import Document, Evidence, Tags
from transforms.tokens import Part
from transforms.wordlists import Lexicon

RULES = 4
MAX_QUOTE_CHARACTERS = 3_000
MAX_SINGLE_CHARACTERS = 600  # between single marks, which may be apostrophes
MAX_QUOTES = 60
MIN_WORDS = 4

_MARKS = {"“": "”", "„": "“”", "«": "»", "»": "«", "‹": "›", "›": "‹", '"': '"', "‚": "‘", "‘": "’"}
_OPENING = re.compile('[“„«»‹›"‚‘]')
# Up to its full stop; a stop inside "U.S. forces" is none.
_SENTENCE = re.compile(r"[^.!?\n]{1,600}(?:\.(?=[a-z\d])[^.!?\n]{0,600}){0,5}[.!?]?")


Sourced = tuple[Quote, QuoteSource]


@dataclass(frozen=True, slots=True)
class Span:
    """A quotation's characters in the text, without its marks."""

    start: int
    end: int


class QuotesTagger:
    """The tagger "quotes", with the lexicons of `overlays` (folders with `names/speech.*.txt`)."""

    def __init__(self, overlays: Sequence[Path] = ()) -> None:
        lexicon = Lexicon("names", overlays, RULES)
        self._speech = {
            name.split(".")[1]: Speech(lexicon, name.split(".")[1]) for name in lexicon.names("speech.*.txt")
        }
        self.version = lexicon.version

    def tag(self, document: Document, found: Tags) -> Tags:
        """`found` with the quotes of the text and their sources. Never raises for any text."""
        quotes = self._quotes(document, found)
        return replace(
            found, quotes=tuple(quote for quote, _ in quotes), quote_sources=tuple(source for _, source in quotes)
        )

    def explain(self, document: Document, found: Tags) -> list[Evidence]:
        """Every quotation with its speaker and whether it is direct or reported, in the order of the text."""
        return [
            Evidence(
                tag=f"quote by {quote.speaker or 'nobody named'}",
                surface=quote.text,
                part="text",
                start=quote.start,
                rule=_rule(source),
            )
            for quote, source in self._quotes(document, found)
        ]

    def _quotes(self, document: Document, found: Tags) -> list[Sourced]:
        speech = self._speech.get(document.subtag)
        dateline = document.dateline.text if document.dateline is not None else ""
        begin = len(dateline) if document.text.startswith(dateline) else 0
        return find_quotes(document.body, found.people, speech, begin)


def find_quotes(part: Part, people: Sequence[NameMention], speech: Speech | None, begin: int = 0) -> list[Sourced]:
    """Direct quotations and reported speech of a text, in order, each with its source. The report itself begins at
    `begin`, behind the dateline."""
    text = part.text
    spans = find_spans(text)
    speakers = Speakers(part, people, speech) if speech is not None else None
    quotes = _direct(text, spans, speakers)
    if speakers is not None:
        quotes += _reported(text, spans, speakers, begin)
    quotes.sort(key=lambda quote: quote[0].start)
    return quotes[:MAX_QUOTES]


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
        if before.isalnum() or start >= len(text) or (text[start].isspace() and mark not in "«»"):
            continue
        line_end = text.find("\n", start)
        most = MAX_SINGLE_CHARACTERS if mark in "‘‚" else MAX_QUOTE_CHARACTERS
        limit = min(line_end if line_end >= 0 else len(text), start + most)
        end = _closing(text, start, limit, _MARKS[mark])
        if end < 0:
            if limit == start + most or mark in "‚‘‹›»" or before not in ("", "\n"):
                continue
            end = limit
        spans.append(_trimmed(text, start, end))
        at = end + 1
    return spans


def _closing(text: str, start: int, limit: int, marks: str) -> int:
    """Where the quotation ends; -1 when it does not. A single mark that may be an apostrophe ends nothing."""
    if marks != "’":
        return min((end for end in (text.find(mark, start, limit) for mark in marks) if end >= 0), default=-1)
    end = text.find("’", start, limit)
    while end >= 0:
        behind = text[end + 1 : end + 2]
        if behind == "," or (text[end - 1] in ".,!?…" and not behind.isalnum()):
            return end
        end = text.find("’", end + 1, limit)
    return -1


def _trimmed(text: str, start: int, end: int) -> Span:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return Span(start, end)


def _direct(text: str, spans: Sequence[Span], speakers: Speakers | None) -> list[Sourced]:
    quotes: list[Sourced] = []
    paragraph, latest = -1, None
    for number, span in enumerate(spans):
        words = len(text[span.start : span.end].split())
        said = NOT_SAID
        if speakers is not None:
            previous = spans[number - 1].end if number else 0
            following = spans[number + 1].start if number + 1 < len(spans) else len(text)
            said = speakers.of(span.start, span.end, previous, following)
        if words < MIN_WORDS and not (said.verb and words >= 2):
            continue
        begins = text.rfind("\n", 0, span.start)
        speaker = said.speaker
        if speaker is None and begins == paragraph:
            speaker = latest
        paragraph, latest = begins, speaker
        quote = Quote(text=text[span.start : span.end], speaker=speaker, start=span.start)
        quotes.append((quote, QuoteSource(kind="direct", verb=said.verb, told=said.told)))
    return quotes


def _reported(text: str, spans: Sequence[Span], speakers: Speakers, begin: int) -> list[Sourced]:
    """Reported speech: sentences without quotation marks that say who said so."""
    quotes: list[Sourced] = []
    number = 0
    for sentence in _SENTENCE.finditer(text, begin):
        if not speakers.speaks(*sentence.span()):
            continue
        while number < len(spans) and spans[number].end < sentence.start():
            number += 1
        if number < len(spans) and spans[number].start < sentence.end():
            continue
        body = sentence.group().lstrip(" \n-–—:)")
        start = sentence.end() - len(body)
        found = speakers.reported(body.rstrip(), start)
        if found is not None:
            said, first, last = found
            what = text[start + first : start + last]
            if len(what.split()) >= MIN_WORDS:
                quote = Quote(text=what, speaker=said.speaker, start=start + first)
                quotes.append((quote, QuoteSource(kind="indirect", verb=said.verb, told=said.told)))
    return quotes


def _rule(source: QuoteSource) -> str:
    rule = "quotation marks" if source.kind == "direct" else "reported speech"
    rule += f", verb {source.verb!r}" if source.verb else ""
    return rule + (f", told {source.told}" if source.told else "")
