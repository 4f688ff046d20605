"""The index of signatures: what it finds does not depend on the order or the batches in which rows came."""

import dataclasses
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from transforms.copies import Match, best_match, candidates
from transforms.near_index import NearIndex
from transforms.postings import Posted, text_keys
from transforms.reading import content_hash, read
from transforms.segment_files import FANOUT, FINAL, load, save
from transforms.segments import ENTRY, Segment, built
from transforms.signatures import Signature, pack, sign

START = datetime(2026, 5, 4, tzinfo=UTC)
WORDS = [f"word{number}" for number in range(400)]


def text_of(seed: int, words: int = 160) -> str:
    return (
        " ".join(random.Random(seed).choices(WORDS, k=words)).capitalize() + f" in Town{'abcdefgh'[seed % 8]} {seed}."
    )


def posted(number: int, text: str, *, host: str = "", version: int = 1, day: float = 0) -> Posted:
    return Posted(
        article_id=f"{number:032x}",
        version=version,
        cluster_id=f"{number:032x}",
        publisher_domain=host or f"host{number}.example",
        feed_id="coast",
        guid=None,
        title=None,
        first_seen_at=START + timedelta(days=day, microseconds=number),
        content_hash=content_hash(text),
    )


def add(index: NearIndex, number: int, text: str, *, host: str = "", version: int = 1, day: float = 0) -> None:
    article = posted(number, text, host=host, version=version, day=day)
    index.add(article, sign(read(text, article.publisher_domain)))


def find(
    index: NearIndex, text: str, *, number: int = 999, host: str = "other.example", day: float = 0
) -> Match | None:
    signature, seen_at = sign(read(text, host)), START + timedelta(days=day, microseconds=number)
    _, entries = index.find(text_keys(signature, content_hash(text)))
    entries = entries[index.in_window(entries, f"{number:032x}", seen_at)]
    return best_match(candidates(signature, content_hash(text), host, entries), lambda one: one.cluster_id)


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


