"""Whom a text may copy among those that arrive with it, found without an index: by keys that bring texts together.

Each row posts its entry's name under its keys, and each new article asks for them; brought together by key, each
question gets the latest postings before it, as `segments.Fresh` would have given them at that moment. Only names and
numbers are brought together; the entries themselves follow once to whoever asked.
"""

import dataclasses
from bisect import insort
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from transforms.postings import microseconds, posting_of, text_keys
from transforms.recognition import Arrival, Signed
from transforms.schema import Article
from transforms.segments import NOTHING, POSTINGS, Found, Keys, from_bytes

Row = tuple[str, int]  # article_id and version
Posting = tuple[Arrival, bool, int, Row]  # when, whether it asks, first_seen_at of the row in microseconds, and the row
Asked = tuple[Row, int]  # who asked for a key, and the key
Answer = tuple[int, bytes]  # a key and an entry that posted it


def row_of(article: Article) -> Row:
    return article.article_id, article.version


def postings(signed: Signed) -> Iterator[tuple[int, Posting]]:
    """A row under each key that it posts or asks for."""
    article = signed.article
    seen_us, row = microseconds(article.first_seen_at), row_of(article)
    posted = text_keys(signed.bare, article.content_hash).tolist()
    for key in posted:
        yield key, (signed.arrival, False, seen_us, row)
    if article.version == 1:
        asked = text_keys(signed.whole, article.content_hash).tolist()
        for key in dict.fromkeys([*asked, *(posted if signed.is_compared_bare else ())]):
            yield key, (signed.arrival, True, seen_us, row)


def latest_before(key: int, posted: Iterable[Posting]) -> Iterator[tuple[Row, Asked]]:
    """For each question under a key the rows that were the latest `POSTINGS` when it came: (row, who asked)."""
    latest: list[tuple[int, Row]] = []
    for _, asks, seen_us, row in sorted(posted, key=lambda posting: (posting[0], not posting[1])):
        if asks:
            for _, earlier in latest:
                yield earlier, (row, key)
        else:
            insort(latest, (seen_us, row))
            del latest[:-POSTINGS]


def row_and_entry(signed: Signed) -> tuple[Row, bytes]:
    """A row's name and its entry. The cluster in it is the row's own: it is not known yet."""
    return row_of(signed.article), posting_of(signed.article, signed.bare)[1]


def question(signed: Signed) -> Iterator[tuple[Row, Signed]]:
    """What is needed of a new article to compare it."""
    if signed.article.version == 1:
        light = dataclasses.replace(signed.article, text="", removed=(), signature=b"")
        yield row_of(light), dataclasses.replace(signed, article=light)


def answer(element: tuple[Row, dict[str, list[Any]]]) -> Iterator[tuple[Row, Answer]]:
    """The entry of a row to each who asked for it."""
    for entry in element[1]["entries"]:
        for row, key in element[1]["asked"]:
            yield row, (key, entry)


def found(keys: Keys, answers: Sequence[Answer]) -> Found:
    """Answers in the form in which an index gives them."""
    place_of = {key: place for place, key in enumerate(keys.tolist())}
    mine = [(place_of[key], entry) for key, entry in answers if key in place_of]
    if not mine:
        return NOTHING
    return np.array([place for place, _ in mine]), from_bytes(entry for _, entry in mine)
