"""Invented articles of many days, written as a run writes them: for benchmarks of what grows with a dataset."""

import dataclasses
import random
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.dataset import Dataset
from pipeline.state import ArticleMemory
from tests.articles import make_article
from transforms.assignment import assign, in_order, index_folder
from transforms.memory import Memory
from transforms.near_index import NearIndex
from transforms.partitions import read_part, sort_table, write_parts, write_table
from transforms.reading import read
from transforms.schema import Article, CountryMention, NameMention, Quote, Topic
from transforms.settings import DeduplicateSettings, WriteSettings
from transforms.signatures import pack, sign, unpack
from transforms.write import stamp_run

FIRST_DAY = datetime(2026, 1, 1, tzinfo=UTC)
PUBLISHERS = 200
DISTINCT = 100_000  # articles of a written history
REMEMBERED_FILES = 20  # that are remembered together
COPIES = 0.1  # of the articles: an earlier text at another publisher, with another ending
COUNTRIES = ("US", "GB", "FR", "DE", "IN", "BR", "NG", "JP", "KE", "PE", "NO", "QA")
TOPICS = ("politics", "economy", "sport", "conflict", "health", "science", "society", "weather")


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchCost:
    """CPU seconds that a batch of `articles` took: to be told from earlier ones, to be written, to be remembered."""

    articles: int
    deduplicate: float
    write: float
    remember: float

    @property
    def total(self) -> float:
        return self.deduplicate + self.write + self.remember


def articles(number: int, days: float, seed: int = 1, after_days: float = 0) -> Iterator[Article]:
    """`number` articles spread evenly over `days` days, in order of arrival; the same for the same seed."""
    return (article for article, _ in _with_originals(number, days, seed, after_days))


def _with_originals(number: int, days: float, seed: int, after_days: float) -> Iterator[tuple[Article, Article | None]]:
    """Each with the earlier article that it copies, if it copies one."""
    source, stock = random.Random(seed), _stock()
    recent: list[Article] = []
    for index in range(number):
        seen_at = FIRST_DAY + timedelta(days=after_days + days * index / number)
        original = source.choice(recent) if recent and source.random() < COPIES else None
        text = _copy(source, original.text, stock) if original else _text(source, stock)
        article = _article(source, f"{seed}-{index}", text, seen_at)
        recent.append(article)
        del recent[:-500]
        yield article, original


