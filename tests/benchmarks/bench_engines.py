"""Articles a second on an engine against the local runner, on the same cores, start-up left out.

    python -m tests.benchmarks.bench_engines [--engine prism|flink] [--pages FILE.jsonl.xz] [--few 400] [--many 2400]

Each side runs twice in turn, over few pages and over many, in one batch each; the difference of the two is what the
pages cost without start-up. Flink is a standalone cluster of two task managers with a slot each (`make engines`), and
one process that extracts a slot; the local runner has two.
"""

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks.end_to_end import newsbeam_run, read_pages
from tests.benchmarks.synthetic import synthetic_page
from tests.engines import fetch
from tests.engines.flink import FlinkCluster

HOSTS = 20


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--engine", choices=["prism", "flink"], default="flink")
    arguments.add_argument("--pages", type=Path, help="JSON lines (.xz) of real pages; default: own synthetic ones")
    arguments.add_argument("--few", type=int, default=400)
    arguments.add_argument("--many", type=int, default=2_400)
    arguments.add_argument("--rounds", type=int, default=2)
    given = arguments.parse_args()
    pages = read_pages(given.pages, given.many) if given.pages else [synthetic_page(n) for n in range(given.many)]
    with engine(given.engine) as options:
        newsbeam_run(pages[: given.few], HOSTS, [*options[:2], "--workers", "1", *options[2:]])  # JVMs learn as they go
        for number in range(1, given.rounds + 1):
            local, start_s = cost_s(pages, given.few, ["--workers", "2"])
            there, start_there_s = cost_s(pages, given.few, [*options[:2], "--workers", "1", *options[2:]])
            print(
                f"round {number}: local {1 / local:.1f} pages/s after {start_s:.1f} s of start-up; {given.engine}"
                f" {1 / there:.1f} after {start_there_s:.1f} s; {given.engine} / local {local / there:.2f}",
                flush=True,
            )


def cost_s(pages: list[bytes], few: int, arguments: list[str]) -> tuple[float, float]:
    """Seconds a page, and those of the start-up."""
    one_batch = ["--set", f"run.batch_entries={len(pages)}", *arguments]
    short, *_ = newsbeam_run(pages[:few], HOSTS, one_batch)
    long, *_ = newsbeam_run(pages, HOSTS, one_batch)
    page_s = (long - short) / (len(pages) - few)
    return page_s, short - few * page_s


@contextmanager
def engine(name: str) -> Iterator[list[str]]:
    """The arguments that bring a run to the engine."""
    if name == "prism":
        yield ["--runner", "prism", "--", f"--prism_location={fetch.PRISM}"]
        return
    with tempfile.TemporaryDirectory() as folder, FlinkCluster(Path(folder)) as cluster:
        yield ["--runner", "flink", "--", *cluster.options()]


if __name__ == "__main__":
    main()
