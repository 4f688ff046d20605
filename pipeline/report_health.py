"""How the pipeline is: its runs, what was not stored and why, its feeds and the hosts it asks.

Feeds are judged at the end of the dataset, not by the clock: the page of an old dataset says what was true then.
The limits of "failing" and "silent" are the defaults of `[alarms]`, on a feed's history in the dataset alone; an alarm
of a run follows the settings of its config and more memory than the dataset holds.
"""

import math
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from pipeline.cubes import Frame, label, pack, rows
from transforms.reject import REASONS
from transforms.settings import AlarmSettings

RUNS, FEEDS, HOSTS, OUTCOMES = 150, 300, 30, 12  # told apart
LATE_S = 6 * 3600  # a feed whose typical entry is seen so long after its publication is called late
LATE_ENTRIES = 5  # dated to the minute, after its first run, that this takes
USUAL_GAPS = 3  # between runs with news of a feed, from which on its usual pause is known
POLL_TAKES = timedelta(minutes=5)  # at most, from asking a feed to giving up on what it said
BINS_PER_OCTAVE, BINS = 4, 80  # of the histogram of latencies: bin i begins at 2 ** (i / 4) milliseconds
FINE = "('ok', 'not-modified')"
DETAIL_CHARACTERS = 160


def health(db: duckdb.DuckDBPyConnection, root: Path, frame: Frame) -> dict[str, Any]:
    """All that the page's second half shows, ready for JSON. Needs the tables that `report_content` makes."""
    db.execute("CREATE TEMP TABLE feed_house AS SELECT feed_id, mode(house) AS house FROM latest GROUP BY feed_id")
    return {
        "runs": _runs(db, root, frame),
        "rejects": _rejects(db, frame),
        "feeds": _feeds(db),
        "hosts": _hosts(db, frame),
        "limits": {
            "late_h": LATE_S / 3600,
            "silent_gaps": AlarmSettings().silent_gaps,
            "drift": AlarmSettings().drift,
            "drift_articles": AlarmSettings().drift_articles,
        },
    }


def _runs(db: duckdb.DuckDBPyConnection, root: Path, frame: Frame) -> dict[str, Any]:
    """The newest runs one by one, and how many there are of all."""
    files = str(root / "runs" / "*.json").replace("'", "''")
    db.execute(f"""
        CREATE TEMP VIEW told_runs AS
            SELECT *, greatest(0, least({frame.steps - 1}, {frame.step_sql("started_at")})) AS t
            FROM read_json('{files}', columns = {{
                run_id: 'VARCHAR', started_at: 'TIMESTAMP', seconds: 'STRUCT(total DOUBLE)',
                entries: 'BIGINT', unchanged: 'BIGINT', stored: 'BIGINT', dropped_duplicates: 'BIGINT',
                rejected: 'BIGINT', feeds: 'STRUCT(polled BIGINT, failed BIGINT)', alarms: 'VARCHAR[]'
            }}) WHERE entries IS NOT NULL
    """)
    names = ("t", "id", "at", "seconds", "entries", "unchanged", "stored", "dropped", "rejected", "polled", "failed")
    newest = rows(
        db,
        f"""
        SELECT t, run_id, started_at, seconds.total, entries, unchanged, stored, dropped_duplicates, rejected,
            feeds.polled, feeds.failed, alarms
        FROM told_runs ORDER BY run_id DESC LIMIT {RUNS}
        """,
    )
    number, entries, stored = rows(db, "SELECT count(*), sum(entries), sum(stored) FROM told_runs")[0]
    told = [
        dict(zip(names, row, strict=True))
        | {"at": f"{row[2]:%Y-%m-%d %H:%M:%S}", "alarms": [label(alarm, 300) for alarm in alarms or ()]}
        for *row, alarms in reversed(newest)
    ]
    return {"newest": told, "number": number, "entries": int(entries or 0), "stored": int(stored or 0)}


