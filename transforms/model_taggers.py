"""People and organisations by a model of the user's own: spaCy, GLiNER or transformers, from a folder on this machine.

`[tag] taggers = ["places", "spacy:/models/news", ...]` puts such a tagger where "names" would stand. In: title and
text. Out: the tags `people` and `organizations`, in place of those found before; the same name in two spellings of
case is one. Nothing is ever downloaded: a path that is no folder is an error. The libraries are extras
(`pip install newsbeam[spacy]`, `[gliner]`, `[transformers]`) and loaded with the tagger, once a process. The text is
read up to a bound, in pieces of a few thousand characters cut between paragraphs.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import xxhash

from transforms.schema import NameMention
from transforms.taggers import MAX_CHARACTERS, Document, Evidence, Tags

RULES = 1
PIECE_CHARACTERS = 2_000
MAX_NAMES = 200
UNSCORED = 0.8  # of a model that gives no scores
PERSON, ORGANIZATION = "person", "organization"
LABELS = {
    "PER": PERSON, "PERSON": PERSON, "ORG": ORGANIZATION, "ORGANIZATION": ORGANIZATION, "ORGANISATION": ORGANIZATION,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Found:
    """A name in a piece of text: characters `start` up to `end` of it, the model's label and score."""

    start: int
    end: int
    label: str
    score: float


class Model(Protocol):
    """What finds names in a short text."""

    def find(self, text: str) -> Iterator[Found]: ...


class ModelTagger:
    """The tagger `kind:path`. Raises ValueError for a path that is no folder and for a library not installed."""

    def __init__(self, kind: str, path: Path) -> None:
        if not path.is_dir():
            raise ValueError(f"tag.taggers: {kind}:{path}: expected a folder that holds a model")
        self._kind = kind
        try:
            self._model = MODELS[kind](path)
        except ImportError as error:
            raise ValueError(f"tag.taggers: {kind}:{path}: install newsbeam[{kind}] first ({error})") from error
        self.version = f"{kind} {RULES} {_fingerprint(path)}"

    def tag(self, document: Document, found: Tags) -> Tags:
        """`found` with the people and organisations of the model."""
        mentions = self._mentions(document)
        return replace(found, people=_count(mentions, PERSON), organizations=_count(mentions, ORGANIZATION))

    def explain(self, document: Document, found: Tags) -> list[Evidence]:
        """Every name with the model's label and score, in the order of the text; those of the title come last."""
        return [
            Evidence(
                tag=f"{LABELS[name.label.upper()]} {surface}",
                surface=surface,
                part=part,
                start=start,
                rule=f"{self._kind}, {name.label} {name.score:.2f}",
            )
            for surface, part, start, name in self._mentions(document)
        ]

    def _mentions(self, document: Document) -> list[tuple[str, str, int, Found]]:
        mentions = []
        for part, text in (("text", document.text[:MAX_CHARACTERS]), ("title", document.title[:PIECE_CHARACTERS])):
            for offset, piece in _pieces(text):
                for name in self._model.find(piece):
                    surface = piece[name.start : name.end].strip()
                    if surface and name.label.upper() in LABELS:
                        start = offset + piece.index(surface, name.start)
                        mentions.append((surface, part, start, name))
        return mentions


class SpacyModel:
    """A spaCy pipeline saved by `to_disk`."""

    def __init__(self, path: Path) -> None:
        self._pipeline: Any = import_module("spacy").load(path)

    def find(self, text: str) -> Iterator[Found]:
        for name in self._pipeline(text).ents:
            yield Found(name.start_char, name.end_char, name.label_, UNSCORED)


class GlinerModel:
    """A GLiNER model saved by `save_pretrained`."""

    def __init__(self, path: Path) -> None:
        self._model: Any = import_module("gliner").GLiNER.from_pretrained(str(path), local_files_only=True)

    def find(self, text: str) -> Iterator[Found]:
        for name in self._model.predict_entities(text, ["person", "organization"]):
            yield Found(name["start"], name["end"], name["label"], float(name["score"]))


class TransformersModel:
    """A model for token classification and its tokenizer, saved by `save_pretrained`."""

    def __init__(self, path: Path) -> None:
        transformers = import_module("transformers")
        tokenizer = transformers.AutoTokenizer.from_pretrained(str(path), local_files_only=True)
        model = transformers.AutoModelForTokenClassification.from_pretrained(str(path), local_files_only=True)
        self._classify: Any = transformers.pipeline(
            "token-classification", model=model, tokenizer=tokenizer, aggregation_strategy="simple", device=-1
        )

    def find(self, text: str) -> Iterator[Found]:
        for name in self._classify(text):
            yield Found(name["start"], name["end"], name["entity_group"], float(name["score"]))


MODELS: dict[str, Any] = {"spacy": SpacyModel, "gliner": GlinerModel, "transformers": TransformersModel}


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """`text` in pieces with their offsets, cut behind a line, else behind a blank, where there is one."""
    at = 0
    while at < len(text):
        end = at + PIECE_CHARACTERS
        if end < len(text):
            cut = max(text.rfind("\n", at, end), text.rfind(" ", at + PIECE_CHARACTERS // 2, end)) + 1
            end = cut if cut > at else end
        if text[at:end].strip():
            yield at, text[at:end]
        at = end


def _count(mentions: Sequence[tuple[str, str, int, Found]], kind: str) -> tuple[NameMention, ...]:
    times: Counter[str] = Counter()
    names: dict[str, str] = {}
    scores: dict[str, float] = {}
    for surface, _, _, found in mentions:
        if LABELS[found.label.upper()] == kind:
            key = surface.casefold()
            names.setdefault(key, surface)
            times[key] += 1
            scores[key] = max(scores.get(key, 0.0), found.score)
    counted = [NameMention(name=names[key], mentions=n, score=round(scores[key], 3)) for key, n in times.items()]
    counted.sort(key=lambda name: (-name.mentions, -name.score, name.name))
    return tuple(counted[:MAX_NAMES])


def _fingerprint(path: Path) -> str:
    """A hash over the names, sizes and contents of the model's files, of large ones their beginning."""
    hashed = xxhash.xxh3_64()
    for file in sorted(path.rglob("*")):
        if file.is_file():
            with file.open("rb") as stream:
                hashed.update(f"{file.relative_to(path)} {file.stat().st_size}\n".encode() + stream.read(1_000_000))
    return hashed.hexdigest()
