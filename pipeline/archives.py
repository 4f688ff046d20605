"""Erasure in the archive of a dataset: `forget` leaves no page of what it takes from the rows."""

from collections.abc import Callable, Collection
from contextlib import closing
from datetime import date, datetime
from pathlib import Path

from pipeline.dataset import Dataset
from pipeline.state import FeedMemory
from transforms.erasure import STAGED, erase_pages
from transforms.partitions import RUN_STAMP
from transforms.schema import Page
from transforms.urls import article_id


def forget_pages(root: Path, url_ids: Collection[str], raw_refs: Collection[str], now: datetime) -> int:
    """Erase the archived pages of addresses with these ids, those that rows referred to, and entries kept for `retry`.
    Returns how many pages there were."""
    return _forget(root, now, lambda path: erase_pages(path, _is_of(url_ids, raw_refs)), url_ids)


def forget_files(root: Path, oldest: date, now: datetime) -> int:
    """Remove the archives of runs that began before the day `oldest`."""

    def remove(path: Path) -> int:
        try:
            if datetime.strptime(path.name[:16], RUN_STAMP).date() >= oldest:
                return 0
        except ValueError:  # no archive of ours
            return 0
        path.unlink()
        return 1

    return _forget(root, now, remove)


def _forget(root: Path, now: datetime, erase: Callable[[Path], int], url_ids: Collection[str] = ()) -> int:
    dataset = Dataset(root)
    with dataset.lock("newsbeam forget", now):
        if url_ids:
            with closing(FeedMemory(dataset)) as feeds:
                feeds.forget(url_ids)
        dataset.store.bring_archives()
        for left in (root / "archive").glob(f".*{STAGED}"):  # by one that was killed
            left.unlink()
        files = sorted((root / "archive").glob("[!.]*.warc.gz"))
        counts = {path: erase(path) for path in files}
        touched = [path for path, count in counts.items() if count]
        dataset.store.keep_archives(
            [path.name for path in touched if path.exists()], [path.name for path in touched if not path.exists()]
        )
    return sum(counts.values())


def _is_of(url_ids: Collection[str], raw_refs: Collection[str]) -> Callable[[Page], bool]:
    return lambda page: (
        page.raw_ref in raw_refs or article_id(page.entry.url) in url_ids or article_id(page.final_url) in url_ids
    )