def write_history(root: Path, number: int, days: float, batch: int, processes: int = 2) -> Iterator[int]:
    """`number` articles of runs of `batch` each, and how many are there already as it goes on.

    Whom an article copies is known from how it was made, and not looked for; beyond `DISTINCT` articles those of
    earlier runs come again at a later time, under other ids, hashes and shingles. Else they are written and remembered
    as the program does it. What an earlier call has left undone is done.
    """
    dataset, spent = Dataset(root), days / number
    sizes = [min(batch, number - first) for first in range(0, number, batch)]
    period = max(1, DISTINCT // batch)
    shift = timedelta(days=period * batch * spent)
    with dataset.lock("a benchmark", FIRST_DAY), ProcessPoolExecutor(processes, get_context("forkserver")) as pool:
        ready = ArticleMemory(dataset)
        ready.catch_up()
        there = dataset.run_ids()
        new = [
            (_staged_run, dataset.staging, place, sizes[place], spent * place * batch, spent)
            for place in range(len(there), min(period, len(sizes)))
        ]
        done, files = sum(sizes[: len(there)]), list[str]()
        for manifests in (
            _a_few_ahead(pool, new, 2 * processes),
            _a_few_ahead(pool, _repeats(dataset, max(period, len(there)), sizes, period, shift), 2 * processes),
        ):
            for manifest in manifests:
                dataset.write_manifest(manifest)
                dataset.publish(manifest["run_id"], manifest["files"])
                files += manifest["files"]
                done += manifest["stored"]
                if len(files) > REMEMBERED_FILES or done == number:
                    ready.apply(files)
                    files.clear()
                    yield done


def _repeats(
    dataset: Dataset, first: int, sizes: list[int], period: int, shift: timedelta
) -> Iterator[tuple[Any, ...]]:
    """What is to be done for the runs from `first` on, each a repetition."""
    for place in range(first, len(sizes)):
        repetition, source = divmod(place, period)
        manifest = dataset.manifest(dataset.run_ids()[source])
        yield _staged_repetition, dataset.root, manifest["files"], place, sizes[place], (repetition, shift * repetition)


def _a_few_ahead(pool: ProcessPoolExecutor, runs: Iterable[tuple[Any, ...]], ahead: int) -> Iterator[dict[str, Any]]:
    """The manifests of runs, in order."""
    waiting: deque[Future[dict[str, Any]]] = deque()
    for work, *given in runs:
        waiting.append(pool.submit(work, *given))
        if len(waiting) > ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _staged_run(staging: Path, place: int, number: int, after_days: float, days_each: float) -> dict[str, Any]:
    """Stages the articles of a run; its manifest."""
    rows: dict[str, Article] = {}
    for article, original in _with_originals(number, number * days_each, seed=1_000 + place, after_days=after_days):
        rows[article.article_id] = _settled(article, original and rows[original.article_id])
    now = article.first_seen_at
    run_id = _run_id(now, place)
    parts = write_parts(
        [stamp_run(row, run_id) for row in rows.values()], staging / run_id, f"{run_id}-0001", WriteSettings()
    )
    return _manifest(run_id, now, [part.path for part in parts], number, number)


def _staged_repetition(
    root: Path, files: list[str], place: int, number: int, again: tuple[int, timedelta]
) -> dict[str, Any]:
    """Stages articles of an earlier run as if they came so much later for the so many-th time; its manifest."""
    table = pa.concat_tables(read_part(root / file) for file in files).sort_by("first_seen_at")[:number]
    table = _repeated(table, *again)
    now = pc.max(table["first_seen_at"]).as_py()
    run_id = _run_id(now, place)
    table = _with(table, "run_id", pa.repeat(run_id, len(table)))
    days = pc.strftime(table["first_seen_at"], "%Y-%m-%d")
    paths = []
    for day in pc.unique(days).to_pylist():
        paths.append(f"articles/seen_date={day}/{run_id}-0001.parquet")
        staged = root / "state" / "staging" / run_id / paths[-1]
        write_table(sort_table(table.filter(pc.equal(days, day)), "articles"), staged, "articles", WriteSettings())
    return _manifest(run_id, now, paths, len(table), len(table))


def _repeated(table: pa.Table, repetition: int, shift: timedelta) -> pa.Table:
    mask = repetition * 0x01F1_2345
    for name in ("article_id", "cluster_id", "duplicate_of"):
        ids = [f"{int(text, 16) ^ mask << 80:032x}" if text else None for text in table[name].to_pylist()]
        table = _with(table, name, ids)
    for name in ("first_seen_at", "fetched_at", "published_at"):
        table = _with(table, name, pc.add(table[name], pa.scalar(shift)))
    for name in ("url", "source_url", "final_url"):
        table = _with(table, name, pc.binary_join_element_wise(table[name], f"-again-{repetition}", ""))
    hashes = [
        bytes([*(byte ^ repetition for byte in whole[:8]), *whole[8:]]) for whole in table["content_hash"].to_pylist()
    ]
    table = _with(table, "content_hash", hashes)
    return _with(table, "signature", [_other(packed, mask) for packed in table["signature"].to_pylist()])


def _other(packed: bytes, mask: int) -> bytes:
    """A signature as large, of other shingles and lines."""
    signature = unpack(packed)
    assert signature
    other = np.uint32(mask & 0xF_FFFF)  # the upper bits tell how small a hash is
    return pack(
        dataclasses.replace(signature, shingles=np.sort(signature.shingles ^ other), lines=signature.lines ^ other)
    )


def _with(table: pa.Table, name: str, values: Any) -> pa.Table:
    place = table.schema.get_field_index(name)
    field = table.schema.field(name)
    if isinstance(values, list):
        values = pa.array(values, field.type)
    return table.set_column(place, field, values.cast(field.type))


def _run_id(now: datetime, place: int) -> str:
    return f"{now:%Y%m%dT%H%M%SZ}-{place:06d}"


def _settled(article: Article, original: Article | None) -> Article:
    """The row of an article that copies `original`, a row."""
    reading = read(article.text, article.publisher_domain)
    article = dataclasses.replace(article, content_hash=reading.content_hash, signature=pack(sign(reading)))
    if original is None:
        return article
    known = {"cluster_id": original.cluster_id, "duplicate_of": original.article_id}
    return dataclasses.replace(article, **known, duplicate_kind="near", duplicate_score=0.9)


def ingest(root: Path, rows: Sequence[Article], run_id: str | None = None) -> BatchCost:
    """One run of one batch: what `Deduplicate`, `Write` and the commit do with it, without Beam between them."""
    dataset = Dataset(root)
    now = rows[-1].first_seen_at
    with dataset.lock("a benchmark", now) as next_id:
        run_id = run_id or next_id
        ready = ArticleMemory(dataset)
        start = time.process_time()
        ready.catch_up()
        caught_up = time.process_time()
        arrived, settings = in_order(rows), DeduplicateSettings()
        with closing(Memory(root)) as memory:
            index = NearIndex.open(index_folder(root), settings.window_days, arrived[0].first_seen_at)
            outcomes = list(assign(arrived, memory, index, settings))
        stored = [stamp_run(row, run_id) for row in outcomes if isinstance(row, Article)]
        assigned = time.process_time()
        parts = write_parts(stored, dataset.staging / run_id, f"{run_id}-0001", WriteSettings())
        paths = [part.path for part in parts]
        dataset.write_manifest(_manifest(run_id, now, paths, len(rows), len(stored)))
        dataset.publish(run_id, paths)
        written = time.process_time()
        ready.apply(paths)
        remembered = time.process_time()
    return BatchCost(
        articles=len(rows),
        deduplicate=assigned - caught_up,
        write=written - assigned,
        remember=remembered - written + caught_up - start,
    )


def _manifest(run_id: str, now: datetime, paths: list[str], entries: int, stored: int) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "kind": "run",
        "started_at": now.isoformat(),
        "finished_at": now.isoformat(),
        "feeds": {"polled": 0, "unchanged": 0, "failed": 0},
        "entries": entries,
        "unchanged": entries - stored,
        "stored": stored,
        "duplicates": {"exact": 0, "near": 0, "dropped": 0},
        "rejected": 0,
        "files": paths,
    }


