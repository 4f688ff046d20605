"""A small linear topic model, trained on a user's own archive from labels the lexicons are sure of.

Lexicons know the words somebody wrote down; the model learns from the texts they are sure of which other words go with
a topic, and so decides the texts they are not sure of. It is multinomial logistic regression over hashed words and
pairs of words (sublinear term frequency times inverse document frequency, unit length), fitted by AdaGrad (Duchi, Hazan
and Singer, 2011). Labels of lexicons are wrong now and then, and a model remembers what it was told; so labels that
models of the other texts contradict are left out first (as in confident learning, Northcutt, Jiang and Chuang, 2021).
Training is deterministic. It holds the features of all texts it uses at once: some 3 KB each, of a
bounded number by topic.

Models are stored as plain arrays (.npz, never pickle), so that loading a foreign file runs nothing of it.
"""

import re
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import xxhash

from transforms.schema import Topic

FORMAT = 1
BITS = 17
MAX_WORDS = 1_000
EPOCHS = 5
RATE = 0.5
DECAY = 1e-6
MIN_TEXTS_OF_A_TOPIC = 8
MAX_TEXTS_OF_A_TOPIC = 5_000
SEED = 1
FOLDS = 5  # models that judge the labels, each of those texts it was not trained on
CONTRADICTED = 0.4  # a label is left out when such a model gives another topic this probability or more

# The lexicons are sure of a topic with this score or more whose evidence is this many times that of the next.
SURE_SCORE = 0.55
SURE_RATIO = 3.0

Floats = npt.NDArray[np.float32]
Features = tuple[npt.NDArray[np.int32], Floats]

_WORD = re.compile(r"[^\W\d_]{2,}")


@dataclass(frozen=True, slots=True)
class TopicModel:
    """`weights` has one column a topic and one row a feature, the last row being the bias; `rarity` is the inverse
    document frequency of each feature; `version` a hash of it all."""

    topics: tuple[str, ...]
    weights: Floats
    rarity: Floats
    version: str


class Example(NamedTuple):
    """A text to learn from: its topic, and whether a person gave it. Such a label is never doubted."""

    title: str
    text: str
    topic: str
    given: bool = False


def sure_topic(topics: Sequence[Topic]) -> str | None:
    """The top-level topic that the lexicons are sure of, None when they are not: what to train on."""
    top = sorted((topic for topic in topics if topic.id.endswith("000000")), key=lambda topic: -topic.score)
    if not top or top[0].score < SURE_SCORE:
        return None
    if len(top) > 1 and _evidence(top[0].score) < SURE_RATIO * _evidence(top[1].score):
        return None
    return top[0].id


def train(texts: Iterable[Example]) -> TopicModel:
    """A model from texts and their topics. Of a topic the first `MAX_TEXTS_OF_A_TOPIC` articles are used; topics with
    fewer than `MIN_TEXTS_OF_A_TOPIC` are left out. Raises ValueError when fewer than two topics remain."""
    counted: dict[str, list[tuple[Features, bool]]] = {}
    for example in texts:
        features = counted.setdefault(example.topic, [])
        if len(features) < MAX_TEXTS_OF_A_TOPIC:
            features.append((_count(example.title, example.text), example.given))
    topics = tuple(sorted(topic for topic, features in counted.items() if len(features) >= MIN_TEXTS_OF_A_TOPIC))
    if len(topics) < 2:
        raise ValueError(
            f"a topic model needs two topics or more with {MIN_TEXTS_OF_A_TOPIC} articles each, found {len(topics)}"
        )
    kept = [(label, features) for label, topic in enumerate(topics) for features, _ in counted[topic]]
    given = [given for topic in topics for _, given in counted[topic]]
    rarity = _rarity([indices for _, (indices, _) in kept])
    labelled = [(label, _scaled(features, rarity)) for label, features in kept]
    contradicted = _contradicted(labelled, len(topics))
    trusted = [each for number, each in enumerate(labelled) if given[number] or number not in contradicted]
    weights = _fit(trusted, len(topics))
    return TopicModel(topics, weights, rarity, _version(topics, weights))


def predict(model: TopicModel, title: str, text: str) -> list[tuple[str, float]]:
    """Every topic of the model with its probability, best first; nothing for a text without words."""
    indices, values = _scaled(_count(title, text), model.rarity)
    if not len(indices):
        return []
    chances = _softmax(values @ model.weights[indices] + model.weights[-1])
    return sorted(zip(model.topics, map(float, chances), strict=True), key=lambda pair: (-pair[1], pair[0]))


class Names(Protocol):
    """What names a concept and tells its top level."""

    def name(self, concept: str) -> str: ...

    def top(self, concept: str) -> str: ...


def revise(model: TopicModel, title: str, text: str, topics: Sequence[Topic], names: Names) -> tuple[Topic, ...]:
    """`topics` of the lexicons with their top levels put in the order that lexicons and model agree on.

    The score of a top level becomes the mean of its probability, counted twice, and its share of the lexicons'
    evidence. A top level that only the model sees is added when it is more likely than not. A narrower concept scores
    at most what its top level does.
    """
    chances = dict(predict(model, title, text))
    evidence = {topic.id: _evidence(topic.score) for topic in topics if names.top(topic.id) == topic.id}
    total = sum(evidence.values()) or 1.0
    seen = [*evidence, *(topic for topic, chance in chances.items() if chance >= 0.5 and topic not in evidence)]
    scores = {topic: round((2 * chances.get(topic, 0.0) + evidence.get(topic, 0.0) / total) / 3, 3) for topic in seen}
    revised = [Topic(id=topic, name=names.name(topic), score=score) for topic, score in scores.items()]
    for topic in topics:
        top = names.top(topic.id)
        if topic.id not in scores and top in scores:
            revised.append(replace(topic, score=min(topic.score, scores[top])))
    return tuple(sorted(revised, key=lambda topic: (-topic.score, topic.id)))


