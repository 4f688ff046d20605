"""Giving up in the open: an input that cannot go on raises `Rejected`; the verb turns it into a row of `rejects`.

`REASONS` is the closed list. A reason not in it cannot be raised, so the list in the data dictionary is complete.
"""

import dataclasses
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from transforms.plain_text import one_line
from transforms.schema import Article, Entry, Reject

MAX_DETAIL_CHARS = 500


@dataclass(frozen=True, slots=True)
class Reason:
    """`stage` is the verb that gives up; `retryable` whether a later try may succeed."""

    stage: str
    retryable: bool
    description: str


REASONS: dict[str, Reason] = {
    # fetch: the address
    "no-link": Reason("fetch", False, "the entry has no usable link"),
    "bad-url": Reason("fetch", False, "the address cannot be parsed or is not http or https"),
    "blocked-address": Reason("fetch", False, "the host resolves to an address that is not public"),
    "robots-disallowed": Reason("fetch", False, "robots.txt of the host disallows the page"),
    "robots-unreachable": Reason(
        "fetch", True, "robots.txt answered with a server error, so nothing may be fetched yet"
    ),
    # fetch: the connection
    "dns": Reason("fetch", True, "the host name could not be resolved"),
    "connect": Reason("fetch", True, "no connection, or it was reset before an answer was complete"),
    "tls": Reason("fetch", True, "the certificate or the TLS handshake was refused"),
    "timeout": Reason("fetch", True, "not complete within fetch.timeout_s"),
    "bad-http": Reason("fetch", True, "the answer is not HTTP as a client can read it"),
    "host-slow": Reason(
        "fetch", True, "the host let itself be asked too slowly for all its pages to be had in one run"
    ),
    # fetch: the answer
    "redirect-loop": Reason("fetch", False, "more than fetch.redirects redirects, or a redirect to itself"),
    "tls-downgrade": Reason("fetch", False, "a redirect from https to http"),
    "http-401": Reason("fetch", False, "the page asks for a login"),
    "http-403": Reason("fetch", True, "the server refuses to serve the page"),
    "http-404": Reason("fetch", False, "not found"),
    "http-410": Reason("fetch", False, "gone for good"),
    "http-429": Reason("fetch", True, "the server asks for fewer requests"),
    "http-451": Reason("fetch", False, "withheld for legal reasons"),
    "http-4xx": Reason("fetch", False, "another client error"),
    "http-5xx": Reason("fetch", True, "the server failed"),
    "http-other": Reason("fetch", False, "a status that brings no page"),
    "too-large": Reason("fetch", False, "over fetch.max_wire_bytes, max_page_bytes or max_feed_bytes"),
    "bad-encoding": Reason("fetch", True, "the compressed body cannot be decoded"),
    "empty-body": Reason("fetch", True, "an answer without a body"),
    "not-html": Reason("fetch", False, "the answer is no HTML page"),
    # fetch: feeds
    "feed-unparsable": Reason("fetch", True, "the document is no feed that can be read"),
    "feed-entities": Reason("fetch", False, "the feed declares XML entities, which are refused"),
    "feed-timeout": Reason("fetch", True, "the feed was not parsed within 20 s"),
    "feed-cut": Reason("fetch", False, "the feed offered more than fetch.max_feed_entries; the newest were taken"),
    "feed-truncated": Reason("fetch", True, "the feed breaks off; what could be read was read"),
    # clean
    "unparsable": Reason("clean", False, "no document tree could be built from the page"),
    "extraction-timeout": Reason("clean", False, "not cleaned within clean.timeout_s"),
    "extraction-crash": Reason("clean", False, "the process that cleaned the page died"),
    "too-short": Reason("clean", False, "fewer than clean.min_words words of text"),
    "soft-404": Reason("clean", True, "a not-found page served as if it were an article"),
    "consent-wall": Reason("clean", True, "a consent dialogue instead of the article"),
    "challenge": Reason("clean", True, "a bot check instead of the article"),
    "not-an-article": Reason("clean", False, "an index, home or section page"),
    # deduplicate
    "exact-duplicate": Reason("deduplicate", False, 'the same text as an earlier article (near = "drop")'),
    "near-duplicate": Reason("deduplicate", False, 'nearly the text of an earlier article (near = "drop")'),
    # tag
    "tagging-timeout": Reason("tag", True, "not tagged within 20 s"),
    # anywhere
    "internal-error": Reason("clean", True, "an unforeseen error of the program; the detail names it"),
}


class Rejected(Exception):  # noqa: N818 - an outcome, not an error
    """Raised by a plain function for an input that cannot go on. `retryable` overrides the reason's own.

    The detail may quote what a server said: it is kept to one plain line.
    """

    def __init__(
        self,
        reason: str,
        detail: str | None = None,
        *,
        stage: str | None = None,
        http_status: int | None = None,
        attempts: int = 0,
        retryable: bool | None = None,
    ) -> None:
        known = REASONS[reason]
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = one_line(detail, MAX_DETAIL_CHARS) or None
        self.stage = stage or known.stage
        self.http_status = http_status
        self.attempts = attempts
        self.retryable = known.retryable if retryable is None else retryable

    def __reduce__(self) -> tuple[object, ...]:  # crosses process boundaries
        return (_rebuild, (self.__dict__, self.reason))


def after(rejected: Rejected, http_status: int | None, attempts: int) -> Rejected:
    """`rejected`, which came after an answer: what it doesn't tell of that itself is filled in."""
    rejected.http_status = rejected.http_status or http_status or None
    rejected.attempts = rejected.attempts or attempts
    return rejected


def _rebuild(state: dict[str, Any], reason: str) -> Rejected:
    rejected = Rejected(reason)
    rejected.__dict__.update(state)
    return rejected


def reject_entry(entry: Entry, rejected: Rejected) -> Reject:
    """The row that says why `entry` brought no article."""
    reject = reject_feed(entry.feed_id, entry.feed_url, entry.seen_at, rejected)
    return dataclasses.replace(reject, url=entry.url or None, guid=entry.guid, title=entry.title)


def reject_feed(feed_id: str, feed_url: str, seen_at: datetime, rejected: Rejected) -> Reject:
    """The row that says why a feed brought no entries."""
    return Reject(
        url=feed_url,
        feed_id=feed_id,
        feed_url=feed_url,
        seen_at=seen_at,
        stage=rejected.stage,
        reason=rejected.reason,
        detail=rejected.detail,
        http_status=rejected.http_status,
        attempts=rejected.attempts,
        retryable=rejected.retryable,
    )


def reject_article(article: Article, rejected: Rejected) -> Reject:
    """The row that says why a cleaned `article` was not stored. Its feed's address is null: articles don't carry it."""
    reject = reject_feed(article.feed_id, "", article.first_seen_at, rejected)
    return dataclasses.replace(reject, url=article.source_url, feed_url=None, guid=article.guid, title=article.title)


def unforeseen(error: BaseException, stage: str) -> Rejected:
    """An exception nobody planned for, as a reject that names it."""
    return Rejected("internal-error", f"{type(error).__name__}: {error}", stage=stage)
