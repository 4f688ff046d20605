"""When a feed is polled next."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.polling import (
    CEILING_S,
    FLOOR_S,
    MONTH_S,
    FeedState,
    Hints,
    after_document,
    after_failure,
    after_unchanged,
    conditional_headers,
    due,
    entry_key,
    start_state,
)
from transforms.schema import Feed

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
FEED = Feed(url="https://a.example/feed", id="a")
EVERY_SECOND = Feed(url=FEED.url, id="a", interval_s=1)
NO_HINTS = Hints()


def document(feed: Feed, state: FeedState, body: str, keys: tuple[str, ...], etag: str | None = None) -> FeedState:
    return after_document(feed, state, NO_HINTS, NOW, etag=etag, last_modified=None, body_hash=body, entry_keys=keys)


def waits_s(state: FeedState) -> float:
    return (datetime.fromisoformat(state.next_poll_at or "") - NOW).total_seconds()


def test_a_feed_never_polled_is_due() -> None:
    assert due(None, NOW)
    assert due(start_state(FEED, None), NOW)


def test_a_state_of_another_address_is_void() -> None:
    old = FeedState(feed_id="a", url="https://a.example/old", etag='"1"')
    assert start_state(FEED, old).etag is None


def test_an_interval_of_the_config_is_kept_to_the_second() -> None:
    state = document(EVERY_SECOND, start_state(EVERY_SECOND, None), "h", ("1",))
    assert not due(state, NOW + timedelta(seconds=0.5))
    assert due(state, NOW + timedelta(seconds=1))


def test_a_feed_is_due_again_when_the_clock_was_set_back() -> None:
    state = document(FEED, start_state(FEED, None), "h", ("1",))
    assert due(state, NOW - timedelta(days=365))
    assert due(state, NOW - timedelta(seconds=2), interval_s=1)


def test_an_interval_set_later_counts_at_once() -> None:
    state = document(FEED, start_state(FEED, None), "h", ("1",))
    assert not due(state, NOW + timedelta(seconds=2))
    assert due(state, NOW + timedelta(seconds=2), interval_s=1)


def test_polls_come_closer_while_much_is_new_and_part_while_nothing_is() -> None:
    state = document(FEED, start_state(FEED, None), "0", ("a",))
    for n in range(20):
        state = document(FEED, state, f"h{n}", (f"new{n}", f"newer{n}"))
    assert state.interval_s == FLOOR_S
    for _ in range(40):
        state = after_unchanged(FEED, state, NO_HINTS, NOW)
    assert state.interval_s == CEILING_S
    assert 0.9 * CEILING_S <= waits_s(state) <= 1.1 * CEILING_S


def test_hints_raise_the_interval_and_retry_after_is_obeyed() -> None:
    state = start_state(FEED, None)
    assert waits_s(after_unchanged(FEED, state, Hints(interval_s=20_000), NOW)) >= 18_000
    assert waits_s(after_unchanged(EVERY_SECOND, state, Hints(retry_after_s=600), NOW)) == 600
    assert not due(after_unchanged(EVERY_SECOND, state, Hints(retry_after_s=600), NOW), NOW, interval_s=1)


def test_failures_wait_longer_each_time_soft_ones_less_and_none_over_a_month() -> None:
    def failing(soft: bool, times: int) -> float:
        state = start_state(FEED, None)
        for _ in range(times):
            state = after_failure(FEED, state, NO_HINTS, NOW, reason="http-404", soft=soft)
        return waits_s(state)

    assert failing(False, 1) < failing(False, 3)
    assert failing(True, 4) < failing(False, 4)
    assert failing(False, 3_000) <= MONTH_S * 1.1


def test_gone_stops_and_success_forgets_failures() -> None:
    gone = after_failure(FEED, start_state(FEED, None), NO_HINTS, NOW, reason="http-410", soft=False, gone=True)
    assert not due(gone, NOW + timedelta(days=4000))
    failed = after_failure(FEED, start_state(FEED, None), NO_HINTS, NOW, reason="timeout", soft=True)
    assert after_unchanged(FEED, failed, NO_HINTS, NOW).failures == 0


def test_validators_are_sent_back_verbatim_until_they_are_found_to_lie() -> None:
    state = document(FEED, start_state(FEED, None), "h1", ("a",), etag='W/"1"')
    assert conditional_headers(state) == {"If-None-Match": 'W/"1"'}
    state = document(FEED, state, "h2", ("b",), etag='W/"1"')
    assert state.validators_lie
    assert conditional_headers(state) == {}


@pytest.mark.parametrize("etag", ['"\x1b[31m"', '"\udcff"', '"a\x7f"', '"' + "e" * 2_000 + '"'])
def test_a_validator_that_would_spoil_the_request_is_not_sent_back(etag: str) -> None:
    assert conditional_headers(document(FEED, start_state(FEED, None), "h1", ("a",), etag=etag)) == {}


def test_after_many_unchanged_answers_the_validators_are_put_to_the_test() -> None:
    state = document(FEED, start_state(FEED, None), "h1", ("a",), etag='"1"')
    for _ in range(20):
        state = after_unchanged(FEED, state, NO_HINTS, NOW)
    assert conditional_headers(state) == {}
    assert conditional_headers(document(FEED, state, "h1", ("a",), etag='"1"')) == {"If-None-Match": '"1"'}


@given(st.lists(st.text(min_size=1), max_size=5), st.floats(0, 1e9), st.booleans())
def test_a_state_survives_json_and_is_due_sooner_or_later(guids: list[str], seconds: float, soft: bool) -> None:
    state = document(FEED, start_state(FEED, None), "h", tuple(entry_key(guid) for guid in guids))
    state = after_failure(FEED, state, Hints(retry_after_s=seconds), NOW, reason="timeout", soft=soft)
    assert FeedState.from_json(json.loads(json.dumps(state.to_json()))) == state
    assert due(state, NOW + timedelta(days=40))
