"""What `newsbeam check` says of a feed: every fact in a line, within the terminal, and what to do in plain words."""

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pipeline.check import ADVICE, Checked, describe_poll
from pipeline.cli import app
from tests.articles import NOON
from tests.servers import serve
from tests.test_run import TOWNS, feed, page
from transforms.feed_poller import Poll
from transforms.polling import FeedState
from transforms.reject import REASONS, Rejected, reject_feed
from transforms.schema import Entry, Feed

FEED = Feed(url="https://www.harbour-courier.example/world/rss.xml", id="courier")
ENTRY = Entry(url="https://a.example/1", feed_id="courier", feed_url=FEED.url, seen_at=NOON, summary="In brief.")


def told(**fields: Any) -> Checked:
    state = fields.pop("state", FeedState(feed_id="courier", url=FEED.url, etag='"1"'))
    poll = Poll(**({"feed": FEED, "state": state, "outcome": "ok", "entries": (ENTRY,), "format": "rss"} | fields))
    return describe_poll(poll, None, NOON, history=("never polled",), respects_robots=True)


def test_the_facts_of_a_feed_stand_in_one_line_and_on_a_narrow_terminal_below_its_address() -> None:
    (line,) = told().lines(None)
    assert line == (
        f"ok      {FEED.url}  rss 1 entries, no dates, summaries; robots ok, validators, every ~30m, never polled"
    )
    assert told().lines(80) == [
        f"ok      {FEED.url}",
        "        rss 1 entries, no dates, summaries",
        "        robots ok, validators, every ~30m, never polled",
    ]
    assert told().lines(200) == [line]


@pytest.mark.parametrize("reason", sorted(reason for reason, told in REASONS.items() if told.stage == "fetch"))
def test_every_failure_comes_with_a_hint_and_fits_80_columns(reason: str) -> None:
    reject = reject_feed(FEED.id, FEED.url, NOON, Rejected(reason))
    failed = told(outcome="failed", entries=(), reject=reject)
    assert failed.advice
    assert failed.lines(80)[0].startswith("FAILED")
    assert max(map(len, failed.lines(80))) <= 80


def test_advice_is_given_for_reasons_that_exist() -> None:
    assert ADVICE.keys() <= REASONS.keys()


@pytest.mark.parametrize(
    ("fields", "advice"),
    [
        ({"entries": ()}, "it offers nothing, see"),
        ({"entries": (Entry(**{f: getattr(ENTRY, f) for f in ("url", "feed_id", "feed_url", "seen_at")},
                            published_raw=str(NOON - timedelta(days=90))),)}, "nothing new for 90d, is it still kept?"),
        ({"state": FeedState(feed_id="courier", url=FEED.url, moved_to="https://new.example/\n")},
         "moved for good, set url to https://new.example/"),
        ({"reject": reject_feed("courier", FEED.url, NOON, Rejected("feed-cut"))}, "raise fetch.max_feed_entries"),
    ],
)  # fmt: skip
def test_a_feed_that_answers_but_could_do_better_comes_with_a_hint(fields: dict[str, Any], advice: str) -> None:
    found = told(**fields)
    assert found.ok
    assert advice in found.advice[0]
    assert all(line.isprintable() for line in found.lines(80))


def test_json_is_one_object_with_every_feed(tmp_path: Path) -> None:
    with serve({"/feed": feed([f"/{town}" for town in TOWNS]), **{f"/{town}": page(town) for town in TOWNS}}) as site:
        path = tmp_path / "a.toml"
        path.write_text(
            f'output = "{tmp_path}/data"\n[fetch]\nper_host_delay_s = 0\nallow_hosts = ["{site.host}"]\n'
            f'[[feeds]]\nurl = "{site.url("/feed")}"\ninterval_s = 90\n[[feeds]]\nurl = "{site.url("/absent")}"\n'
        )
        result = CliRunner().invoke(app, ["check", str(path), "--json"])
    assert result.exit_code == 1
    found = {feed["url"]: feed for feed in json.loads(result.stdout)["feeds"]}
    good, bad = found[site.url("/feed")], found[site.url("/absent")]
    assert (good["ok"], good["format"], good["entries"], good["validators"]) == (True, "rss", 6, True)
    assert (good["interval_s"], good["interval_adapts"], good["text"], good["robots"]) == (90, False, "links", "ok")
    assert (bad["ok"], bad["reason"]) == (False, "http-404")
    assert re.search(r"feeds discover", bad["advice"][0])
