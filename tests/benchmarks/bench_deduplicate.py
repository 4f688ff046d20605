"""Signing and look-up: articles a second, and how look-ups cost as the archive grows.

python -m tests.benchmarks.bench_deduplicate [--sizes 10000 100000 1000000] [--queries 4000]

Texts are made up of words by Zipf's law and of stock phrases, as news is; archives beyond the texts signed are filled
with made-up sketches that post like them. datasketch and rensa are timed on the same texts where they are installed.
"""

import argparse
import importlib
import multiprocessing
import random
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.articles import make_article
from transforms.assignment import READ_AHEAD, assign
from transforms.memory import Memory
from transforms.near_index import NearIndex
from transforms.postings import POSTED_SHINGLES
from transforms.reading import read
from transforms.schema import Article
from transforms.segment_files import FANOUT, FINAL, SMALL, load, save
from transforms.segments import ENTRY, Segment, built
from transforms.settings import DeduplicateSettings
from transforms.signatures import SKETCH_KEYS, SKETCH_SHINGLES, pack, sign

START = datetime(2026, 5, 4, tzinfo=UTC)
WORDS_A_TEXT = 330
SHINGLES_A_TEXT = 300
STOCK_SHARE = 0.05  # of a text's shingles that other texts have too
STOCK = 50_000


