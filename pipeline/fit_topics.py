"""`newsbeam fit-topics`: a topic model from the user's own archive, for `[tag] topic_model`.

It learns from the articles whose topic the lexicons are sure of, and from the user's own labels where given.
"""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from pipeline.errors import DatasetError, UsageError
from pipeline.rewrite import partitions
from pipeline.stores import address_of
from transforms.partitions import part_files
from transforms.schema import Topic
from transforms.topic_model import Example, TopicModel, save, sure_topic, train
from transforms.topics import Vocabulary
from transforms.wordlists import Lexicon

COLUMNS = ["article_id", "version", "title", "text", "topics"]


def fit_topics(root: Path, model: Path, labels: Path | None) -> TopicModel:
    """Train on the archive at `root` and write `model`. `labels` is a CSV file of article_id and topic, which goes
    before the lexicons. Raises `NoDatasetError`, or `DatasetError` when there is too little to learn from."""
    try:
        fitted = train(examples(root, read_labels(labels) if labels else {}))
    except ValueError as error:
        raise DatasetError(f"{address_of(root)}: {error}") from error
    save(fitted, model)
    return fitted


def examples(root: Path, labels: Mapping[str, str]) -> Iterator[Example]:
    """The first version of each article that has a label or a sure topic, with that topic."""
    for folder in partitions(root):
        if folder.startswith("articles/"):
            for file in part_files(root / folder):
                for row in pq.read_table(file, columns=COLUMNS, partitioning=None).to_pylist():
                    given = labels.get(row["article_id"])
                    topic = given or sure_topic([Topic(**found) for found in row["topics"]])
                    if topic and row["version"] == 1:
                        yield Example(row["title"] or "", row["text"], topic, given=given is not None)


def read_labels(path: Path) -> dict[str, str]:
    """article_id -> top-level topic of a CSV file with these two columns, where a narrower Media Topic stands for its
    top level. Raises `UsageError` for any other file, and for a topic that is none."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows: list[dict[str, Any]] = list(csv.DictReader(file))
    if rows and not {"article_id", "topic"} <= rows[0].keys():
        raise UsageError(f"{path}: expected the columns article_id and topic")
    vocabulary = Vocabulary(Lexicon("topics", (), 0))
    for row in rows:
        if row["topic"] not in vocabulary.names:
            raise UsageError(f"{path}: expected a Media Topic such as medtop:15000000, got {row['topic']!r}")
    return {row["article_id"]: vocabulary.top(row["topic"]) for row in rows}
