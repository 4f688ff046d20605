"""The headline of a page: a vote between JSON-LD headline, og:title, h1 and title, without site names."""

import re
from collections.abc import Iterable, Sequence

from transforms.dates import looks_like_a_date
from transforms.plain_text import key

_SEPARATOR = re.compile(r"\s+[|·•»›«‹~]+\s+|\s+[-–—]{1,3}\s+|\s*[|｜_＿]\s*|\s+::\s+|\s+/\s+|:\s+|：")
_BAR = re.compile(r"\s*[|｜]\s*|\s+[·•»›]\s+|：")  # behind a title; before a dash or colon a blog's name may stand
MAX_CHARS = 500
MIN_CHARS = 8  # left of a title, where only the likeness of a site's name was cut off
AGREEMENT = 0.6  # likeness from which a heading and the metadata are the same headline
ANOTHER = 0.3  # likeness under which they are two headlines
HEADLINE_WORDS, HEADLINE_CHARS = 5, 35  # as many are a headline, whatever the metadata say


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
    only one where that reads like a headline and JSON-LD names none, or the title tag with the site; unless all
    metadata agree on a shorter or longer form of it, or JSON-LD's headline is another one altogether and not the title
    tag's: then heading and title tag were written for search engines.
    """
    sites = [name for name in site_names if name]
    folded_sites = {key(site) for site in sites}

    def bare(text: str, *, is_heading: bool = False) -> str:
        text = strip_site(text, sites, is_heading=is_heading) if text else ""
        return "" if key(text) in folded_sites else text

    given = headline
    headline, *named = (bare(text) for text in (given, og_title, twitter_title))
    window = bare(title_tag)
    metadata = [text for text in (headline, *named, window) if text]
    heading, agreement = "", 0.0
    for text in (bare(heading, is_heading=True) for heading in headings):
        found = max((likeness(text, witness) for witness in (*metadata, feed_title) if witness), default=0.0)
        if found < AGREEMENT and any(_is_first_part(text, title) for title in (title_tag, og_title)):
            found = AGREEMENT
        if text and found > agreement:
            heading, agreement = text, found
    if agreement < AGREEMENT:
        has_headline = bool(headline) and headline == given.strip()  # and no title tag in its place, with the site
        heading = headings[0] if len(headings) == 1 and not has_headline and _is_headline(headings[0], window) else ""
    if heading and headline and likeness(headline, heading) < ANOTHER and len(key(headline).split()) >= 4:
        heading = heading if likeness(headline, window) >= AGREEMENT else headline
    forms = {key(text) for text in metadata}
    if heading and len(metadata) >= 4 and len(forms) == 1:
        form = forms.pop()
        if form in key(heading) or key(heading) in form:
            heading = metadata[0]
    candidates = (heading, headline, *named, window, *headings, feed_title)
    return next((text[:MAX_CHARS] for text in candidates if text), None)


def strip_site(title: str, sites: Sequence[str], *, is_heading: bool = False) -> str:
    """`title` without the site's name, what follows that, section names and dates behind (or before) a separator. A
    heading does not begin with the site's name."""
    names = {key(site) for site in sites if site} - {""}
    for _ in range(3):
        title = title.strip()
        separators = list(_SEPARATOR.finditer(title[:1_000]))
        heads_and_tails = ((title[: at.start()], at[0], title[at.end() :]) for at in reversed(separators))
        found = next((head for head, by, tail in heads_and_tails if _is_bare(head, by, tail, names)), "")
        if not found and separators:
            head, tail = title[: separators[0].start()], title[separators[0].end() :]
            before = set() if is_heading else names
            found = tail if len(key(tail)) >= MIN_CHARS and _is_no_title(head, separators[0][0], before, more=1) else ""
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


def _is_headline(heading: str, title: str) -> bool:
    """Whether a heading that the metadata don't confirm can be the headline all the same: a phrase that the page's
    `title` holds, or one as long as a headline or that."""
    folded, other = key(heading), key(title)
    words = len(folded.split())
    is_long = words >= min(HEADLINE_WORDS, len(other.split())) or len(folded) >= HEADLINE_CHARS
    return words >= 3 and not heading.endswith(":") and (is_long or heading.endswith("?") or folded in other)


def _is_first_part(heading: str, title: str) -> bool:
    """Whether `heading` is what stands in `title` before a bar."""
    folded = key(heading)
    return bool(folded) and any(key(title[: at.start()]) == folded for at in _BAR.finditer(title[:1_000]))


def _is_bare(head: str, separator: str, tail: str, names: set[str]) -> bool:
    """Whether `head` is a title behind which `tail` is none."""
    if len(key(head)) < MIN_CHARS:
        return len(key(head)) >= 4 and bool(key(tail)) and _is_site(tail, names)
    return _is_no_title(tail, separator, names, more=5)


def _is_no_title(part: str, separator: str, names: set[str], *, more: int) -> bool:
    """Whether a part of a title is the site's name, with a few words `more` where no colon sets it apart, or a date."""
    return _is_site(part, names) or looks_like_a_date(part) or (":" not in separator and _holds_site(part, names, more))


def _is_site(part: str, names: set[str]) -> bool:
    part = key(part)
    squeezed = part.replace(" ", "")
    return not part or any(part == name or squeezed == name.replace(" ", "") for name in names)


def _holds_site(part: str, names: set[str], more: int) -> bool:
    """Whether `part` begins or ends with a site's name and has few words `more`, or begins a site's long name."""
    part = key(part)
    words = len(part.split())
    return any(
        (len(name) >= 4 and words <= len(name.split()) + more and (part.startswith(name) or part.endswith(name)))
        or (words >= 2 and name.startswith(f"{part} "))
        for name in names
    )