def _rejects(db: duckdb.DuckDBPyConnection, frame: Frame) -> dict[str, Any]:
    """By time, publisher of the feed, and reason; and what each reason means, with an example."""
    others = len(frame.publishers)
    db.execute(f"""
        CREATE TEMP TABLE refused AS
            SELECT {frame.step_sql("seen_at")} AS t, coalesce(houses.i, {others}) AS p, reason, count(*) AS n,
                any_value(detail) AS detail
            FROM rejects LEFT JOIN feed_house USING (feed_id) LEFT JOIN houses USING (house) GROUP BY ALL
    """)
    reasons = rows(db, "SELECT reason, any_value(detail) FROM refused GROUP BY reason ORDER BY sum(n) DESC, reason")
    number = {reason: i for i, (reason, _) in enumerate(reasons)}
    cells = rows(db, "SELECT t, p, reason, CAST(sum(n) AS BIGINT) FROM refused GROUP BY ALL")
    told = [
        {
            "reason": label(reason),
            "stage": REASONS[reason].stage if reason in REASONS else "",
            "retryable": reason in REASONS and REASONS[reason].retryable,
            "meaning": REASONS[reason].description if reason in REASONS else "",
            "example": label(detail or "", DETAIL_CHARACTERS),
        }
        for reason, detail in reasons
    ]
    placed = ((t, p, number[reason], n) for t, p, reason, n in cells)
    return {"reasons": told, **pack(placed, (frame.steps, others + 1, max(1, len(reasons))))}


