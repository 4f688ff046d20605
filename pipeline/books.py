"""The books of a run: what became of each entry, read from the files on disk and the notes beside them."""

import dataclasses
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from pipeline.errors import RunFailedError
from pipeline.report import Report, add_counts, merge
from transforms.delivery import Delivery
from transforms.partitions import PartFile, rows_of
from transforms.seen import entry_key

DROPPED = ("exact-duplicate", "near-duplicate")
INTERNAL_ERRORS_ALLOWED = 0.02  # share of a batch's entries; more means the program is broken, not the pages
_BOOKS = ["version", "duplicate_kind"]  # columns of articles that the books count


def account(report: Report, delivery: Delivery, staging: Path, sent: int | None) -> Report:
    """The report with a delivery added: rows from the files on disk, the rest from its notes.

    `sent` is how many entries went in, None where only what came out is known. Raises `RunFailedError` when too many of
    them ended in an internal error.
    """
    articles = [
        row for part in delivery.parts if part.dataset == "articles" for row in rows_of(staging / part.path, _BOOKS)
    ]
    rejects = [
        row
        for part in delivery.parts
        if part.dataset == "rejects"
        for row in rows_of(staging / part.path, ["reason", "detail"])
    ]
    of_feeds = Counter(poll.reason for poll in delivery.polls if poll.reason)
    reasons = Counter(row["reason"] for row in rejects)
    reasons.subtract(of_feeds)
    if sent is None:
        sent = len(articles) + reasons.total() + len(delivery.settled)
    if reasons["internal-error"] > max(5, INTERNAL_ERRORS_ALLOWED * sent):
        ((detail, _),) = Counter(row["detail"] for row in rejects if row["reason"] == "internal-error").most_common(1)
        raise RunFailedError(
            f"{reasons['internal-error']} of {sent} entries ended in an internal error, most often: {detail}"
        )
    how = Counter(note.how for note in delivery.settled)
    kinds = Counter(row["duplicate_kind"] for row in articles if row["version"] == 1)
    dropped = sum(reasons[reason] for reason in DROPPED)
    known = sum(poll.entries - len(poll.seen) for poll in delivery.polls)  # offered again, and not looked at
    report = add_counts(
        report,
        feeds_polled=len(delivery.polls),
        feeds_unchanged=sum(poll.outcome == "unchanged" for poll in delivery.polls),
        feeds_failed=sum(poll.outcome == "failed" for poll in delivery.polls),
        entries=sent - how["postponed"] + known,
        unchanged=how["unchanged"] + known,
        stored=len(articles),
        versions=sum(row["version"] > 1 for row in articles),
        exact=kinds["exact"],
        near=kinds["near"],
        dropped=dropped,
        rejected=reasons.total() - dropped,
        postponed=how["postponed"],
    )
    seconds = report.seconds
    for spent in delivery.spent:
        seconds = merge(seconds, {spent.stage: spent.seconds})
    return dataclasses.replace(
        report,
        seconds=seconds,
        reasons=merge(report.reasons, +reasons),
        feed_reasons=merge(report.feed_reasons, of_feeds),
    )


def outcomes(root: Path, parts: Sequence[PartFile]) -> tuple[set[bytes], set[bytes]]:
    """Keys of the entries that ended in a row, and among them of those rejected for now only."""
    finished, retryable = set(), set()
    for part in parts:
        if part.dataset == "articles":
            rows = rows_of(root / part.path, ["feed_id", "source_url", "guid"])
            finished |= {entry_key(row["feed_id"], row["source_url"], row["guid"]) for row in rows}
        elif part.dataset == "rejects":
            rows = rows_of(root / part.path, ["feed_id", "url", "guid", "retryable"])
            finished |= {entry_key(row["feed_id"], row["url"], row["guid"]) for row in rows}
            retryable |= {entry_key(row["feed_id"], row["url"], row["guid"]) for row in rows if row["retryable"]}
    return finished, retryable
