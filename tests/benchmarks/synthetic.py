"""Invented news pages for benchmarks, no two alike. Their markup is simpler than that of real pages: the library needs
a fifth of its usual time for them, so what they say of newsbeam against it is too hard; give real ones by --pages."""

import random

_PLACES = ("Nairobi", "Lima", "Hanoi", "Oslo", "Quito", "Dakar", "Perth", "Riga", "Tbilisi", "Accra", "Osaka", "Bergen")
_ACTORS = (
    "ministers",
    "engineers",
    "farmers",
    "teachers",
    "pilots",
    "surgeons",
    "voters",
    "dockers",
    "judges",
    "miners",
)
_VERBS = ("agreed", "refused", "promised", "voted", "planned", "failed", "offered", "decided", "hoped", "began")
_THINGS = (
    "harbour",
    "budget",
    "bridge",
    "vaccine",
    "railway",
    "election",
    "dam",
    "treaty",
    "school",
    "hospital",
    "ferry",
)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
_LINKS = "".join(f'<li><a href="/topic/{n}"><span>Section {n}</span></a></li>' for n in range(120))
_CARDS = "".join(
    f'<div class="card"><a href="/teaser/{n}"><img src="/i/{n}.jpg" alt=""><h3>Elsewhere: part {n}</h3></a></div>'
    for n in range(60)
)
_SCRIPT = "<script>" + "window.metrics=window.metrics||[];window.metrics.push({a:1,b:'x'});" * 400 + "</script>"


def synthetic_pages(number: int, seed: int = 1) -> list[bytes]:
    """`number` pages of about 60 kB, the same for the same seed."""
    source = random.Random(seed)
    return [_page(source, index) for index in range(number)]


def synthetic_page(index: int, seed: int = 1) -> bytes:
    """Page `index` alone, for runs of more pages than one wants to hold; not the one of `synthetic_pages`."""
    return _page(random.Random(f"{seed} {index}"), index)


def _page(source: random.Random, index: int) -> bytes:
    place = source.choice(_PLACES)
    thing = source.choice(_THINGS)
    title = f"{source.choice(_ACTORS).title()} in {place} divided over {thing} number {index}"
    paragraphs = "".join(f"<p>{_paragraph(source, place)}</p>" for _ in range(source.randint(8, 24)))
    return f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title} - The Bench</title>
<meta property="og:title" content="{title}"><meta property="og:site_name" content="The Bench">
<script type="application/ld+json">{{"@context":"https://schema.org","@type":"NewsArticle","headline":"{title}",
"datePublished":"2026-03-{source.randint(1, 28):02d}T08:{source.randint(0, 59):02d}:00+00:00",
"author":[{{"@type":"Person","name":"Ada Writer"}}]}}</script>{_SCRIPT}</head>
<body><header><nav><ul>{_LINKS}</ul></nav></header><main><article><h1>{title}</h1>
<p>{place.upper()}: {_paragraph(source, place)}</p>{paragraphs}
<p><b><a href="/more">Read more: what {place} thinks of the {thing}</a></b></p></article></main>
<aside>{_CARDS}</aside><footer><ul>{_LINKS}</ul><p>All rights reserved.</p></footer></body></html>""".encode()


def _paragraph(source: random.Random, place: str) -> str:
    return " ".join(
        f"The {source.choice(_ACTORS)} of {source.choice([place, source.choice(_PLACES)])} {source.choice(_VERBS)} on"
        f" {source.choice(_DAYS)} to see {source.randint(2, 900)}"
        f" {source.choice(_ACTORS)} about the {source.choice(_THINGS)} and the {source.choice(_THINGS)}."
        for _ in range(source.randint(2, 5))
    )
