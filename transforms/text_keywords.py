"""Keywords of the text itself: its own words and phrases that say most of what it is about.

In: text and language. Out: the tag `text_keywords`, best first. The method is YAKE (Campos et al., YAKE! Keyword
extraction from single documents using multiple local features, Information Sciences 509, 2020): a word counts by how
often it stands in the text, early, with a capital, in how many sentences and beside how few different words; a phrase
by its words. No other text is needed. Unlike there, phrases hold no stop words, words said once count only in short
texts, and a phrase that is part of a better one, or holds one, is left out.

Stop words are those of justext and of `lexicons/keywords`. A language without any, or one written without blanks
between words, gets no keywords.
The text is read up to a bound; work is linear.
"""

import math
import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate, compress
from pathlib import Path

import justext

from transforms.name_tokens import Gap, Words
from transforms.schema import Keyword
from transforms.taggers import Document, Evidence, Tags
from transforms.wordlists import Lexicon

RULES = 3
MAX_CHARACTERS = 8_000
MAX_KEYWORDS = 10
MAX_WORDS = 3
MIN_LETTERS = 3
MAX_WEIGHED = 60  # the commonest words of a text; the others are no keywords
SHORT_TEXT_WORDS = 120  # in shorter texts a word said once may be a keyword

LANGUAGES = {
    "af": "Afrikaans", "ar": "Arabic", "az": "Azerbaijani", "be": "Belarusian", "bg": "Bulgarian", "bn": "Bengali",
    "bs": "Bosnian", "ca": "Catalan", "cs": "Czech", "cy": "Welsh", "da": "Danish", "de": "German", "el": "Greek",
    "en": "English", "eo": "Esperanto", "es": "Spanish", "et": "Estonian", "eu": "Basque", "fa": "Persian",
    "fi": "Finnish", "fr": "French", "ga": "Irish", "gl": "Galician", "he": "Hebrew", "hi": "Hindi", "hr": "Croatian",
    "hu": "Hungarian", "hy": "Armenian", "id": "Indonesian", "is": "Icelandic", "it": "Italian", "ka": "Georgian",
    "kk": "Kazakh", "ko": "Korean", "lt": "Lithuanian", "lv": "Latvian", "mk": "Macedonian", "mr": "Marathi",
    "ms": "Malay", "nb": "Norwegian_Bokmal", "nl": "Dutch", "nn": "Norwegian_Nynorsk", "no": "Norwegian_Bokmal",
    "pl": "Polish", "pt": "Portuguese", "ro": "Romanian", "ru": "Russian", "sk": "Slovak", "sl": "Slovenian",
    "sq": "Albanian", "sr": "Serbian", "sv": "Swedish", "sw": "Swahili", "ta": "Tamil", "te": "Telugu", "tl": "Tagalog",
    "tr": "Turkish", "uk": "Ukrainian", "ur": "Urdu", "uz": "Uzbek", "vi": "Vietnamese",
}  # fmt: skip

_INSIDE = re.compile("['’.]")


class KeywordsTagger:
    """The tagger "keywords", with the stop words of `overlays` (folders with `keywords/stopwords.<language>.txt`)."""

    def __init__(self, overlays: Sequence[Path] = ()) -> None:
        lexicon = Lexicon("keywords", overlays, RULES)
        self._own_words = {
            name.split(".")[1]: frozenset(entry.text.lower() for entry in lexicon.sections(name))
            for name in lexicon.names("stopwords.*.txt")
        }
        self._stop_words: dict[str, frozenset[str]] = {}
        self.version = lexicon.version

    def tag(self, document: Document, found: Tags) -> Tags:
        """`found` with the keywords of the text. Never raises for any text."""
        return replace(found, text_keywords=self._find(document))

    def explain(self, document: Document, found: Tags) -> list[Evidence]:
        """Every keyword where it first stands."""
        text = document.text[:MAX_CHARACTERS]
        return [
            Evidence(
                tag=f"keyword {keyword.text}",
                surface=keyword.text,
                part="text",
                start=max(0, text.find(keyword.text)),
                rule=f"YAKE, score {keyword.score:.2f}",
            )
            for keyword in self._find(document)
        ]

    def _find(self, document: Document) -> tuple[Keyword, ...]:
        language = document.subtag
        if language not in self._stop_words:
            listed = justext.get_stoplist(LANGUAGES[language]) if language in LANGUAGES else frozenset()
            self._stop_words[language] = listed | self._own_words.get(language, frozenset())
        return find_keywords(document.words, self._stop_words[language])


