"""The index of signatures: what it finds does not depend on the order or the batches in which rows came."""

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from transforms.near_index import Match, NearIndex
from transforms.signatures import content_hash, line_hashes, pack, sign

START = datetime(2026, 5, 4, tzinfo=UTC)
WORDS = [f"word{number}" for number in range(400)]


def text_of(seed: int, words: int = 160) -> str:
    return (
        " ".join(random.Random(seed).choices(WORDS, k=words)).capitalize() + f" in Town{'abcdefgh'[seed % 8]} {seed}."
    )


def add(index: NearIndex, number: int, text: str, *, host: str = "", version: int = 1, day: float = 0) -> None:
    index.add(
        sign(text, host),
        content_hash(text),
        article_id=f"{number:032x}",
        version=version,
        cluster_id=f"{number:032x}",
        host=host or f"host{number}.example",
        seen_at=START + timedelta(days=day, microseconds=number),
    )


def find(
    index: NearIndex, text: str, *, number: int = 999, host: str = "other.example", day: float = 0
) -> Match | None:
    return index.match(
        sign(text, host),
        content_hash(text),
        article_id=f"{number:032x}",
        host=host,
        seen_at=START + timedelta(days=day, microseconds=number),
    )


@pytest.fixture
def index(tmp_path: Path) -> NearIndex:
    return NearIndex.open(tmp_path / "signatures")


def test_exact_and_near_copies_are_found_and_others_are_not(index: NearIndex) -> None:
    for number in range(30):
        add(index, number, text_of(number))
    exact = find(index, text_of(7).upper())
    near = find(index, text_of(8).replace("word1", "another1"))
    assert exact is not None and (exact.article_id, exact.kind, exact.score) == (f"{7:032x}", "exact", 1.0)
    assert near is not None and (near.article_id, near.kind) == (f"{8:032x}", "near")
    assert find(index, text_of(100)) is None


def test_an_article_is_no_copy_of_itself(index: NearIndex) -> None:
    add(index, 1, text_of(1))
    assert find(index, text_of(1), number=1) is None


def test_what_lies_before_the_window_is_not_found(index: NearIndex) -> None:
    add(index, 1, text_of(1))
    assert find(index, text_of(1), day=13.9) is not None
    assert find(index, text_of(1), day=14.1) is None


def test_lines_that_three_articles_of_a_host_carry_are_known(index: NearIndex) -> None:
    line = "Subscribe to the morning letter"
    for number in range(3):
        assert not index.repeated_lines(line_hashes(line, "a.example"), "f" * 32, START)
        add(index, number, text_of(number) + "\n" + line, host="a.example")
        add(index, number, text_of(number) + "\n" + line + "!", host="a.example", version=2)
    assert index.repeated_lines(line_hashes(line, "a.example"), "f" * 32, START) == set(line_hashes(line, "a.example"))
    assert not index.repeated_lines(line_hashes(line, "b.example"), "f" * 32, START)


def rows(numbers: list[int]) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {
                "article_id": f"{number:032x}",
                "version": 1,
                "cluster_id": f"{number:032x}",
                "publisher_domain": f"host{number}.example",
                "first_seen_at": START + timedelta(microseconds=number),
                "content_hash": content_hash(text_of(number % 5)),
                "signature": pack(sign(text_of(number % 5), f"host{number}.example")),
            }
            for number in numbers
        ]
    )


def test_any_order_and_any_flushes_give_the_same_answers(tmp_path: Path) -> None:
    numbers = list(range(60))
    whole = NearIndex.open(tmp_path / "whole")
    whole.add_rows(rows(numbers))
    random.Random(1).shuffle(numbers)
    for cut in range(0, 60, 7):
        part = NearIndex.open(tmp_path / "parts")
        part.add_rows(rows(numbers[cut : cut + 7]))
        part.add_rows(rows(numbers[cut : cut + 7]))
        part.flush()
    part = NearIndex.open(tmp_path / "parts")
    assert len(part) == len(whole) == 60
    for seed in range(8):
        assert find(part, text_of(seed)) == find(whole, text_of(seed))


def test_a_damaged_index_is_an_empty_one(tmp_path: Path) -> None:
    folder = tmp_path / "signatures"
    index = NearIndex.open(folder)
    add(index, 1, text_of(1))
    index.flush()
    for file in folder.iterdir():
        file.write_bytes(file.read_bytes()[:100])
    assert len(NearIndex.open(folder)) == 0
