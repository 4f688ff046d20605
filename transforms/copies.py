"""Whom a text copies, told from sketches of pairs: each verdict here depends on two texts and nothing else, but for
`best_match`, which weighs the verdicts on one text together with the clusters its candidates are in.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from transforms.postings import MIN_EXACT_TOKENS, MIN_NEAR_TOKENS, exact_number, hexadecimal, host_number
from transforms.segments import Entries, arrival
from transforms.signatures import Likeness, Signature, compare, resemblance

SHORT_TOKENS = 150
MIN_JACCARD = 0.19
DIGEST_PART = 0.04  # of a text, that it must share with a story to be a round-up of it
DIGEST_STORIES = 3
HALF = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An earlier text that shares something with a text: `share` of the text, `score` (containment) of the shorter of
    the two, each 0 to 1. `cluster_id` is the one it was posted with."""

    article_id: str
    cluster_id: str
    same_host: bool
    is_exact: bool
    is_copied: bool
    score: float
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """The earlier article a text copies. `kind` is "exact" or "near", `score` 0 to 1: the share of the shorter text."""

    article_id: str
    cluster_id: str
    kind: str
    score: float


def candidates(signature: Signature, content_hash: bytes, host: str, entries: Entries) -> list[Candidate]:
    """Those of `entries` that matter for whom a text copies, in order of arrival: those with the same words; where
    there are none, its near copies and what else it may be a round-up of. Empty for a text that copies nothing."""
    if not len(entries) or signature.tokens < MIN_EXACT_TOKENS:
        return []
    exact = entries[entries["content_hash"] == exact_number(content_hash)]
    if len(exact):
        return _candidates(exact[arrival(exact)], host, None, None)
    if signature.tokens < MIN_NEAR_TOKENS or resemblance(signature, entries["sketch"]).max() < MIN_JACCARD:
        return []  # most originals end here: what they share with others is a phrase
    entries = _distinct(entries)
    likeness = compare(signature, entries["sketch"])
    elsewhere = entries["host"] != host_number(host)
    copied = copies(likeness, np.minimum(entries["sketch"]["tokens"], signature.tokens), elsewhere)
    if not copied.any():
        return []
    kept = copied | (elsewhere & (likeness.share >= DIGEST_PART))
    return [one for one, keep in zip(_candidates(entries, host, likeness, copied), kept, strict=True) if keep]


def copies(likeness: Likeness, shorter: NDArray[np.uint32], elsewhere: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which of several texts one copies, or is copied by. `shorter` is the tokens of the shorter text of each pair.

    Copies share text and names. Reports cast in one mould share text but not the names and numbers, and so does a story
    retold of other people: nearly the same text with other names is no copy. Pages of one host share its furniture, and
    short texts little of anything, and scripts without capitals have no names to show: they must share more. The
    thresholds were measured together on 5,224 documents.
    """
    contained, nameless = likeness.containment, np.isnan(likeness.key_containment)
    names = np.where(nameless, contained, likeness.key_containment)
    found = (likeness.jaccard >= MIN_JACCARD) & (contained >= 0.30) & (names >= 0.42) & (contained + names >= 0.90)
    found &= (likeness.jaccard < 0.60) | (names >= contained - 0.17)
    found &= ~nameless | ((likeness.jaccard >= 0.30) & (contained >= 0.60))
    found &= elsewhere | (contained >= 0.75)
    long_enough = (contained >= 0.40) & (names >= 0.50) & (contained + names >= 1.10)
    return found & (shorter >= MIN_NEAR_TOKENS) & (long_enough | (shorter >= SHORT_TOKENS))


def retellings(signature: Signature, content_hash: bytes, entries: Entries) -> NDArray[np.bool_]:
    """Which of `entries`, all of the text's own host, tell the same story as the text."""
    same = np.asarray(entries["content_hash"] == exact_number(content_hash))
    if resemblance(signature, entries["sketch"]).max() >= MIN_JACCARD:
        shorter = np.minimum(entries["sketch"]["tokens"], signature.tokens)
        same |= copies(compare(signature, entries["sketch"]), shorter, np.zeros(len(entries), dtype=bool))
    return same


def best_match(found: Sequence[Candidate], cluster_of: Callable[[Candidate], str]) -> Match | None:
    """The one of a text's candidates that it copies most: the first with the same words, else the nearest copy. None
    for an original, and for a round-up: a text that shares a part with three stories or more and with none half."""
    if not found:
        return None
    if found[0].is_exact:
        return _match(found[0], cluster_of, "exact")
    stories: dict[str, float] = {}
    for candidate in found:
        if not candidate.same_host and candidate.share >= DIGEST_PART:
            cluster = cluster_of(candidate)
            stories[cluster] = max(candidate.share, stories.get(cluster, 0.0))
    if len(stories) >= DIGEST_STORIES and max(stories.values()) < HALF:
        return None
    return _match(max((one for one in found if one.is_copied), key=lambda one: one.score), cluster_of, "near")


def _match(candidate: Candidate, cluster_of: Callable[[Candidate], str], kind: str) -> Match:
    return Match(
        article_id=candidate.article_id,
        cluster_id=cluster_of(candidate),
        kind=kind,
        score=round(candidate.score, 4),
    )


def _candidates(
    entries: Entries, host: str, likeness: Likeness | None, copied: NDArray[np.bool_] | None
) -> list[Candidate]:
    """One for each of `entries`; all of them exact when there is no `likeness`."""
    number = host_number(host)
    return [
        Candidate(
            article_id=hexadecimal(entry["article_id"]),
            cluster_id=hexadecimal(entry["cluster_id"]),
            same_host=bool(entry["host"] == number),
            is_exact=likeness is None,
            is_copied=copied is None or bool(copied[place]),
            score=1.0 if likeness is None else float(likeness.containment[place]),
            share=1.0 if likeness is None else float(likeness.share[place]),
        )
        for place, entry in enumerate(entries)
    ]


def _distinct(entries: Entries) -> Entries:
    """Each entry once, in order of arrival: of equal matches the earliest is taken."""
    entries = entries[arrival(entries)]
    ids = np.column_stack([entries["article_id"], entries["version"].astype(np.uint64)])
    first = np.ones(len(entries), dtype=bool)
    first[1:] = (ids[1:] != ids[:-1]).any(axis=1)
    return entries[first]
