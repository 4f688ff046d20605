"""Time and size of `newsbeam report` as a dataset grows: the page must not grow with the rows.

    python -m tests.benchmarks.bench_report [--articles 10000,100000,1000000] [--days 90] [--publishers 200]
        [--keep FOLDER]

Each report is made by the command, in a process of its own; time is given for the whole process, memory as its peak.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.invented_dataset import write_dataset


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--articles", default="10000,100000,1000000")
    arguments.add_argument("--days", type=int, default=90)
    arguments.add_argument("--publishers", type=int, default=200)
    arguments.add_argument("--keep", type=Path, help="write datasets and pages here and leave them")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        for number in map(int, given.articles.split(",")):
            root = (given.keep or Path(temporary)) / f"invented-{number}"
            if not root.exists():
                write_dataset(root, articles=number, days=given.days, publishers=given.publishers)
            print_report(root, number)


def print_report(root: Path, number: int) -> None:
    page = root.with_suffix(".html")
    cpu_before, start = _cpu_s(), time.perf_counter()
    subprocess.run([sys.executable, "-m", "pipeline", "report", str(root), "-o", str(page)], check=True)
    took_s, cpu_s = time.perf_counter() - start, _cpu_s() - cpu_before
    peak_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024  # of the largest so far
    size_mb = page.stat().st_size / 1e6
    print(
        f"{number:,} articles: {took_s:.1f} s, {cpu_s:.1f} s CPU, peak {peak_mb:.0f} MB, page {size_mb:.2f} MB",
        flush=True,
    )


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
