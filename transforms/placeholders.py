"""Pages that stand where an article should: bot checks, consent dialogues, not-found pages served as 200, index pages.

Rejecting is the exception: it takes a title (or first heading) that says so, and the absence of an article beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from urllib.parse import urlsplit

from transforms.lexicons import BUILT_IN, read_toml
from transforms.metadata import PageMetadata
from transforms.plain_text import count_words, key
from transforms.reject import Rejected

MAX_WORDS = 250  # a page with more text than this is no placeholder, whatever its title says


@dataclass(frozen=True, slots=True, kw_only=True)
class Placeholder:
    """The phrases of one kind of page, as keys. `reason` is the reject's."""

    reason: str
    titles: tuple[str, ...]
    texts: tuple[str, ...]


def placeholder_of(metadata: PageMetadata, lines: Sequence[str]) -> Rejected | None:
    """Why the page is no article although the server said 200, None when nothing says so. `lines` are all lines that
    were extracted."""
    if metadata.has_article or (words := sum(map(count_words, lines))) > MAX_WORDS:
        return None
    titles = [key(title) for title in (metadata.title or "", *metadata.headings[:2]) if title]
    text = f" {key(' '.join(lines)[:5_000])} "
    for kind in placeholders():
        seen = next((phrase for phrase in kind.titles for title in titles if _says(title, phrase)), None)
        found = [phrase for phrase in kind.texts if f" {phrase} " in text]
        if seen and (found or words < MAX_WORDS // 2):
            return Rejected(kind.reason, f"title: {seen}")
        if len(found) >= 2:
            return Rejected(kind.reason, f"text: {'; '.join(found[:3])}")
    return None


def is_home_page(requested_url: str, final_url: str) -> bool:
    """Whether a link to an article ended at the home page of a site, as links to deleted articles do."""
    return _bare(final_url) and not _bare(requested_url)


@cache
def placeholders() -> tuple[Placeholder, ...]:
    """The kinds of `lexicons/placeholders.toml`."""
    path = BUILT_IN / "placeholders.toml"
    return tuple(
        Placeholder(
            reason=reason,
            titles=tuple(key(phrase) for phrase in given["titles"]),
            texts=tuple(key(phrase) for phrase in given.get("texts", ())),
        )
        for reason, given in read_toml(path).items()
    )


def _says(title: str, phrase: str) -> bool:
    """A title that is the phrase, or opens with it and adds little: "404 Not Found - Example News"."""
    return title == phrase or (title.startswith(phrase + " ") and len(title.split()) <= len(phrase.split()) + 5)


def _bare(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.path.strip("/") in ("", "index.html", "index.php") and not parts.query
