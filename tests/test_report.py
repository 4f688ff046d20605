"""The report: books that balance, names of the contract, and a summary a person can read."""

import pytest

from pipeline.errors import BooksError
from pipeline.report import Report, add_counts, merge, summary
from tests.articles import NOON

REPORT = Report(
    run_id="r", started_at=NOON, runner="direct", config_sha256="", feeds_polled=3, entries=10, unchanged=4, stored=5,
    rejected=1, reasons={"timeout": 1}, files=("articles/seen_date=2026-03-01/r.parquet",), seconds={"total": 2.0},
)  # fmt: skip


def test_books_that_balance_pass_and_others_say_what_is_missing() -> None:
    REPORT.check_books()
    with pytest.raises(BooksError, match="11 entries, but 4 unchanged"):
        add_counts(REPORT, entries=1).check_books()


def test_the_report_has_the_keys_of_the_contract() -> None:
    told = REPORT.to_json()
    assert {"run_id", "started_at", "finished_at", "runner", "config_sha256", "feeds", "entries", "unchanged", "stored",
            "versions", "duplicates", "rejected", "reasons", "files", "bytes", "seconds"} <= told.keys()  # fmt: skip
    assert {"polled", "unchanged", "failed"} <= told["feeds"].keys()
    assert told["duplicates"].keys() == {"exact", "near", "dropped"}
    assert told["entries"] == told["unchanged"] + told["stored"] + told["dropped_duplicates"] + told["rejected"]


def test_counts_are_merged_largest_first() -> None:
    assert list(merge({"a": 1, "b": 1}, {"b": 2}).items()) == [("b", 3), ("a", 1)]


def test_the_summary_tells_what_came_of_the_entries_and_what_changed() -> None:
    before = {"stored": 7, "rejected": 0, "feeds": {"failed": 2}, "run_id": "q"}
    text = "\n".join(summary(REPORT, "data/news", before))
    assert "5 articles stored in data/news" in text
    assert "10 = 4 unchanged + 5 stored + 0 dropped duplicates + 1 rejected" in text
    assert "timeout 1" in text
    assert "7 stored, 0 rejected, 2 feeds failed in the last run" in text
