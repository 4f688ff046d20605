"""What of a run should wake somebody. `[alarms]` holds the thresholds; each rule here is one of its keys.

An alarm is told by the run that sees it: of a feed by the run that polls it, of a publisher by the run that stores
something of it. So a feed that has fallen silent is told of less and less often, as it is polled less and less often.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import chain

from pipeline.dataset import Dataset
from pipeline.drift import History, Window
from pipeline.durations import short
from pipeline.report import Alarm, Report
from transforms.polling import FeedState
from transforms.settings import AlarmSettings

LEAST = 10  # a share of fewer is none to speak of
MOST_TOLD = 5  # sentences of one kind; the others are counted
KINDS = ("rejected", "failed-feeds", "failed-pages", "failing-feed", "silent-feed", "drift", "broken-archive")


def alarms_of(
    report: Report, settings: AlarmSettings, feeds: Iterable[FeedState], dataset: Dataset
) -> tuple[Alarm, ...]:
    """All alarms of a run at its end. `feeds` are those it polled; of publishers, `dataset` tells how they were."""
    history = History.load(dataset, settings.drift_articles, report.run_id) if report.publishers else None
    kinds = (
        share_alarms(report, settings),
        feed_alarms(feeds, settings, report.started_at),
        drift_alarms(report, settings, history) if history else (),
    )
    return tuple(chain.from_iterable(map(_few, kinds)))


def share_alarms(report: Report, settings: AlarmSettings) -> Iterator[Alarm]:
    new = report.entries - report.unchanged
    if report.rejected > settings.rejected_share * max(new, LEAST):
        yield Alarm("rejected", f"{report.rejected:,} of {new:,} new entries were rejected")
    feeds = max(report.feeds_polled, min(report.feeds_polled + report.feeds_not_due, LEAST))
    if report.feeds_failed > settings.failed_feeds_share * feeds:
        yield Alarm("failed-feeds", f"{report.feeds_failed:,} of {report.feeds_polled:,} feeds failed")
    pages = report.fetches.get("page", {})
    asked, came = sum(pages.values()), pages.get("ok", 0) + pages.get("not-modified", 0)
    if asked - came > settings.failed_pages_share * max(asked, LEAST):
        yield Alarm("failed-pages", f"{asked - came:,} of {asked:,} pages could not be fetched")


def feed_alarms(feeds: Iterable[FeedState], settings: AlarmSettings, now: datetime) -> Iterator[Alarm]:
    for feed in feeds:
        if feed.gone:
            yield Alarm("failing-feed", f"feed {feed.url} is gone for good ({feed.last_reason}): not polled any more")
        elif feed.failures:
            if feed.failures >= settings.failing_polls > 0:
                yield Alarm("failing-feed", f"feed {feed.url} keeps failing: {feed.last_reason}")
        elif settings.silent_gaps and feed.last_new_at and feed.usual_gap_s is not None:
            silent = now - datetime.fromisoformat(feed.last_new_at)
            usual = timedelta(seconds=feed.usual_gap_s)
            if silent > max(settings.silent_gaps * usual, timedelta(hours=settings.silent_hours)):
                told = f"nothing new for {short(silent)}, {short(usual)} was the longest pause of late"
                yield Alarm("silent-feed", f"feed {feed.url}: {told}")


def drift_alarms(report: Report, settings: AlarmSettings, history: History) -> Iterator[Alarm]:
    for name, tally in report.publishers.items():
        if (windows := history.compare(name, tally)) and (changes := _changes(*windows, settings.drift)):
            latest, before = windows
            told = f"in its latest {latest.entries:,} articles, against {before.entries:,} before"
            yield Alarm("drift", f"{name}: {', '.join(changes)} {told}")


def _changes(latest: Window, before: Window, drift: float) -> Iterable[str]:
    changes = []
    if latest.share("rejected") - before.share("rejected") > drift:
        changes.append(f"rejected in cleaning {_arrow(before, latest, 'rejected')}")
    if latest.articles and before.articles:
        for key in ("authors", "dates"):
            if before.share(key) - latest.share(key) > drift:
                changes.append(f"with {key} {_arrow(before, latest, key)}")
        if not 1 - drift <= latest.words / before.words <= 1 / max(1 - drift, 1e-9):
            changes.append(f"typical length {before.words:,.0f} -> {latest.words:,.0f} words")
    return changes


def _arrow(before: Window, latest: Window, key: str) -> str:
    return f"{before.share(key):.0%} -> {latest.share(key):.0%}"


def _few(alarms: Iterable[Alarm]) -> Iterator[Alarm]:
    """The first of each kind, and one that counts the others."""
    told: dict[str, int] = {}
    for alarm in alarms:
        told[alarm.kind] = told.get(alarm.kind, 0) + 1
        if told[alarm.kind] <= MOST_TOLD:
            yield alarm
    for kind, number in told.items():
        if number > MOST_TOLD:
            yield Alarm(kind, f"and {number - MOST_TOLD:,} more of the same kind ({kind})", number - MOST_TOLD)


def counts(alarms: Iterable[Alarm]) -> Mapping[str, int]:
    """How many feeds, publishers or shares of each kind fired, every kind named."""
    found = dict.fromkeys(KINDS, 0)
    for alarm in alarms:
        found[alarm.kind] += alarm.count
    return found
