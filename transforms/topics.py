"""Topics: which IPTC Media Topics a text is about, by weighted words and phrases that anyone can read.

In: title and text. Out: topics with a score in 0..1, best first, each specific concept together with its top level.
A language without a lexicon (`lexicons/topics/<language>/`) gets no topics. The text is read up to a bound, so the work
is linear and bounded whatever comes in.

How a text is scored: each distinct term of the lexicon found in it adds its weight times 1 + ln(occurrences), where
occurrences in the title and the first words count more. A term of several concepts counts for their top level once.
Evidence grows with the square root of a text's length in ordinary prose, so it is divided by that.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import compress
from pathlib import Path
from typing import NamedTuple

from transforms import topic_model
from transforms.folding import fold_words
from transforms.remembered import Remembered
from transforms.schema import Topic
from transforms.taggers import Document, Evidence, Tags
from transforms.tokens import Part, read
from transforms.wordlists import Lexicon

RULES = 2
MAX_TOPICS = 12
MAX_LEVELS = 10  # of concepts below each other; a circle in an overlay ends there
TITLE_FACTOR = 3  # a word of the title counts as so many of the text
LEDE_WORDS = 60
LEDE_FACTOR = 2

_HEAD = 4  # letters by which words that begin or end as a term with a "*" are looked up


class Strength(NamedTuple):
    """What a term of a text says for a concept: its weight times 1 + ln(occurrences)."""

    term: str
    concept: str
    strength: float


class TopicsTagger:
    """Tags topics by the built-in lexicons and those of `overlays` (folders with `topics/<language>/*.txt`); with
    `model`, a file of `transforms.topic_model`, the order of the top levels is revised by it."""

    def __init__(self, overlays: Sequence[Path] = (), model: Path | None = None) -> None:
        lexicon = Lexicon("topics", overlays, RULES)
        self._vocabulary = Vocabulary(lexicon)
        files = lexicon.names("*/*.txt")
        self._terms = {
            language: TermIndex(
                [
                    (entry.text, f"medtop:{entry.section}", entry.weight)
                    for name in files
                    if name.startswith(f"{language}/")
                    for entry in lexicon.sections(name)
                ],
                language,
            )
            for language in sorted({name.split("/", 1)[0] for name in files})
        }
        self._model = topic_model.load(model) if model else None
        self.version = f"{lexicon.version}-{self._model.version}" if self._model else lexicon.version

    def tag(self, document: Document, found: Tags) -> Tags:
        """`found` with the topics of the document. Never raises for any text."""
        terms = self._terms.get(document.subtag)
        if terms is None:
            return found
        evidence, words = find_terms(document.head, document.body, terms)
        topics = rank_topics(evidence, words, self._vocabulary)
        if self._model is not None:
            topics = topic_model.revise(self._model, document.title, document.text, topics, self._vocabulary)
        return replace(found, topics=topics)

    def explain(self, document: Document, found: Tags) -> list[Evidence]:
        """Every term found with the concept it speaks for, in the order of title and text."""
        terms = self._terms.get(document.subtag)
        if terms is None:
            return []
        evidence: list[Evidence] = []
        for where, part in (("title", document.head), ("text", document.body)):
            words, starts = part.rows()[0], part.row_starts()
            for at, term, concepts in terms.find(part)[0]:
                last = at + term.count(" ")
                surface = part.text[starts[at] : starts[last] + len(words[last])]
                for concept, weight in concepts.items():
                    name = self._vocabulary.name(concept)
                    rule = f"term {term!r} of weight {weight:g}"
                    evidence.append(
                        Evidence(tag=f"topic {name}", surface=surface, part=where, start=starts[at], rule=rule)
                    )
        return evidence


class Vocabulary:
    """The names of the Media Topics and the broader concept of each."""

    def __init__(self, lexicon: Lexicon) -> None:
        rows = lexicon.table("media-topics.tsv")
        self.names = {row[0]: row[1] for row in rows}
        self.broader = {row[0]: row[2] for row in rows if len(row) > 2 and row[2]}
        self._top = {concept: self._climbed(concept) for concept in self.names}

    def top(self, concept: str) -> str:
        """The top level of a concept; the concept itself when it is one, or unknown."""
        return self._top.get(concept, concept)

    def _climbed(self, concept: str) -> str:
        for _ in range(MAX_LEVELS):
            concept = self.broader.get(concept, concept)
        return concept

    def name(self, concept: str) -> str:
        return self.names.get(concept, concept)


class _Term(NamedTuple):
    """`tail` holds the words after the first, `weights` the weight by concept; `number` is its place in the lexicon."""

    tail: tuple[str, ...]
    spelling: str
    weights: dict[str, float]
    number: int


class _Begun(NamedTuple):
    """What a word may begin: the term that it is by itself, if any, with its weights, and longer terms by their second
    word. `seconds` are the forms of those, folded; `open`: some begin or end with a "*"."""

    spelling: str
    weights: dict[str, float]
    longer: dict[str, list[_Term]]
    seconds: frozenset[str]
    open: bool


_NOTHING = _Begun("", {}, {}, frozenset(), open=False)


class TermIndex:
    """Words and phrases, to be found in running text.

    A term is written in lower case and matches any case, its last word also with a plural -s; one with a capital
    letter matches only so. `bank*` matches every word that begins so, `*minister` every longer one that ends so.
    The longest term at a place wins there.
    A term of weight 0 stands for nothing and keeps shorter ones from matching inside it ("under fire").
    """

    def __init__(self, terms: Sequence[tuple[str, str, float]], language: str = "en") -> None:
        weights: dict[tuple[str, ...], dict[str, float]] = defaultdict(dict)
        for words, (_, concept, weight) in zip(
            _read_terms([text for text, _, _ in terms], language), terms, strict=True
        ):
            weights[words][concept] = weight
        self._by_first: dict[str, list[_Term]] = defaultdict(list)
        for number, (words, concepts) in enumerate(weights.items()):
            if words:
                self._by_first[words[0]].append(_Term(words[1:], " ".join(words), concepts, number))
        listed = {word for words in weights for word in words}
        self._forms: dict[str, list[str]] = defaultdict(list)  # words of the lexicon by a form of theirs
        for word in sorted(word for word in listed if "*" not in word):
            for form in _forms(word):
                self._forms[form].append(word)
        self._first_forms = frozenset(fold_words([form for word in self._by_first for form in _forms(word)]))
        self._beginnings, self._endings = defaultdict[str, list[str]](list), defaultdict[str, list[str]](list)
        for word in sorted(listed, key=len):
            if word.endswith("*"):
                self._beginnings[word[:-1][:_HEAD]].append(word[:-1])
            elif word.startswith("*"):
                self._endings[word[1:][-_HEAD:]].append(word[1:])
        self._sizes = sorted({len(part) for part in (*self._beginnings, *self._endings)})
        first = fold_words(list(self._by_first))
        self._heads = _by_length(word[:-1][:_HEAD] for word in first if word.endswith("*"))
        self._tails = _by_length(word[1:][-_HEAD:] for word in first if word.startswith("*"))
        self._keys = Remembered(self._matches)
        self._begun = Remembered(self._begin)

    def _may_begin(self, words: frozenset[str]) -> set[str]:
        """Those of the folded `words` that may begin a term: few of them do."""
        first = set(words & self._first_forms)
        for n, heads in self._heads:
            first.update([word for word in words if word[:n] in heads])
        for n, tails in self._tails:
            first.update([word for word in words if word[-n:] in tails])
        return first

    def _matches(self, word: str) -> tuple[str, ...]:
        """The words of the lexicon that `word` matches."""
        lower = word.lower()
        exact: list[str] = []
        open_ended: list[str] = []
        for spelling in (lower,) if word == lower else (word, lower):
            exact += self._forms.get(spelling, ())
            for size in self._sizes:
                if parts := self._beginnings.get(spelling[:size]):
                    open_ended += [f"{part}*" for part in parts if spelling.startswith(part)]
            for size in self._sizes:
                if parts := self._endings.get(spelling[-size:]):
                    open_ended += [f"*{part}" for part in parts if spelling.endswith(part) and spelling != part]
        return tuple(dict.fromkeys((*sorted(exact), *open_ended)))

    def _begin(self, word: str) -> _Begun:
        terms = [term for key in self._keys[word] for term in self._by_first.get(key, ())]
        if not terms:
            return _NOTHING
        alone = [term for term in terms if not term.tail]
        longer: defaultdict[str, list[_Term]] = defaultdict(list)
        for term in terms:
            if term.tail:
                longer[term.tail[0]].append(term)
        return _Begun(
            alone[0].spelling if alone else "",
            _merged([term.weights for term in alone]) if alone else {},
            dict(longer),
            frozenset(fold_words([form for second in longer for form in _forms(second)])),
            any("*" in second for second in longer),
        )

    def find(self, part: Part) -> tuple[list[tuple[int, str, dict[str, float]]], int]:
        """Position, spelling and concepts of each term among the rows of letters of `part`: the longest at each place,
        without overlaps; and the number of rows. Terms of one length that match the same words ("refugee*",
        "refugees") are one, with the larger weights."""
        found: list[tuple[int, str, dict[str, float]]] = []
        words, folded = part.rows()
        first = self._may_begin(part.different)
        free = 0
        for at, second in compress(enumerate([*folded[1:], ""]), map(first.__contains__, folded)):
            if at < free:
                continue
            begun = self._begun[words[at]]
            if second in begun.seconds or (begun.open and second):
                terms = [term for key in self._keys[words[at + 1]] for term in begun.longer.get(key, ())]
                longest = self._longest(terms, words, at)
                if longest:
                    found.append((at, longest[0].spelling, _merged([term.weights for term in longest])))
                    free = at + 1 + len(longest[0].tail)
                    continue
            if begun.spelling:
                found.append((at, begun.spelling, begun.weights))
        return found, len(words)

    def _longest(self, terms: list[_Term], words: Sequence[str], at: int) -> list[_Term]:
        """The longest of the terms that go on behind `at` as `words` do, in the order of the lexicon."""
        going = [term for term in terms if self._goes_on(words[at + 1 : at + 1 + len(term.tail)], term.tail)]
        longest = max((len(term.tail) for term in going), default=0)
        return sorted((term for term in going if len(term.tail) == longest), key=lambda term: term.number)

    def _goes_on(self, words: Sequence[str], tail: Sequence[str]) -> bool:
        return len(words) == len(tail) and all(part in self._keys[word] for part, word in zip(tail, words, strict=True))


def _read_terms(terms: Sequence[str], language: str) -> Iterable[tuple[str, ...]]:
    """The words of each term, as those of a text are read, but for a "*" before or behind."""
    text = "\n".join(terms)
    read_terms: list[list[str]] = [[] for _ in terms]
    line = end = 0
    part = read(text, language)
    for word, start in zip(part.rows()[0], part.row_starts(), strict=True):
        line += text.count("\n", end, start)
        end = start + len(word)
        head, tail = text[start - 1 : start] == "*", text[end : end + 1] == "*"
        read_terms[line].append(f"{'*' * head}{word}{'*' * tail}")
    return map(tuple, read_terms)


def _forms(word: str) -> Iterator[str]:
    """How a word of the lexicon may be written in a text: as it is, in small letters but for its own capitals, and with
    the ending of a plural."""
    yield word
    if len(word) > 2:
        yield from (f"{word}s", f"{word}S")
    if word == word.lower():
        if word.endswith("y"):
            yield f"{word[:-1]}ies"
        if not word.endswith("i"):
            yield f"{word}es"


def _merged(terms: Sequence[dict[str, float]]) -> dict[str, float]:
    merged = terms[0]
    for other in terms[1:]:
        merged = {key: max(merged.get(key, 0.0), other.get(key, 0.0)) for key in (*merged, *other)}
    return merged


def _by_length(parts: Iterable[str]) -> list[tuple[int, set[str]]]:
    lengths: dict[int, set[str]] = defaultdict(set)
    for part in parts:
        lengths[len(part)].add(part)
    return sorted(lengths.items())


def find_terms(title: Part, text: Part, terms: TermIndex) -> tuple[list[Strength], int]:
    """The terms of title and text as evidence, and the number of words read."""
    occurrences: dict[str, float] = {}
    concepts: dict[str, dict[str, float]] = {}
    number = 0
    for part, is_title in ((title, True), (text, False)):
        found, words = terms.find(part)
        number += words
        for at, term, weights in found:
            times = TITLE_FACTOR if is_title else LEDE_FACTOR if at < LEDE_WORDS else 1
            occurrences[term] = occurrences.get(term, 0) + times
            if concepts.setdefault(term, weights) is not weights:
                concepts[term] = _merged([weights, concepts[term]])
    evidence = [
        Strength(term, concept, weight * (1 + math.log(times)))
        for term, times in occurrences.items()
        for concept, weight in concepts[term].items()
        if weight
    ]
    return evidence, number


def rank_topics(evidence: Sequence[Strength], words: int, vocabulary: Vocabulary) -> tuple[Topic, ...]:
    """Top levels and narrower concepts with enough evidence, best first; a concept's top level stands before it."""
    length = math.sqrt(max(words, 40) / 40)
    top: dict[str, float] = defaultdict(float)
    specific: dict[str, float] = defaultdict(float)
    by_term: dict[tuple[str, str], float] = {}
    for term, concept, strength in evidence:
        at = term, vocabulary.top(concept)
        by_term[at] = max(strength / length, by_term.get(at, 0.0))
        if concept in vocabulary.broader:
            specific[concept] += strength / length
    for (_, concept), strength in by_term.items():
        top[concept] += strength
    if not top:
        return ()
    best = max(top.values())
    kept = {concept: strength for concept, strength in top.items() if strength >= max(1.5, 0.35 * best)}
    if not kept and best >= 0.8:  # a single weak sign is better named with its low score than kept back
        kept = {concept: strength for concept, strength in top.items() if strength == best}
    topics: list[Topic] = []
    for concept, strength in kept.items():
        topic = _topic(concept, strength, vocabulary, share=math.sqrt(strength / best))
        narrower = [
            _topic(name, value, vocabulary, most=topic.score)
            for name, value in specific.items()
            if value >= 1.5 and value >= 0.05 * best and vocabulary.top(name) == concept
        ]
        narrower.sort(key=lambda topic: (-topic.score, topic.id))
        topics += [topic, *narrower[:5]]
    topics.sort(key=lambda topic: (-topic.score, topic.id))  # ids of top levels sort before all others
    return tuple(topics[:MAX_TOPICS])


def _topic(concept: str, strength: float, vocabulary: Vocabulary, share: float = 1.0, most: float = 1.0) -> Topic:
    """A topic with its score: near 1 with much evidence, less for a topic that another outweighs (`share`). A narrower
    concept scores at `most` what its top level does."""
    score = min(most, round(share * (1 - math.exp(-strength / 6)), 3))
    return Topic(id=concept, name=vocabulary.name(concept), score=score)
