"""Deduplicate a JSONL file of {id, url, title, text, published} into JSONL of {id, cluster}, for eval/dedup.

python -m tests.benchmarks.run_deduplicate --in DOCS --out RESULT [--runs N | --joins]

`--runs` lets the documents arrive in so many runs, each of which finds the rows of those before; `--joins` takes the
arrangement for clusters of machines. Neither may change a score.
"""

import argparse
import json
import pickle
import tempfile
from pathlib import Path
from uuid import uuid4

import apache_beam as beam
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from tests.archive import Archive
from tests.benchmarks.adapters import arrived, clusters_of
from transforms.assignment import assign
from transforms.joined import Told, assign_by_joins
from transforms.schema import Article, Spent
from transforms.settings import DeduplicateSettings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--in", dest="documents", type=Path, required=True)
    parser.add_argument("--out", dest="result", type=Path, required=True)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--joins", action="store_true")
    arguments = parser.parse_args()
    with arguments.documents.open(encoding="utf-8") as lines:
        documents = [json.loads(line) for line in lines if line.strip()]
    articles = arrived(documents)
    told = joined(articles) if arguments.joins else in_runs(articles, arguments.runs)
    clusters = clusters_of(documents, told)
    with arguments.result.open("w", encoding="utf-8") as out:
        for document_id, cluster in clusters.items():
            out.write(json.dumps({"id": document_id, "cluster": cluster}) + "\n")


def in_runs(articles: list[Article], runs: int) -> list[Told]:
    """The outcomes of articles that arrive in several runs."""
    told: list[Told] = []
    with tempfile.TemporaryDirectory() as folder:
        archive = Archive(Path(folder))
        for begin in range(0, len(articles), size := -(-len(articles) // runs)):
            of_run = list(assign(articles[begin : begin + size], archive, archive.index(), DeduplicateSettings()))
            archive.store(of_run)
            told += zip(articles[begin : begin + size], of_run, strict=True)
    return told


def joined(articles: list[Article]) -> list[Told]:
    """The outcomes of the arrangement for clusters."""
    with tempfile.TemporaryDirectory() as folder:
        with beam.Pipeline(runner=FnApiRunner()) as pipeline:
            settings = DeduplicateSettings(arrangement="joins")
            told = assign_by_joins(pipeline | beam.Create(articles), settings, f"{folder}/news")
            told | beam.Map(keep, folder=folder)
        return [pickle.loads(path.read_bytes()) for path in Path(folder).glob("*.told")]  # noqa: S301 - our own


def keep(told: Told | Spent, folder: str) -> None:
    if not isinstance(told, Spent):
        Path(folder, f"{uuid4()}.told").write_bytes(pickle.dumps(told))


if __name__ == "__main__":
    main()
