"""A batch is shared out so that hosts stay whole and workers get the same amount."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from pipeline.spool import Spool, handed_over, shared_out
from transforms.schema import Entry

SEEN_AT = datetime(2026, 3, 1, 8, tzinfo=UTC)


def entry(url: str) -> Entry:
    return Entry(feed_id="f", feed_url="https://feeds.example/rss", url=url, guid=None, seen_at=SEEN_AT)


@given(st.lists(st.integers(0, 12), max_size=80), st.integers(1, 9))
def test_a_host_is_in_one_share_and_no_share_is_longer_than_another_by_more_than_a_host(
    hosts: list[int], shares: int
) -> None:
    entries = [entry(url=f"https://host-{host}.example/{number}") for number, host in enumerate(hosts)]
    shared = shared_out(entries, shares)
    assert len(shared) == shares
    assert sorted(e.url for share in shared for e in share) == sorted(e.url for e in entries)
    by_share = [{e.url.split("/")[2] for e in share} for share in shared]
    assert sum(map(len, by_share)) == len(set(hosts))
    lengths = [len(share) for share in shared]
    assert max(lengths) - min(lengths) <= max(Counter(hosts).values(), default=0)


def test_a_batch_is_handed_over_share_by_share(tmp_path: Path) -> None:
    entries = [entry(url=f"https://host-{number % 7}.example/{number}") for number in range(30)]
    file = str(Spool(tmp_path / "entries.sqlite3").hand_over(entries, 1))
    shares = [handed_over(number, file, 3) for number in range(3)]
    assert [number for number, _ in shares] == [0, 1, 2]
    assert sorted(e.url for _, share in shares for e in share) == sorted(e.url for e in entries)
