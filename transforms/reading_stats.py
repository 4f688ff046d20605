"""How long a text is to read: its sentences, and the seconds that reading takes.

Speeds are those of young adults reading aloud a plain text in their own language (Trauzettel-Klosinski and Dietz,
Standardized assessment of reading performance: the new International Reading Speed Texts IReST, Investigative
Ophthalmology & Visual Science 53(9), 5452-5461, 2012, doi:10.1167/iovs.11-8284): words a minute, for Chinese and
Japanese characters. Its mean over seventeen languages, 184 words (standard deviation 29) or 863 characters (234), was
checked against its abstract; the numbers by language against tables that repeat its own. Languages for which none was
at hand get the mean, in characters where no blanks stand between words. Between readers speeds vary by some 15 %, and
people reading silently are faster: 238 words a minute in English (Brysbaert, Journal of Memory and Language 109, 2019).
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from transforms.taggers import Document, Evidence, Tags

RULES = 3

WORDS_A_MINUTE = {
    "ar": 138, "de": 179, "en": 228, "es": 218, "fi": 161, "fr": 195, "he": 187, "it": 188, "nl": 202, "pl": 166,
    "ru": 184, "tr": 166,
}  # fmt: skip
CHARACTERS_A_MINUTE = {"zh": 255, "ja": 357, "th": 863, "lo": 863, "km": 863, "my": 863}
OTHER_WORDS_A_MINUTE = 184

_STOP = re.compile(
    r"(?P<mark>[.!?…؟۔।。！？])"
    r"(?:(?<![。！？])(?<![.!?…].)[.!?…]*+[\"”’»›)\]]*+ ++(?P<next>[^\s])|(?<=[。！？])(?=.))"  # once a row of marks
)
_BEFORE_STOP = re.compile(
    r"(?:\b(?:[^\W\d_]|\d{1,2}|Mr|Mrs|Ms|Dr|Prof|Gen|Col|Lt|Sgt|Capt|Maj|Sen|Rep|Gov|Rev|St|Jr|Sr|No|vs|Nr|bzw|ca|"
    r"Sra?|Mme?|Ste)|\.[^\W\d_])$"
)
_MOST_LETTERS = 6


class ReadingTagger:
    """The tagger "reading"; it reads no lexicons."""

    def __init__(self, overlays: Sequence[Path] = ()) -> None:
        self.version = f"reading {RULES}"

    def tag(self, document: Document, found: Tags) -> Tags:
        """`found` with the number of sentences and the seconds reading takes. Never raises for any text."""
        return replace(
            found,
            sentence_count=count_sentences(document.text),
            reading_seconds=reading_seconds(document),
        )

    def explain(self, document: Document, found: Tags) -> list[Evidence]:
        """What both numbers were counted from; they stand at the first word, for no word speaks more for them."""
        first = next(iter(document.text.split(maxsplit=1)), "")
        if not first:
            return []
        number, what, speed = _measure(document)
        counted = {
            f"sentences {count_sentences(document.text)}": "lines, and full stops that end a sentence inside one",
            f"reading {reading_seconds(document)} s": f"{number} {what} at {speed} a minute",
        }
        start = document.text.find(first)
        return [Evidence(tag=tag, surface=first, part="text", start=start, rule=rule) for tag, rule in counted.items()]


def count_sentences(text: str) -> int:
    """The sentences of `text`; a line without a full stop, a heading, is one. A stop before a small letter ends none,
    nor does a full stop behind an initial, a short number ("3. Mai") or an abbreviation."""
    lines = sum(map(bool, map(str.strip, text.split("\n"))))
    return lines + sum(_ends(stop) for stop in _STOP.finditer(text))


def _ends(stop: re.Match[str]) -> bool:
    if stop["next"] is None:
        return True
    if stop["next"].islower():
        return False
    at = stop.start()
    return stop["mark"] != "." or _BEFORE_STOP.search(stop.string, max(0, at - _MOST_LETTERS), at) is None


def reading_seconds(document: Document) -> int:
    """How long reading the text takes, in whole seconds, at least one where there is a text."""
    number, _, speed = _measure(document)
    return max(round(60 * number / speed), bool(document.text.strip()))


def _measure(document: Document) -> tuple[int, str, int]:
    """How many words or characters a text has, which of them, and how many are read in a minute. Behind the bound up to
    which words are read a text is taken to go on as before."""
    text, language = document.text, document.subtag
    if language in CHARACTERS_A_MINUTE:
        return sum(map(str.isalnum, text)), "characters", CHARACTERS_A_MINUTE[language]
    number = round(len(document.words) * len(text) / max(1, len(document.body.text)))
    return number, "words", WORDS_A_MINUTE.get(language, OTHER_WORDS_A_MINUTE)