def made_up_texts(count: int) -> list[str]:
    """Texts of 330 words in 12 paragraphs, some of them with furniture of their host."""
    chance = random.Random(1)
    words = ["".join(chance.choices("aeioudnrstlmk", k=chance.randint(2, 9))) for _ in range(40_000)]
    weights = list(accumulate(1 / rank for rank in range(1, len(words) + 1)))
    stock = [" ".join(chance.choices(words, cum_weights=weights, k=6)) for _ in range(3_000)]
    texts = []
    for number in range(count):
        paragraphs = []
        for _ in range(12):
            drawn = chance.choices(words, cum_weights=weights, k=WORDS_A_TEXT // 12 - 3)
            drawn = [word.capitalize() if chance.random() < 0.1 else word for word in drawn]
            paragraphs.append(" ".join([*drawn, chance.choice(stock), str(chance.randint(1, 999))]) + ".")
        texts.append("\n".join([*paragraphs, f"Follow host {number % 300} for more of this every day."]))
    return texts


def made_up_archive(count: int, folder: Path) -> None:
    """An index of `count` entries as many runs leave it: the largest segments there are, and some of each smaller
    size."""
    rng = np.random.default_rng(1)
    stock = rng.integers(0, 1 << 32, STOCK, dtype=np.uint32)
    finals, left = divmod(count, FINAL)
    sizes = [FINAL] * finals
    for size in (FINAL // FANOUT, FINAL // FANOUT**2, SMALL):
        sizes += [size] * (left // size)
        left %= size
    for size in [*sizes, left]:
        save(folder, [*(load(folder) or ()), _made_up_segment(rng, stock, size)])


def _made_up_segment(rng: np.random.Generator, stock: NDArray[np.uint32], count: int) -> Segment:
    entries = np.zeros(count, dtype=ENTRY)
    now = int(START.timestamp() * 1e6)
    entries["seen_us"] = now - rng.integers(0, 13 * 86_400_000_000, count)
    entries["article_id"] = entries["cluster_id"] = rng.integers(0, 1 << 63, (count, 2), dtype=np.uint64)
    entries["version"], entries["host"] = 1, rng.integers(0, 3000, count)
    sketches = entries["sketch"]
    sketches["tokens"], sketches["shingle_count"], sketches["key_count"] = WORDS_A_TEXT, SHINGLES_A_TEXT, SKETCH_KEYS
    posted = np.empty((count, POSTED_SHINGLES), dtype=np.uint32)
    for begin in range(0, count, 50_000):
        rows = min(50_000, count - begin)
        hashes = rng.integers(0, 1 << 32, (rows, SHINGLES_A_TEXT), dtype=np.uint32)
        common = rng.random((rows, SHINGLES_A_TEXT)) < STOCK_SHARE
        hashes[common] = rng.choice(stock, int(common.sum()))
        hashes.sort(axis=1)
        sketches["shingles"][begin : begin + rows] = _upper_bytes(hashes[:, :SKETCH_SHINGLES])
        posted[begin : begin + rows] = hashes[:, :POSTED_SHINGLES]
        keys = rng.integers(0, 1 << 32, (rows, SKETCH_KEYS), dtype=np.uint32)
        keys.sort(axis=1)
        sketches["keys"][begin : begin + rows] = _upper_bytes(keys)
    rest = rng.integers(0, 1 << 32, (count, 16), dtype=np.uint32)  # 13 lines, a headline, the exact hash, its own
    keys = np.concatenate([posted * np.uint32(0x9E3779B1), rest], axis=1)
    return built(entries, keys.ravel(), np.repeat(np.arange(count, dtype=np.uint32), keys.shape[1]))


def _upper_bytes(hashes: NDArray[np.uint32]) -> NDArray[np.uint8]:
    return hashes.astype(">u4").view(np.uint8).reshape(*hashes.shape, 4)[..., :3]


def microseconds_each(work: Callable[[int], object], count: int) -> float:
    start = time.process_time()
    for number in range(count):
        work(number)
    return (time.process_time() - start) / count * 1e6


def resident_megabytes() -> float:
    """Pages of this process in memory, those of mapped files included."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * 4096 / 1e6


def arriving(texts: list[str]) -> list[Article]:
    return [
        make_article(
            url=f"https://host{number % 300}.example/{number}",
            feed_id=f"feed{number % 300}",
            publisher_domain=f"host{number % 300}.example",
            title=text[:60],
            text=text,
            first_seen_at=START + timedelta(microseconds=number),
        )
        for number, text in enumerate(texts)
    ]


def others(texts: list[str]) -> None:
    """Signing and look-up (insertion included) of two MinHash-LSH libraries, 128 permutations, word 4-shingles."""

    def shingles(number: int) -> list[str]:
        words = texts[number].lower().split()
        return [" ".join(words[i : i + 4]) for i in range(len(words) - 3)]

    try:
        datasketch = importlib.import_module("datasketch")
        lsh = datasketch.MinHashLSH(threshold=0.5, num_perm=128)

        def by_datasketch(number: int) -> None:
            sketch = datasketch.MinHash(num_perm=128)
            sketch.update_batch([shingle.encode() for shingle in shingles(number)])
            lsh.query(sketch)
            lsh.insert(str(number), sketch)

        print(f"datasketch      {microseconds_each(by_datasketch, len(texts)):8.0f} us an article (archive empty)")
    except ImportError:
        print("datasketch      not installed")
    try:
        rensa = importlib.import_module("rensa")
        index = rensa.RMinHashLSH(threshold=0.5, num_perm=128, num_bands=32)

        def by_rensa(number: int) -> None:
            sketch = rensa.RMinHash(num_perm=128, seed=1)
            sketch.update(shingles(number))
            index.query(sketch)
            index.insert(number, sketch)

        print(f"rensa           {microseconds_each(by_rensa, len(texts)):8.0f} us an article (archive empty)")
    except ImportError:
        print("rensa           not installed")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--queries", type=int, default=4000)
    arguments = parser.parse_args()
    texts = made_up_texts(arguments.queries)
    for text in texts[:500]:
        read(text)
    articles = arriving(texts)
    for size in arguments.sizes:
        with tempfile.TemporaryDirectory() as folder:
            builder = multiprocessing.Process(target=made_up_archive, args=(size, Path(folder)))
            builder.start()
            builder.join()
            before = resident_megabytes()
            megabytes = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file()) / 1e6
            start = time.process_time()
            index = NearIndex.open(Path(folder))
            loading = time.process_time() - start
            outcomes = assign(articles, Memory(Path(folder)), index, DeduplicateSettings())
            # the second half is timed: pages of a growing archive are in the page cache as it was written there
            half = len(texts) // 2
            for _ in range(half):
                next(outcomes)
            each = signing = 0.0
            rounds = half // READ_AHEAD
            for _ in range(rounds):  # by turns, so that both meet the same load of the machine
                each += microseconds_each(lambda _: next(outcomes), READ_AHEAD) / rounds  # noqa: B023
                signing += microseconds_each(lambda n: pack(sign(read(texts[n], "host.example"))), READ_AHEAD) / rounds
            print(
                f"{size:>9,} indexed {each:7.0f} us an article, {each / signing:.2f} times signing alone ({signing:.0f}"
                f" us); {1e6 / each:6.0f} articles/s; loaded in {loading:.3f} s; files {megabytes:.0f} MB,"
                f" resident after the look-ups {resident_megabytes() - before:.0f} MB"
            )
    others(texts[:1000])


if __name__ == "__main__":
    main()