def find_keywords(words: Words, stop_words: frozenset[str]) -> tuple[Keyword, ...]:
    """The keywords of a text, at most `MAX_KEYWORDS`, best first; their scores lie between 0 and 1. Without stop words
    there are none."""
    if not stop_words:
        return ()
    most = bisect_left(words.starts, MAX_CHARACTERS)
    printed, lower, gaps = words.texts[:most], words.lower[:most], words.gaps[:most]
    sentence_of = [0, *accumulate([gap.ends_sentence for gap in gaps])]
    times = Counter(lower)
    content = {
        word: n
        for word, n in times.items()
        if len(word) >= MIN_LETTERS and word not in stop_words and (word.isalpha() or _says_something(word, stop_words))
    }
    least = 1 if len(lower) < SHORT_TEXT_WORDS else 2
    kept = sorted([word for word, n in content.items() if n >= least], key=lambda word: -content[word])[:MAX_WEIGHED]
    if not kept:
        return ()
    mean = sum(content.values()) / len(content)
    common = mean + math.sqrt(sum([n * n for n in content.values()]) / len(content) - mean * mean)
    places: dict[str, list[int]] = {word: [] for word in kept}
    standing = list(compress(range(len(lower)), map(places.__contains__, lower)))
    for at in standing:
        places[lower[at]].append(at)
    most = max(content.values())
    weights = {word: _weight(at, printed, gaps, sentence_of, common=common, most=most) for word, at in places.items()}
    return _best(_phrases(standing, printed, lower, gaps, weights))


def _says_something(word: str, stop_words: frozenset[str]) -> bool:
    """Whether a word that is not all letters may be a keyword: no number, and a contraction only with something in it
    that may be one ("O'Neill", but not "don't")."""
    if not word[0].isalpha() or " " in word:
        return False
    pieces = _INSIDE.split(word)
    return len(pieces) == 1 or any(len(piece) >= MIN_LETTERS and piece not in stop_words for piece in pieces)


def _weight(
    places: Sequence[int],
    printed: Sequence[str],
    gaps: Sequence[Gap],
    sentence_of: Sequence[int],
    *,
    common: float,
    most: int,
) -> float:
    """How little a word says, by its `places`: the smaller, the more it says."""
    times = len(places)
    before = [printed[at - 1] for at in places if at and gaps[at - 1].is_blank]
    behind = [printed[at + 1] for at in places if at + 1 < len(printed) and gaps[at].is_blank]
    capitals = sum([printed[at][0].isupper() and at > 0 and not gaps[at - 1].ends_sentence for at in places])
    sentences = [sentence_of[at] for at in places]
    casing = capitals / (1 + math.log(times))
    position = math.log(math.log(3 + sentences[times // 2]))
    company = len(set(before)) / max(1, len(before)) + len(set(behind)) / max(1, len(behind))
    relatedness = 1 + company * times / most
    spread = len(set(sentences)) / (sentence_of[-1] + 1)
    return relatedness * position / (casing + (times / common + spread) / relatedness)


def _phrases(
    standing: Sequence[int],
    printed: Sequence[str],
    lower: Sequence[str],
    gaps: Sequence[Gap],
    weights: dict[str, float],
) -> dict[str, tuple[float, str]]:
    """Every phrase of words with a weight, which are `standing` there: its score and how it is mostly printed."""
    phrases = [printed[first] for first in standing]
    for first in standing:
        last = first + 1
        while last < len(lower) and gaps[last - 1].is_blank and lower[last] in weights and last - first < MAX_WORDS:
            last += 1
            phrases.append(" ".join(printed[first:last]))
    found: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
    for form, times in Counter(phrases).items():
        found[form.lower()].append((times, form))
    scored = {}
    for phrase, forms in found.items():
        total = sum([times for times, _ in forms])
        own = [weights[word] for word in phrase.split(" ")]
        if len(own) > 1 and total == 1 and len(lower) >= SHORT_TEXT_WORDS:
            continue
        weight = math.prod(own) / (total * (1 + sum(own)))
        scored[phrase] = (1 / (1 + weight), max(forms)[1])
    return scored


def _best(scored: dict[str, tuple[float, str]]) -> tuple[Keyword, ...]:
    chosen: dict[str, Keyword] = {}
    for phrase, (score, form) in sorted(scored.items(), key=lambda item: (-item[1][0], item[0])):
        if any(f" {phrase} " in f" {other} " or f" {other} " in f" {phrase} " for other in chosen):
            continue
        chosen[phrase] = Keyword(text=form, score=round(score, 3))
        if len(chosen) == MAX_KEYWORDS:
            break
    return tuple(chosen.values())
