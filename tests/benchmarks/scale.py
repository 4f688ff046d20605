"""What grows with a dataset, and what must not: cost of ingestion, of a run with nothing new, of queries.

    python -m tests.benchmarks.scale [--articles 100000] [--days 90] [--batch 500] [--keep DIR]

Synthetic articles are written and remembered as the program does it (`tests.benchmarks.history`), a run a batch; those
whose cost is told are also looked up and compared by it. Each figure is a ratio of two sides measured in this process,
in turns where that is possible.
"""

import argparse
import itertools
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import duckdb
import polars
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from pipeline.dataset import Dataset
from pipeline.query import connect
from pipeline.rewrite import compact
from tests.benchmarks.history import FIRST_DAY, BatchCost, articles, ingest, write_history
from tests.servers import Reply, serve
from transforms.settings import WriteSettings

QUERIES = {
    "count per day": "SELECT seen_date, count(*) FROM articles GROUP BY ALL ORDER BY 1",
    "top countries of a week": (
        "SELECT c.code, count(*) FROM (SELECT unnest(countries) AS c FROM articles"
        " WHERE seen_date BETWEEN DATE '{day}' - 6 AND DATE '{day}') GROUP BY ALL ORDER BY 2 DESC LIMIT 10"
    ),
    "one article by id": "SELECT text FROM articles WHERE article_id = '{id}'",
    "stories of a day": (
        "SELECT cluster_id, arg_min(title, first_seen_at), count(*), list(DISTINCT publisher_domain) FROM articles"
        " WHERE seen_date = DATE '{day}' GROUP BY ALL ORDER BY 3 DESC"
    ),
}
ROUNDS = 9  # of each side of a comparison; the median counts


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--articles", type=int, default=100_000)
    arguments.add_argument("--days", type=int, default=90)
    arguments.add_argument("--batch", type=int, default=500, help="articles of a run")
    arguments.add_argument("--keep", type=Path, help="work in this folder and leave it")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.keep or Path(temporary)
        root, plain = folder / "data", folder / "plain"
        fill(root, given.articles, given.days, given.batch)
        print_ingestion(root, folder / "fresh", given.articles / given.days, given.days, given.batch)
        print_idle_runs(root, folder)
        print_compaction(root)
        print_idle_runs(root, folder)
        print_sizes(root, plain)
        print_queries(root, plain)


def fill(root: Path, number: int, days: int, batch: int) -> None:
    """`number` articles, of which some may be there from a run that was ended."""
    if Dataset(root).runs.is_dir() and len(Dataset(root).run_ids()) * batch >= number:
        return
    start = time.perf_counter()
    for done in write_history(root, number, days, batch):
        print(f"  {done:,} articles written, {time.perf_counter() - start:.0f} s", flush=True)


