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
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from transforms import topic_model
from transforms.schema import Topic
from transforms.taggers import Document, Evidence, Tags
from transforms.tokens import Part
from transforms.topic_terms import TermIndex, merged
from transforms.wordlists import Lexicon

RULES = 2
MAX_TOPICS = 12
MAX_LEVELS = 10  # of concepts below each other; a circle in an overlay ends there
TITLE_FACTOR = 3  # a word of the title counts as so many of the text
LEDE_WORDS = 60
LEDE_FACTOR = 2


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
                concepts[term] = merged([weights, concepts[term]])
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