def rows(numbers: list[int]) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {
                **dataclasses.asdict(posted(number, text_of(number % 5))),
                "signature": pack(sign(read(text_of(number % 5), f"host{number}.example"))),
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
        if file.is_dir():
            entries = file / "entries"
            entries.write_bytes(entries.read_bytes()[:200])
    assert len(NearIndex.open(folder)) == 0
    assert not NearIndex.is_readable(folder)


def test_segments_are_merged_and_keep_their_answers(tmp_path: Path) -> None:
    folder = tmp_path / "signatures"
    for number in range(40):
        index = NearIndex.open(folder)
        add(index, number, text_of(number), host="a.example")
        index.flush()
    index = NearIndex.open(folder)
    assert len(index) == 40 and len([path for path in folder.iterdir() if path.is_dir()]) <= 3
    for number in range(40):
        found = find(index, text_of(number))
        assert found is not None and found.article_id == f"{number:032x}"


def made_up(number: int) -> tuple[Posted, Signature]:
    """An article of sixty days and a signature that shares some shingles with others."""
    rng = np.random.default_rng(number)
    shingles = np.sort(rng.integers(0, 1 << 28, 40, dtype=np.uint32))
    shingles[:4] = rng.integers(0, 3_000, 4)
    signature = Signature(
        tokens=300,
        shingles=np.unique(shingles),
        shingle_count=300,
        keys=np.arange(20, dtype=np.uint32),
        key_count=20,
        lines=rng.integers(0, 500, 3, dtype=np.uint32),
    )
    return posted(number, str(number), day=number / 100), signature


def test_any_schedule_of_batches_and_merges_gives_the_same_answers(tmp_path: Path) -> None:
    articles = [made_up(number) for number in range(6_000)]
    whole, left_out = NearIndex.open(tmp_path / "whole", window_days=7), 0
    for article, signature in articles:
        whole.add(article, signature)
    chance = random.Random(1)
    coming = sorted(articles, key=lambda one: int(one[0].article_id, 16) + chance.randrange(100))
    while coming:
        parts = NearIndex.open(tmp_path / "parts")
        size = chance.choice((3, 400, 700))
        for article, signature in coming[:size]:
            parts.add(article, signature)
        parts.flush()
        del coming[:size]
    since = articles[5_900][0].first_seen_at
    parts, late = (NearIndex.open(tmp_path / "parts", 7, since) for since in (None, since))
    for number in range(5, 6_000, 40):
        keys = text_keys(articles[number][1], articles[number][0].content_hash)
        (there, expected), (places, found) = whole.find(keys), parts.find(keys)
        assert (places.tolist(), found.tobytes()) == (there.tolist(), expected.tobytes())
        (places, found), in_time = late.find(keys), whole.in_window(expected, "0" * 32, since)
        left_out += len(expected) - len(found)
        kept = late.in_window(found, "0" * 32, since)
        assert (places[kept].tolist(), found[kept].tobytes()) == (there[in_time].tolist(), expected[in_time].tobytes())
    assert len(parts) == len(late) == 6_000 and left_out


def records(entries: int, seed: int) -> tuple[NDArray[np.void], NDArray[np.uint32], NDArray[np.uint32]]:
    """Entries and their postings, ten each, of which some are of keys that many have."""
    rng = np.random.default_rng(seed)
    made = np.zeros(entries, dtype=ENTRY)
    made["seen_us"] = rng.integers(0, 10**6, entries)
    made["article_id"] = rng.integers(0, 1 << 63, (entries, 2), dtype=np.uint64)
    keys = rng.integers(0, 1 << 32, entries * 10, dtype=np.uint32)
    keys[rng.random(len(keys)) < 0.2] %= 50_000
    return made, keys, np.repeat(np.arange(entries, dtype=np.uint32), 10)


def test_a_merge_in_pieces_gives_what_is_built_at_once(tmp_path: Path) -> None:
    parts = [records(16_500, seed) for seed in range(FANOUT)]
    entries, keys, owners = (np.concatenate(column) for column in zip(*parts, strict=True))
    owners += np.repeat(np.arange(FANOUT, dtype=np.uint32) * 16_500, 165_000)
    save(tmp_path, [built(*part) for part in parts])
    (merged,) = load(tmp_path) or []
    expected = built(entries, keys, owners)
    for name in ("entries", "low", "owners", "starts"):
        assert getattr(merged, name).tobytes() == getattr(expected, name).tobytes()


def test_segments_stay_few_and_an_entry_is_written_a_few_times(tmp_path: Path) -> None:
    segments: list[Segment] = []
    names, written = set(), 0
    for number in range(60):
        entries, keys, owners = records(1_500, number)
        segments = save(tmp_path, [*segments, built(entries, keys, owners)])
        written += sum(len(segment) for segment in segments if segment.name not in names)
        names |= {segment.name for segment in segments}
    assert sum(map(len, segments)) == 90_000 < FINAL
    assert len(segments) <= 1 + 3 * (FANOUT - 1)
    assert written <= 5 * 90_000


def flushed(folder: Path, days: list[float]) -> int:
    """How many entries are kept of those that came on `days`, each flushed for itself."""
    for number, day in enumerate(days):
        index = NearIndex.open(folder)
        add(index, number, text_of(number), day=day)
        index.flush()
    return len(NearIndex.open(folder))


def test_a_flush_lets_go_of_what_no_window_reaches(tmp_path: Path) -> None:
    assert flushed(tmp_path, [0, 1, 100, 101, 102, 103, 104, 105]) == 6


def test_a_clock_that_ran_ahead_costs_the_others_nothing(tmp_path: Path) -> None:
    assert flushed(tmp_path, [0, 1, 2, 3, 9_000, 4, 5, 9_001]) == 8


def test_a_phrase_of_many_texts_costs_no_more_than_a_rare_one(index: NearIndex) -> None:
    for number in range(50):
        add(index, number, text_of(1))
    found = find(index, text_of(1))
    assert found is not None and int(found.article_id, 16) == 46  # the earliest of the four latest
