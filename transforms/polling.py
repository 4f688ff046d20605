"""What is remembered of a feed between runs, and when it is polled next.

The interval follows the share of new entries a poll brings (the polls should see new entries, and miss none), between
a floor and a ceiling; a feed's own hints (ttl, sy:updatePeriod, max-age) raise it, Retry-After is obeyed to the letter,
failures stretch it linearly. A feed that keeps failing is still tried once a month; one that answered 410 is not.
Everything here is a pure function of the state, the outcome and the time.
"""

import dataclasses
import math
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from transforms.schema import Feed

FLOOR_S = 300.0
START_S = 1_800.0
CEILING_S = 86_400.0
MONTH_S = 30 * 86_400.0
MAX_RETRY_AFTER_S = 7 * 86_400.0
GAP_MEMORY_S = 14 * 86_400.0  # in which half of a long pause is forgotten
WANTED_SHARE = 0.15  # of the entries of a poll: newer ones than that and polls come closer, fewer and they part
MAX_VALIDATOR_CHARS = 1_000
UNCONDITIONAL_AFTER = 20  # 304 answers in a row before the validators are put to the test

Outcome = Literal["ok", "unchanged", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedState:
    """All that is kept of a feed. Stored only together with what the poll brought, so nothing is skipped after a crash.

    `url` is the feed's address in the config: a state of another address is void. Instants are ISO 8601 strings in UTC,
    so that the whole is a flat JSON object.
    """

    feed_id: str
    url: str
    etag: str | None = None
    last_modified: str | None = None
    body_hash: str | None = None
    entry_keys: str = ""  # eight hex digits an entry of the newest document
    validators_lie: bool = False
    unchanged_in_a_row: int = 0
    moved_to: str | None = None
    gone: bool = False
    failures: float = 0.0  # in a row; soft ones (timeout, 5xx, 429) count half
    last_reason: str | None = None
    interval_s: float = START_S
    last_polled_at: str | None = None
    last_new_at: str | None = None
    usual_gap_s: float | None = None  # between polls with news, the longest of late; None until there were two
    next_poll_at: str | None = None

    def to_json(self) -> dict[str, str | float | bool | None]:
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "FeedState":
        """Of a dict as `to_json` gave it; keys of other versions of the program are ignored."""
        known = {field.name for field in dataclasses.fields(cls)}
        return cls(**{key: value for key, value in values.items() if key in known})


@dataclass(frozen=True, slots=True, kw_only=True)
class Hints:
    """What an answer says of its next one: seconds from Retry-After, and the least useful interval."""

    retry_after_s: float | None = None
    interval_s: float | None = None


def start_state(feed: Feed, state: FeedState | None) -> FeedState:
    """The state to poll with: `state`, unless there is none or the feed's address was changed in the config."""
    return state if state is not None and state.url == feed.url else FeedState(feed_id=feed.id, url=feed.url)


def due(state: FeedState | None, now: datetime, interval_s: float | None = None) -> bool:
    """Whether a feed may be polled at `now`. `interval_s` is the config's, as it is today."""
    if state is None or state.next_poll_at is None or state.last_polled_at is None:
        return True
    if state.gone:
        return False
    if now < datetime.fromisoformat(state.last_polled_at):  # the clock was set back since, who knows how far
        return True
    return now >= next_poll(state, interval_s)


def next_poll(state: FeedState, interval_s: float | None = None) -> datetime:
    """From when on a feed that was polled before and is not gone may be polled again."""
    if state.last_polled_at and interval_s is not None and state.last_reason is None:
        return datetime.fromisoformat(state.last_polled_at) + timedelta(seconds=interval_s)
    if state.next_poll_at is None:
        raise ValueError(f"{state.url} was never polled")
    return datetime.fromisoformat(state.next_poll_at)


def conditional_headers(state: FeedState) -> dict[str, str]:
    """The validators to send back, verbatim; none for a server that lies, or when it has not been tested for long, and
    none that no server should get to read."""
    if state.validators_lie or state.unchanged_in_a_row >= UNCONDITIONAL_AFTER:
        return {}
    headers = {"If-None-Match": state.etag, "If-Modified-Since": state.last_modified}
    return {name: value for name, value in headers.items() if value and _can_be_sent(value)}


def after_unchanged(feed: Feed, state: FeedState, hints: Hints, now: datetime) -> FeedState:
    """The state after a 304."""
    state = dataclasses.replace(state, unchanged_in_a_row=state.unchanged_in_a_row + 1)
    return _scheduled(feed, _settled(state), _adapted(state.interval_s, 0.0), hints, now)


def after_document(
    feed: Feed,
    state: FeedState,
    hints: Hints,
    now: datetime,
    *,
    etag: str | None,
    last_modified: str | None,
    body_hash: str | None,
    entry_keys: tuple[str, ...] | None,
) -> FeedState:
    """The state after a document. Its share of new entries is told from the keys of the one before; None: the same.

    Of a document that did not come whole neither validators nor hash are kept, so that the rest is asked for.
    """
    known = {state.entry_keys[i : i + 8] for i in range(0, len(state.entry_keys), 8)}
    new = sum(key not in known for key in entry_keys or ())
    first = state.body_hash is None
    share = WANTED_SHARE if first else new / max(1, len(entry_keys or ()))
    state = dataclasses.replace(
        state,
        validators_lie=state.validators_lie or _lied(state, etag, last_modified, body_hash),
        etag=etag,
        last_modified=last_modified,
        body_hash=body_hash,
        entry_keys=state.entry_keys if entry_keys is None else "".join(entry_keys),
        unchanged_in_a_row=0,
        last_new_at=now.isoformat() if new else state.last_new_at,
        usual_gap_s=_usual_gap_s(state, now) if new else state.usual_gap_s,
    )
    return _scheduled(feed, _settled(state), _adapted(state.interval_s, share), hints, now)


def after_failure(
    feed: Feed, state: FeedState, hints: Hints, now: datetime, *, reason: str, soft: bool, gone: bool = False
) -> FeedState:
    """The state after a poll that brought no document. `soft` failures may pass by themselves."""
    failures = state.failures + (0.5 if soft else 1.0)
    state = dataclasses.replace(state, failures=failures, last_reason=reason, gone=gone, moved_to=None)
    base = state.interval_s if feed.interval_s is None else feed.interval_s
    return _scheduled(feed, state, state.interval_s, hints, now, wait_s=min(MONTH_S, base * (1 + failures)))


def entry_key(identity: str) -> str:
    """Eight hex digits for a guid or link."""
    return f"{zlib.crc32(identity.encode('utf-8', 'replace')):08x}"


def _can_be_sent(value: str) -> bool:
    """Control characters make a request invalid, and what is very long makes it one that servers refuse (431)."""
    return len(value) <= MAX_VALIDATOR_CHARS and value.isprintable()


def _lied(state: FeedState, etag: str | None, last_modified: str | None, body_hash: str | None) -> bool:
    """Whether the validators stayed the same while the document did not, so that a 304 would have hidden it."""
    if state.body_hash is None or body_hash in (None, state.body_hash):
        return False
    return state.etag == etag if etag else bool(last_modified) and state.last_modified == last_modified


def _settled(state: FeedState) -> FeedState:
    return dataclasses.replace(state, failures=0.0, last_reason=None)


def _usual_gap_s(state: FeedState, now: datetime) -> float | None:
    """The longest pause of late, nights and weekends among them: half of an earlier one is forgotten in two weeks."""
    if state.last_new_at is None:
        return None
    gap_s = max(0.0, (now - datetime.fromisoformat(state.last_new_at)).total_seconds())
    return max(gap_s, (state.usual_gap_s or 0.0) * math.pow(0.5, gap_s / GAP_MEMORY_S))


def _adapted(interval_s: float, new_share: float) -> float:
    factor = min(1.5, max(0.5, WANTED_SHARE / new_share)) if new_share else 1.5
    return min(CEILING_S, max(FLOOR_S, interval_s * factor))


def _scheduled(
    feed: Feed, state: FeedState, interval_s: float, hints: Hints, now: datetime, *, wait_s: float | None = None
) -> FeedState:
    if wait_s is None:
        wait_s = interval_s if feed.interval_s is None else feed.interval_s
    if feed.interval_s is None:
        wait_s = max(wait_s, min(hints.interval_s or 0.0, CEILING_S)) * _jitter(state.feed_id, now)
    if hints.retry_after_s:
        wait_s = max(wait_s, min(hints.retry_after_s, MAX_RETRY_AFTER_S))
        state = dataclasses.replace(state, last_reason=state.last_reason or "retry-after")
    at = now.astimezone(UTC)
    next_poll_at = (at + timedelta(seconds=wait_s)).isoformat()
    return dataclasses.replace(state, interval_s=interval_s, last_polled_at=at.isoformat(), next_poll_at=next_poll_at)


def _jitter(feed_id: str, now: datetime) -> float:
    """0.9 to 1.1, so that feeds added together do not stay together."""
    return 0.9 + 0.2 * (zlib.crc32(f"{feed_id} {now.isoformat()}".encode()) / 2**32)