def _feeds(db: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Every feed with what is to be said of it, the worst first."""
    cursor = db.execute(_FEEDS_SQL)
    names = [column[0] for column in cursor.description or ()]
    feeds = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    ends = [instant for feed in feeds for instant in (feed["polled_at"], feed["new_at"]) if instant]
    told = [_told_of_feed(feed, max(ends)) for feed in feeds]
    told.sort(key=lambda feed: (_STATES.index(feed["state"]), -feed["articles"], feed["id"]))
    return {
        "states": {state: sum(feed["state"] == state for feed in told) for state in _STATES},
        "listed": told[:FEEDS],
        "as_of": f"{max(ends):%Y-%m-%d %H:%M}" if ends else None,
    }


_STATES = ("failing", "silent", "late", "new", "fine")
_FEEDS_SQL = f"""
    WITH polls AS (
        SELECT feed_id, any_value(url) AS url, count(*) AS polls, count_if(outcome NOT IN {FINE}) AS failed,
            max(fetched_at) AS polled_at, max(fetched_at) FILTER (outcome IN {FINE}) AS fine_at,
            arg_max(outcome, fetched_at) AS outcome
        FROM fetches WHERE kind = 'feed' AND feed_id IS NOT NULL GROUP BY feed_id
    ), failures AS (
        SELECT feed_id, count(*) AS in_a_row FROM fetches JOIN polls USING (feed_id)
        WHERE kind = 'feed' AND (fine_at IS NULL OR fetched_at > fine_at) GROUP BY feed_id
    ), arrivals AS (
        SELECT feed_id, run_id, min(first_seen_at) AS arrived_at, count(*) AS n FROM latest GROUP BY feed_id, run_id
    ), gaps AS (
        SELECT feed_id, arrived_at, n, date_diff('second', lag(arrived_at) OVER w, arrived_at) AS gap_s
        FROM arrivals WINDOW w AS (PARTITION BY feed_id ORDER BY arrived_at)
    ), news AS (
        SELECT feed_id, sum(n) AS articles, max(arrived_at) AS new_at, min(arrived_at) AS first_at,
            quantile_cont(gap_s, 0.9) AS usual_s, count(gap_s) AS gaps
        FROM gaps GROUP BY feed_id
    ), lags AS (
        SELECT feed_id, count(*) AS dated, median(date_diff('second', published_at, first_seen_at)) AS lag_s
        FROM latest JOIN news USING (feed_id)
        WHERE first_seen_at > first_at + INTERVAL 10 MINUTE AND published_precision IN ('second', 'minute')
        GROUP BY feed_id
    ), refused AS (
        SELECT feed_id, arg_max(reason, seen_at) AS reason, max(seen_at) AS refused_at FROM rejects
        WHERE url = feed_url AND guid IS NULL AND title IS NULL
            AND reason <> 'feed-truncated' GROUP BY feed_id
    )
    SELECT feed_id AS id, house AS publisher, url, polls, failed, polled_at, outcome, in_a_row, articles, new_at,
        usual_s, gaps, dated, lag_s, reason, refused_at
    FROM polls FULL JOIN news USING (feed_id) LEFT JOIN failures USING (feed_id) LEFT JOIN lags USING (feed_id)
        LEFT JOIN refused USING (feed_id) LEFT JOIN feed_house USING (feed_id)
"""  # the first run of a feed finds what it lists already, old entries too: they say nothing of how late it is


def _told_of_feed(feed: dict[str, Any], as_of: datetime) -> dict[str, Any]:
    silent_s = (as_of - feed["new_at"]).total_seconds() if feed["new_at"] else None
    state, why = _state(feed, silent_s)
    return {
        "id": label(feed["id"]),
        "publisher": label(feed["publisher"] or ""),
        "url": label(feed["url"] or "", 300),
        "state": state,
        "why": label(why),
        "polls": feed["polls"] or 0,
        "failed": feed["failed"] or 0,
        "articles": int(feed["articles"] or 0),
        "silent_h": _hours(silent_s),
        "usual_h": _hours(feed["usual_s"]),
        "lag_h": _hours(feed["lag_s"]),
    }


def _state(feed: dict[str, Any], silent_s: float | None) -> tuple[str, str]:
    """One of `_STATES`, and why; `silent_s` has passed since the last article, None when there was none."""
    limits, polls, in_a_row = AlarmSettings(), feed["polls"] or 0, feed["in_a_row"] or 0
    if in_a_row and (in_a_row >= limits.failing_polls or in_a_row == polls):
        return "failing", f"failed {in_a_row} times in a row: {feed['outcome']}"
    if feed["refused_at"] and feed["polled_at"] and feed["refused_at"] >= feed["polled_at"] - POLL_TAKES:
        return "failing", f"the last answer could not be used: {feed['reason']}"
    if silent_s is None:
        return "silent" if polls >= limits.failing_polls else "new", "no article yet"
    if (feed["gaps"] or 0) >= USUAL_GAPS and silent_s > max(
        limits.silent_gaps * feed["usual_s"], limits.silent_hours * 3600
    ):
        return "silent", "nothing new for much longer than usual"
    if (feed["dated"] or 0) >= LATE_ENTRIES and feed["lag_s"] > LATE_S:
        return "late", "articles are seen long after their publication"
    return "fine", ""


def _hours(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds / 3600, 2)


def _hosts(db: duckdb.DuckDBPyConnection, frame: Frame) -> dict[str, Any]:
    """Outcomes and a histogram of latencies by host and time, for the hosts asked most and all others as one."""
    by_number = "SELECT host FROM fetches GROUP BY host ORDER BY count(*) DESC, host"
    fine_first = f"SELECT outcome FROM fetches GROUP BY outcome ORDER BY outcome NOT IN {FINE}, count(*) DESC, outcome"
    hosts = [host for (host,) in rows(db, f"{by_number} LIMIT {HOSTS}")]
    outcomes = [outcome for (outcome,) in rows(db, f"{fine_first} LIMIT {OUTCOMES}")]
    for table, column, values in (("hosts", "host", hosts), ("outcomes", "outcome", outcomes)):
        db.execute(
            f"CREATE TEMP TABLE {table} AS SELECT unnest($1) AS {column}, generate_subscripts($1, 1) - 1 AS i", [values]
        )
    db.execute(f"""
        CREATE TEMP TABLE asked AS
            SELECT {frame.step_sql("fetched_at")} AS t, coalesce(hosts.i, {len(hosts)}) AS h,
                coalesce(outcomes.i, {len(outcomes)}) AS o, count(*) AS n, sum(wire_bytes) AS bytes,
                least({BINS - 1}, CAST(floor(log2(greatest(1, elapsed_ms)) * {BINS_PER_OCTAVE}) AS INT)) AS bin
            FROM fetches LEFT JOIN hosts USING (host) LEFT JOIN outcomes USING (outcome) GROUP BY ALL
    """)
    by_outcome = rows(
        db, "SELECT t, h, o, CAST(sum(n) AS BIGINT), CAST(sum(bytes) // 1024 AS BIGINT) FROM asked GROUP BY ALL"
    )
    by_latency = rows(db, "SELECT t, h, bin, CAST(sum(n) AS BIGINT) FROM asked GROUP BY ALL")
    return {
        "names": [label(host) for host in hosts],
        "outcomes": [label(outcome) for outcome in outcomes],
        "bin_ms": [round(math.exp2(i / BINS_PER_OCTAVE), 1) for i in range(BINS + 1)],
        "by_outcome": pack(by_outcome, (frame.steps, len(hosts) + 1, len(outcomes) + 1)),
        "by_latency": pack(by_latency, (frame.steps, len(hosts) + 1, BINS)),
    }