def save(model: TopicModel, path: Path) -> None:
    """Write the model to `path`; a file there is replaced whole."""
    staged = path.with_name(path.name + ".part")
    with staged.open("wb") as file:
        np.savez_compressed(
            file,
            format=np.array([FORMAT]),
            topics=np.array(model.topics),
            weights=model.weights.astype(np.float16),
            rarity=model.rarity.astype(np.float16),
        )
    staged.replace(path)


def load(path: Path) -> TopicModel:
    """The model at `path`. Raises ValueError for a file that is none, OSError when it cannot be read."""
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{path} is no topic model")
    try:
        with np.load(path, allow_pickle=False) as arrays:
            if int(arrays["format"][0]) != FORMAT:
                raise ValueError(f"{path} is a topic model of another format")
            topics = tuple(str(topic) for topic in arrays["topics"])
            weights = arrays["weights"].astype(np.float32)
            rarity = arrays["rarity"].astype(np.float32)
    except (KeyError, IndexError, zipfile.BadZipFile, EOFError) as error:
        raise ValueError(f"{path} is no topic model") from error
    if weights.shape != (2**BITS + 1, len(topics)) or rarity.shape != (2**BITS,):
        raise ValueError(f"{path} is a topic model of another size")
    return TopicModel(topics, weights, rarity, _version(topics, weights))


def _count(title: str, text: str) -> Features:
    """Hashed words and pairs of words with the logarithm of how often they occur; the title counts twice."""
    words = _WORD.findall(f"{title}\n{title}\n{text[: MAX_WORDS * 12]}".lower())[:MAX_WORDS]
    terms = (*words, *(f"{one} {two}" for one, two in pairwise(words)))
    hashes = [xxhash.xxh32_intdigest(term.encode()) for term in terms]
    buckets = np.array(hashes, dtype=np.uint32) & np.uint32(2**BITS - 1)
    indices, times = np.unique(buckets, return_counts=True)
    return indices.astype(np.int32), (1 + np.log(times)).astype(np.float32)


def _rarity(texts: Sequence[npt.NDArray[np.int32]]) -> Floats:
    """Inverse document frequency; a feature of a single text says nothing and weighs nothing."""
    seen = np.zeros(2**BITS, dtype=np.float32)
    for indices in texts:
        seen[indices] += 1
    rarity = np.log((1 + len(texts)) / (1 + seen))
    return np.where(seen > 1, rarity, 0).astype(np.float32)


def _scaled(features: Features, rarity: Floats) -> Features:
    indices, values = features
    values = values * rarity[indices]
    known = values > 0
    indices, values = indices[known], values[known]
    norm = float(np.sqrt(np.sum(values * values)))
    return indices, values / norm if norm else values


def _contradicted(examples: Sequence[tuple[int, Features]], topics: int) -> set[int]:
    """The numbers of the examples for which a model of the others is surer of another topic than of theirs."""
    found = set()
    folds = np.random.default_rng(SEED).permutation(len(examples)) % FOLDS
    for fold in range(FOLDS):
        weights = _fit([each for each, where in zip(examples, folds, strict=True) if where != fold], topics)
        for number in np.flatnonzero(folds == fold).tolist():
            label, (indices, values) = examples[number]
            chances = _softmax(values @ weights[indices] + weights[-1])
            best = int(chances.argmax())
            if best != label and chances[best] >= CONTRADICTED:
                found.add(number)
    return found


def _fit(examples: Sequence[tuple[int, Features]], topics: int) -> Floats:
    weights = np.zeros((2**BITS + 1, topics), dtype=np.float32)
    squares = np.full((2**BITS + 1, topics), 1e-2, dtype=np.float32)
    order = np.random.default_rng(SEED)
    for _ in range(EPOCHS):
        for number in order.permutation(len(examples)):
            label, (indices, values) = examples[number]
            errors = _softmax(values @ weights[indices] + weights[-1])
            errors[label] -= 1
            gradient = np.outer(values, errors) + DECAY * weights[indices]
            squares[indices] += gradient * gradient
            weights[indices] -= RATE * gradient / np.sqrt(squares[indices])
            squares[-1] += errors * errors
            weights[-1] -= RATE * 0.1 * errors / np.sqrt(squares[-1])
    return weights


def _softmax(scores: Floats) -> Floats:
    powers = np.exp(scores - scores.max())
    chances: Floats = powers / powers.sum()
    return chances


def _evidence(score: float) -> float:
    """A lexicon score as the strength it was made of."""
    return -float(np.log1p(-min(score, 0.999)))


def _version(topics: Sequence[str], weights: Floats) -> str:
    stored = weights.astype(np.float16)
    return xxhash.xxh3_64_hexdigest("\n".join(topics).encode() + stored.tobytes())
