"""Clean against the library it is built on: CPU time a page, page by page in one process, and where it goes.

    python -m tests.benchmarks.bench_clean [--pages FILE.jsonl.xz] [--every N] [--rounds N]

Each page goes through `trafilatura.bare_extraction(html, with_metadata=True)` and through `clean_page`, one after the
other, so that a noisy machine disturbs both; read the ratios. Without --pages the articles are our own
(`tests.benchmarks.synthetic`). FILE holds one JSON object a line with `url` and `html`, or `html_base64`. The shares of
the stages come from a profiled second round, whose overhead favours none of them much. With --rounds the memory of the
process is printed after each further round: it must not grow.
"""

import argparse
import base64
import cProfile
import json
import lzma
import pstats
import statistics
import time
from datetime import UTC, datetime
from pathlib import Path

import trafilatura

from tests.benchmarks.synthetic import synthetic_pages
from transforms.extraction import clean_page, warm
from transforms.reject import Rejected
from transforms.schema import Entry, Page
from transforms.settings import CleanSettings

STAGES = ("parse_page", "read_metadata", "narrow", "_own_rules", "_cascade", "sift", "choose_language")
SETTINGS = CleanSettings(min_words=0)


def read_pages(path: Path | None, every: int) -> list[Page]:
    """The pages of `path`, every so many, or invented ones."""
    given = [("https://bench.example/1", body) for body in synthetic_pages(200)] if path is None else _from_file(path)
    now = datetime.now(UTC)
    return [
        Page(
            entry=Entry(url=url, feed_id="bench", feed_url="https://bench.example/feed", seen_at=now),
            final_url=url,
            http_status=200,
            content_type=None,
            body=body,
            fetched_at=now,
        )
        for url, body in given[::every]
    ]


def _from_file(path: Path) -> list[tuple[str, bytes]]:
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [
        (
            row["url"] or "https://bench.example/1",
            base64.b64decode(row["html_base64"]) if "html_base64" in row else row["html"].encode("utf-8", "replace"),
        )
        for row in rows
    ]


def clean(page: Page) -> None:
    try:
        clean_page(page, SETTINGS)
    except Rejected:
        pass


def resident_mb() -> float:
    """Resident memory of this process (Linux)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=Path)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=0)
    arguments = parser.parse_args()
    pages = read_pages(arguments.pages, arguments.every)
    warm()
    for page in pages[:5]:
        clean(page)
        trafilatura.bare_extraction(page.body, url=page.final_url, with_metadata=True)
    bare, ours = [], []
    for page in pages:
        start = time.process_time()
        trafilatura.bare_extraction(page.body, url=page.final_url, with_metadata=True)
        middle = time.process_time()
        clean(page)
        bare.append((middle - start) * 1000)
        ours.append((time.process_time() - middle) * 1000)
    print(f"{len(pages)} pages, CPU milliseconds        total    mean  median     max")
    for name, times in (("trafilatura with metadata", bare), ("clean_page", ours)):
        print(
            f"{name:32}{sum(times):9.0f}{statistics.mean(times):8.1f}{statistics.median(times):8.1f}{max(times):8.0f}"
        )
    print(
        f"{'times faster':32}{sum(bare) / sum(ours):9.2f}{'':8}{statistics.median(bare) / statistics.median(ours):8.2f}"
        f"{max(bare) / max(ours):8.1f}"
    )
    profile = cProfile.Profile()
    profile.enable()
    for page in pages:
        clean(page)
    profile.disable()
    spent = {name: cumulative for (_, _, name), (_, _, _, cumulative, _) in pstats.Stats(profile).stats.items()}  # type: ignore[attr-defined]
    print(
        "stages: " + ", ".join(f"{name.strip('_')} {spent.get(name, 0) / spent['clean_page']:.0%}" for name in STAGES)
    )
    for number in range(arguments.rounds):
        for page in pages:
            clean(page)
        print(f"{(number + 1) * len(pages)} pages more: {resident_mb():.0f} MB")


if __name__ == "__main__":
    main()
