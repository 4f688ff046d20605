"""The headline of a page: a vote between JSON-LD headline, og:title, h1 and title, without site names."""

import re
from collections.abc import Iterable, Sequence

from transforms.dates import looks_like_a_date
from transforms.plain_text import key

_SEPARATOR = re.compile(r"\s+[|·•»›«‹~]+\s+|\s+[-–—]{1,3}\s+|\s*\|\s*|\s+::\s+|\s+/\s+|:\s+")
MAX_CHARS = 500
AGREEMENT = 0.6  # likeness from which a heading and the metadata are the same headline
ANOTHER = 0.3  # likeness under which they are two headlines


def choose_title(
    *,
    headline: str = "",
    og_title: str = "",
    twitter_title: str = "",
    headings: Sequence[str] = (),
    title_tag: str = "",
    feed_title: str = "",
    site_names: Iterable[str] = (),
) -> str | None:
    """The headline as a reader sees it, None when the page gives none.

    That is the heading which the metadata confirm (the first heading of a page can be a logo or a section), or a page's
    only one where JSON-LD names none; unless all metadata agree on a shorter or longer form of it, or JSON-LD's
    headline is another one altogether: then heading and title tag were written for search engines.
    """
    sites = [name for name in site_names if name]
    folded_sites = {key(site) for site in sites}

    def bare(text: str) -> str:
        text = strip_site(text, sites) if text else ""
        return "" if key(text) in folded_sites else text

    headline, *named = (bare(text) for text in (headline, og_title, twitter_title))
    window = bare(title_tag)
    metadata = [text for text in (headline, *named, window) if text]
    heading, agreement = "", 0.0
    for text in map(bare, headings):
        found = max((likeness(text, witness) for witness in (*metadata, feed_title) if witness), default=0.0)
        if text and found > agreement:
            heading, agreement = text, found
    if agreement < AGREEMENT:
        heading = headings[0] if len(headings) == 1 and not headline and _is_phrase(headings[0]) else ""
    if heading and headline and likeness(headline, heading) < ANOTHER and len(key(headline).split()) >= 4:
        heading = headline
    forms = {key(text) for text in metadata}
    if heading and len(metadata) >= 4 and len(forms) == 1:
        form = forms.pop()
        if form in key(heading) or key(heading) in form:
            heading = metadata[0]
    candidates = (heading, headline, *named, window, *headings, feed_title)
    return next((text[:MAX_CHARS] for text in candidates if text), None)


def strip_site(title: str, sites: Sequence[str]) -> str:
    """`title` without the site's name, what follows that, section names and dates behind (or before) a separator."""
    names = {key(site) for site in sites if site} - {""}
    for _ in range(3):
        title = title.strip()
        separators = list(_SEPARATOR.finditer(title[:1_000]))
        heads_and_tails = ((title[: at.start()], title[at.end() :]) for at in reversed(separators))
        found = next((head for head, tail in heads_and_tails if len(key(head)) >= 8 and _is_no_title(tail, names)), "")
        if not found and separators:
            head, tail = title[: separators[0].start()], title[separators[0].end() :]
            found = tail if len(key(tail)) >= 8 and _is_no_title(head, names) else ""
        if not found:
            break
        title = found
    return title


def likeness(a: str, b: str) -> float:
    """Share of words that `a` and `b` have in common, 0 to 1 (Jaccard); contained in full counts as 0.9."""
    words_a, words_b = key(a).split(), key(b).split()
    if not words_a or not words_b:
        return 0.0
    set_a, set_b = set(words_a), set(words_b)
    share = len(set_a & set_b) / len(set_a | set_b)
    if min(len(words_a), len(words_b)) >= 4 and (set_a <= set_b or set_b <= set_a):
        return max(share, 0.9)
    return share


def _is_phrase(text: str) -> bool:
    return len(key(text).split()) >= 3


def _is_no_title(part: str, names: set[str]) -> bool:
    return _is_site(part, names) or looks_like_a_date(part)


def _is_site(part: str, names: set[str]) -> bool:
    part = key(part)
    if not part:
        return True
    squeezed = part.replace(" ", "")
    return any(
        part == name
        or squeezed == name.replace(" ", "")
        or (len(name) >= 4 and len(part.split()) <= 6 and (part.startswith(name) or part.endswith(name)))
        for name in names
    )
