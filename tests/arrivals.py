"""A made-up day of news for Deduplicate: hosts with furniture, wire copies cut and dressed, updates, moved links,
readings that bring nothing new, and round-ups, in an order that only the seed tells."""

import random
from datetime import UTC, datetime, timedelta

from transforms.schema import Article
from transforms.urls import article_id, canonical_url, registrable_domain

START = datetime(2026, 5, 4, 6, tzinfo=UTC)
LETTERS = "aeioudnrstlmk"


def article(
    url: str,
    text: str,
    arrival: int,
    title: str = "Ferry pier closed",
    guid: str | None = None,
    *,
    agency: str | None = None,
) -> Article:
    return Article(
        article_id=article_id(canonical_url(url, None)),
        url=canonical_url(url, None),
        source_url=url,
        final_url=url,
        feed_id="coast",
        guid=guid,
        publisher_domain=registrable_domain(url),
        title=title,
        text=text,
        word_count=len(text.split()),
        first_seen_at=START + timedelta(microseconds=arrival),
        fetched_at=START + timedelta(minutes=1, microseconds=arrival),
        agency=agency,
    )


def made_up(seed: int, sentences: int = 20) -> str:
    """A text of some 200 words that shares no phrase with those of other seeds."""
    return " ".join(_sentence(random.Random(f"{seed} {number}")) for number in range(sentences))


def day(seed: int, count: int) -> list[Article]:
    """`count` articles in order of arrival."""
    chance = random.Random(seed)
    return [_one(chance, arrival) for arrival in range(count)]


def _one(chance: random.Random, arrival: int) -> Article:
    story, host = chance.randrange(12), chance.randrange(5)
    paragraphs = [made_up(100 * story + part, sentences=3) for part in range(6)]
    for _ in range(chance.choice((0, 0, 1, 2))):
        paragraphs[chance.randrange(6)] = made_up(chance.randrange(10_000), sentences=3)
    shape = chance.choice(("whole", "cut", "dressed", "cut and dressed", "upper", "digest", "short"))
    if "cut" in shape:
        paragraphs = paragraphs[: chance.randint(2, 5)]
    if shape == "digest":
        paragraphs = [made_up(100 * other, sentences=3) for other in chance.sample(range(12), 5)]
    if shape == "short":
        paragraphs = [made_up(story, sentences=1)]
    if "dressed" in shape:
        paragraphs = [*_furniture(host, 0, 2), *paragraphs, *_furniture(host, 2, 4)]
    text = "\n".join(paragraphs)
    page = chance.choice((f"{story}", f"{story}", f"{story}-{chance.randrange(3)}", f"n{arrival}"))
    name = chance.choice(("www", "amp", "m"))
    return article(
        f"https://{name}.h{host}.example/{page}",
        text.upper() if shape == "upper" else text,
        arrival,
        title=f"What the council said of story {story}",
        guid=chance.choice((None, f"guid-{host}-{story}", f"https://h{host}.example/{page}")),
    )


def _furniture(host: int, begin: int, end: int) -> list[str]:
    return [f"{made_up(10_000 + 10 * host + line, sentences=1)} Subscribe." for line in range(begin, end)]


def _sentence(chance: random.Random) -> str:
    words = ["".join(chance.choices(LETTERS, k=chance.randint(2, 8))) for _ in range(9)]
    name = "".join(chance.choices(LETTERS, k=6)).capitalize()
    return f"{' '.join(words).capitalize()} {name} {chance.randint(2, 99)}."
