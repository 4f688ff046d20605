"""What a tagger is: a plain object that reads a document and what earlier taggers found, and returns more.

Taggers run in the order of `[tag] taggers`. Each is loaded once a worker and keeps no state between documents.
"""

from dataclasses import dataclass
from typing import Protocol

from transforms.schema import CountryMention, Dateline, NameMention, PlaceMention, Quote, Topic


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What taggers read. `language` is BCP 47 or None; `publisher_country` ISO 3166-1 alpha-2 or None."""

    title: str
    text: str
    language: str | None
    dateline: Dateline | None = None
    publisher_country: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tags:
    """What taggers have found so far. `dateline` is the document's, with country and coordinates when known."""

    dateline: Dateline | None = None
    countries: tuple[CountryMention, ...] = ()
    primary_country: str | None = None
    places: tuple[PlaceMention, ...] = ()
    people: tuple[NameMention, ...] = ()
    organizations: tuple[NameMention, ...] = ()
    topics: tuple[Topic, ...] = ()
    quotes: tuple[Quote, ...] = ()


class Tagger(Protocol):
    """`version` changes whenever the tagger's rules or lexicons do: a hash of its lexicon files and its own number."""

    version: str

    def tag(self, document: Document, found: Tags) -> Tags:
        """`found` with this tagger's part filled in. Never raises for any text."""
        ...
