"""Some news sites on loopback whose feeds list one part more of their invented articles at each round."""

import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.pages import html as page
from tests.servers import Reply, Request, Route, Site, html, serve

PLACES = ("Vellmar", "Oskerby", "Tandu", "Port Selm", "Arrau", "Nieck", "Quillow", "Brannoch")
ROLES = ("harbour master", "mayor", "chief engineer", "school board", "bridge inspector", "ferry captain", "judge")
ACTS = ("opened", "closed", "inspected", "praised", "sued", "repaired", "counted", "moved")
THINGS = ("lock", "viaduct", "archive", "granary", "lighthouse", "tram depot", "weather mast", "reservoir")
COPY_EVERY = 5  # every fifth article is a copy of the one before, on another site


@dataclass(slots=True)
class RollingSites:
    """`articles` in all, `listed` of which the feeds tell so far."""

    sites: list[Site]
    articles: int
    rounds: int
    round: int = 1

    @property
    def listed(self) -> int:
        return self.articles * self.round // self.rounds

    def advance(self) -> None:
        """One part more."""
        self.round += 1

    def asked(self, index: int) -> bool:
        """Whether the page of an article has been asked for."""
        return f"/news/{index}" in self.sites[self.site_of(index)].asked

    def config(self, output: Path) -> str:
        """A config whose feeds are due every second."""
        hosts = ", ".join(f'"{site.host}"' for site in self.sites)
        feeds = "".join(f'[[feeds]]\nurl = "{site.url("/feed.xml")}"\ninterval_s = 1\n' for site in self.sites)
        return (
            f'output = "{output}"\n[fetch]\nallow_hosts = [{hosts}]\nper_host_delay_s = 0.0\nrespect_robots = false\n'
            f"[run]\nworkers = 1\n{feeds}"
        )

    def routes(self, number: int) -> dict[str, Route]:
        """Of site `number`: a feed of what is listed, and all pages."""
        own = [index for index in range(self.articles) if self.site_of(index) == number]
        pages: dict[str, Route] = {f"/news/{index}": html(story(index)) for index in own}

        def feed(request: Request) -> Reply:
            base = self.sites[number].base
            items = "".join(
                f"<item><title>{headline(index)}</title><link>{base}/news/{index}</link><guid>{index}</guid></item>"
                for index in reversed(own)
                if index < self.listed
            )
            told = f"<rss version='2.0'><channel><title>Site {number}</title>{items}</channel></rss>"
            return Reply(body=told, headers={"Content-Type": "application/rss+xml", "ETag": f'"{self.round}"'})

        return {"/feed.xml": feed, **pages}

    def site_of(self, index: int) -> int:
        return index % len(self.sites)


def original(index: int) -> int:
    """The article whose text article `index` carries."""
    return index - 1 if index % COPY_EVERY == COPY_EVERY - 1 else index


def headline(index: int) -> str:
    source = random.Random(f"headline {index}")
    who, where = source.choice(ROLES), source.choice(PLACES)
    return f"{where} {who} {source.choice(ACTS)} the {source.choice(THINGS)} no. {index}"


def story(index: int) -> str:
    """The page of an article: a copy has its original's text under a headline of its own."""
    source = random.Random(f"story {original(index)}")
    paragraphs = [" ".join(_sentence(source) for _ in range(4)) for _ in range(5)]
    return page(*paragraphs, title=headline(index))


def _sentence(source: random.Random) -> str:
    return (
        f"The {source.choice(ROLES)} of {source.choice(PLACES)} {source.choice(ACTS)} {source.randint(2, 9_000)} parts"
        f" of the {source.choice(THINGS)} before the {source.choice(ROLES)} {source.choice(ACTS)} the"
        f" {source.choice(THINGS)}."
    )


@contextmanager
def rolling_sites(*, sites: int = 3, articles: int = 30, rounds: int = 1) -> Iterator[RollingSites]:
    """Serve them while the context lasts."""
    with ExitStack() as stack:
        rolling = RollingSites([stack.enter_context(serve({})) for _ in range(sites)], articles, rounds)
        for number, site in enumerate(rolling.sites):
            site.routes |= rolling.routes(number)
        yield rolling