def print_ingestion(root: Path, fresh: Path, a_day: float, days: int, batch: int) -> None:
    """The next 10,000 articles beside the first 10,000 of a dataset of its own, batch by batch in turns."""
    number = 10_000
    costs: tuple[list[BatchCost], list[BatchCost]] = ([], [])
    sources = (articles(number, number / a_day, seed=2, after_days=days), articles(number, number / a_day, seed=2))
    for _ in range(number // batch):
        for at, source, cost in zip((root, fresh), sources, costs, strict=True):
            cost.append(ingest(at, list(itertools.islice(source, batch))))
    print(
        f"ingestion: first {number:,} {_microseconds(costs[1])}; last {_microseconds(costs[0])};"
        f" ratio {_per_article(costs[0]) / _per_article(costs[1]):.2f}",
        flush=True,
    )


def print_idle_runs(root: Path, folder: Path) -> None:
    """A run that finds nothing new, on the dataset and on one that holds no article."""
    feed = Reply(body='<rss version="2.0"><channel><title>Quiet</title></channel></rss>', headers={"ETag": '"1"'})
    with serve({"/feed": feed}) as site:
        configs = []
        for name, output in (("empty", folder / "empty"), ("full", root)):
            config = folder / f"{name}.toml"
            config.write_text(
                f"output = {json.dumps(str(output))}\n[run]\nworkers = 1\n[fetch]\nper_host_delay_s = 0\n"
                f"allow_hosts = [{json.dumps(site.host)}]\n[[feeds]]\nurl = {json.dumps(site.url('/feed'))}\n"
                "interval_s = 1\n"
            )
            configs.append(config)
        for config in configs:
            _run(config)  # the first builds what the others find
        empty, full = _in_turns(lambda: _run(configs[0]), lambda: _run(configs[1]))
    print(f"run with nothing new: empty {empty:.2f} s CPU, full {full:.2f} s, ratio {full / empty:.2f}", flush=True)


def print_compaction(root: Path) -> None:
    """Every day: all are closed by then."""
    before = _size(root)
    start = time.perf_counter()
    changes = compact(root, WriteSettings(), FIRST_DAY + timedelta(days=3650))
    files = sum(change.files_before for change in changes), sum(change.files_after for change in changes)
    print(
        f"compaction: {files[0]:,} files -> {files[1]:,}, {before:.1f} MB -> {_size(root):.1f} MB,"
        f" {time.perf_counter() - start:.1f} s",
        flush=True,
    )


def print_sizes(root: Path, plain: Path) -> None:
    """The same rows written by Arrow in one go, at its defaults but for zstd."""
    if not plain.exists():
        ds.write_dataset(
            ds.dataset(root / "articles", partitioning="hive"),
            plain,
            format="parquet",
            partitioning=["seen_date"],
            partitioning_flavor="hive",
            file_options=ds.ParquetFileFormat().make_write_options(compression="zstd"),
        )
    ours, theirs = _size(root), sum(file.stat().st_size for file in plain.rglob("*.parquet")) / 1e6
    print(f"size: {ours:.1f} MB, by pyarrow.dataset {theirs:.1f} MB, ratio {ours / theirs:.3f}", flush=True)


def print_queries(root: Path, plain: Path) -> None:
    """Queries of analysts on both, engine by engine."""
    folders = (root / "articles", plain)
    file = sorted(folders[0].rglob("*.parquet"))[-1]
    row = pq.read_table(file, columns=["article_id"], partitioning=None).slice(0, 1).to_pylist()[0]
    day = file.parent.name.partition("=")[2]
    for name, sql in _queries(row["article_id"], day).items():
        ours, theirs = _in_turns(*(lambda at=at, sql=sql: _duckdb(at, sql) for at in folders))
        print(f"DuckDB {name}: {ours * 1e3:.0f} ms, {theirs * 1e3:.0f} ms, ratio {ours / theirs:.2f}", flush=True)
    for name, query in _polars_queries(row["article_id"], day).items():
        ours, theirs = _in_turns(*(lambda at=at, query=query: _polars(at, query) for at in folders))
        print(f"Polars {name}: {ours * 1e3:.0f} ms, {theirs * 1e3:.0f} ms, ratio {ours / theirs:.2f}", flush=True)
    with _closing(connect(root)) as db:
        print(f"rows by `newsbeam query`: {db.sql('FROM articles').count('*').fetchall()[0][0]:,}")


def _queries(article_id: str, day: str) -> dict[str, str]:
    return {name: sql.replace("{id}", article_id).replace("{day}", day) for name, sql in QUERIES.items()}


def _polars_queries(article_id: str, day: str) -> dict[str, Callable[[polars.LazyFrame], polars.LazyFrame]]:
    column = polars.col
    end = polars.lit(day).str.to_date()
    return {
        "count per day": lambda rows: rows.group_by("seen_date").len().sort("seen_date"),
        "top countries of a week": lambda rows: (
            rows.filter(column("seen_date").is_between(end - timedelta(days=6), end))
            .select(column("countries").explode().struct.field("code"))
            .group_by("code")
            .len()
            .sort("len", descending=True)
            .limit(10)
        ),
        "one article by id": lambda rows: rows.filter(column("article_id") == article_id).select("text"),
        "stories of a day": lambda rows: (
            rows.filter(column("seen_date") == end)
            .group_by("cluster_id")
            .agg(column("title").sort_by("first_seen_at").first(), polars.len(), column("publisher_domain").unique())
        ),
    }


def _duckdb(folder: Path, sql: str) -> None:
    with _closing(duckdb.connect()) as db:
        db.execute(
            f"CREATE VIEW articles AS SELECT * FROM read_parquet('{folder}/*/*.parquet', hive_partitioning = true,"  # noqa: S608 - a folder of our own
            " hive_types = {'seen_date': DATE})"
        )
        assert db.execute(sql).fetchall()


def _polars(folder: Path, query: Callable[[polars.LazyFrame], polars.LazyFrame]) -> None:
    rows = polars.scan_parquet(f"{folder}/*/*.parquet", hive_partitioning=True, try_parse_hive_dates=True)
    assert len(query(rows).collect())


def _run(config: Path) -> None:
    time.sleep(1.1)  # the feed's interval
    command = [sys.executable, "-m", "pipeline", "run", str(config), "--quiet"]
    subprocess.run(command, check=True)


def _in_turns(one: Callable[[], None], other: Callable[[], None]) -> tuple[float, float]:
    """Median CPU seconds of each side, its child processes included."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        for side, taken in zip((one, other), times, strict=True):
            start = _cpu_s()
            side()
            taken.append(_cpu_s() - start)
    return statistics.median(times[0]), statistics.median(times[1])


def _cpu_s() -> float:
    used = [resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def _size(root: Path) -> float:
    return sum(file.stat().st_size for file in (root / "articles").rglob("*.parquet")) / 1e6


def _per_article(costs: Sequence[BatchCost]) -> float:
    return sum(cost.total for cost in costs) / sum(cost.articles for cost in costs)


def _microseconds(costs: Sequence[BatchCost]) -> str:
    number = sum(cost.articles for cost in costs) / 1e6
    parts = {name: sum(getattr(cost, name) for cost in costs) / number for name in ("deduplicate", "write", "remember")}
    told = ", ".join(f"{name} {value:.0f}" for name, value in parts.items())
    return f"{sum(parts.values()):.0f} us an article ({told})"


@contextmanager
def _closing(db: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    try:
        yield db
    finally:
        db.close()


if __name__ == "__main__":
    main()