def _article(source: random.Random, name: str, text: str, seen_at: datetime) -> Article:
    publisher = f"paper-{int(PUBLISHERS * source.random() ** 2)}.example"
    countries = source.sample(COUNTRIES, source.randint(1, 3))
    lines = text.split("\n")
    return make_article(
        url=f"https://{publisher}/{seen_at:%Y/%m/%d}/{name}-{text[:20].replace(' ', '-')}",
        feed_id=publisher,
        publisher=publisher,
        publisher_domain=publisher,
        title=text[:60],
        description=lines[0],
        text=text,
        word_count=text.count(" ") + len(lines),
        published_at=seen_at - timedelta(minutes=source.randint(1, 600)),
        first_seen_at=seen_at,
        fetched_at=seen_at + timedelta(seconds=2),
        language="en",
        primary_country=countries[0],
        countries=tuple(CountryMention(code=code, mentions=source.randint(1, 9)) for code in countries),
        people=tuple(
            NameMention(name=" ".join(source.sample(lines[-1].split(), 2)).title(), mentions=1, score=0.75)
            for _ in range(source.randint(0, 4))
        ),
        topics=(Topic(id=f"medtop:{source.randint(1, 17):02d}000000", name=source.choice(TOPICS), score=0.5),),
        quotes=(Quote(text=lines[0], speaker=None, start=0),),
        extraction_method="benchmark",
        tags_version="benchmark",
    )


def _text(source: random.Random, stock: list[str]) -> str:
    return "\n".join(_paragraph(source, stock) for _ in range(source.randint(5, 14)))


def _paragraph(source: random.Random, stock: list[str]) -> str:
    start = source.randrange(len(stock) - 60)
    words = stock[start : start + source.randint(20, 60)]
    place = source.randrange(len(words))
    words[place] = f"{words[place].title()} {source.randint(2, 9_999)}"
    return " ".join(words).capitalize() + "."


def _copy(source: random.Random, original: str, stock: list[str]) -> str:
    return "\n".join([*original.split("\n")[:-1], _paragraph(source, stock)])


@cache
def _stock() -> list[str]:
    """Words in the order in which articles take runs of them."""
    source = random.Random(0)
    words = ["".join(source.choices("abcdefghijklmnopqrstuvwxyz", k=source.randint(3, 10))) for _ in range(30_000)]
    return source.choices(words, [1 / (rank + 20) for rank in range(len(words))], k=400_000)
