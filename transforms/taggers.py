"""What a tagger is: a plain object that reads a document and what earlier taggers found, and returns more.

Taggers run in the order of `[tag] taggers`. Each is loaded once a worker and keeps no state between documents.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import xxhash

from transforms.name_tokens import Words
from transforms.reject import Rejected, unforeseen
from transforms.schema import (
    Article,
    CountryMention,
    Dateline,
    Keyword,
    NameMention,
    PlaceMention,
    Quote,
    QuoteSource,
    Topic,
)
from transforms.settings import TagSettings
from transforms.tokens import Part, read, read_title

MAX_CHARACTERS = 40_000  # of a text that are read: the work is bounded whatever comes in
MAX_TITLE_CHARACTERS = 1_000


@dataclass(frozen=True, kw_only=True)
class Document:
    """What taggers read. `language` is BCP 47 or None; `publisher_country` ISO 3166-1 alpha-2 or None. Its words are
    read once, for all of them."""

    title: str
    text: str
    language: str | None
    dateline: Dateline | None = None
    publisher_country: str | None = None

    @property
    def subtag(self) -> str:
        """The language without script and region; "" when it is unknown."""
        return (self.language or "").split("-", 1)[0].lower()

    @cached_property
    def head(self) -> Part:
        """The words of the title."""
        return read_title(self.title[:MAX_TITLE_CHARACTERS], self.subtag)

    @cached_property
    def body(self) -> Part:
        """The words of the text, up to the bound and there to the last blank: half a word would be another word."""
        text = self.text
        return read(text if len(text) <= MAX_CHARACTERS else text[:MAX_CHARACTERS].rpartition(" ")[0], self.subtag)

    @cached_property
    def words(self) -> Words:
        """The words of the text, whole."""
        return Words(self.body)


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
    quote_sources: tuple[QuoteSource, ...] | None = None
    text_keywords: tuple[Keyword, ...] | None = None
    sentence_count: int | None = None
    reading_seconds: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Why a tag was given: the words that speak for it, where they stand and by which rule they count. `part` is
    "title", "text" or "dateline"; `start` the character offset of `surface` in it."""

    tag: str
    surface: str
    part: str
    start: int
    rule: str


class Tagger(Protocol):
    """`version` changes whenever the tagger's rules or lexicons do: a hash of its lexicon files and its own number."""

    version: str

    def tag(self, document: Document, found: Tags) -> Tags:
        """`found` with this tagger's part filled in. Never raises for any text."""
        ...

    def explain(self, document: Document, found: Tags) -> list[Evidence]:
        """The evidence behind the tags that `tag` would add, in the order of the text."""
        ...


# Taggers are imported when they are asked for: one that is switched off costs neither time nor memory.
TAGGERS = {
    "places": ("transforms.geography", "PlacesTagger"),
    "names": ("transforms.names", "NamesTagger"),
    "topics": ("transforms.topics", "TopicsTagger"),
    "quotes": ("transforms.quotes", "QuotesTagger"),
    "keywords": ("transforms.text_keywords", "KeywordsTagger"),
    "reading": ("transforms.reading_stats", "ReadingTagger"),
}
MODEL_TAGGERS = ("spacy", "gliner", "transformers")  # with a folder behind a colon: `transforms.model_taggers`


@dataclass(frozen=True, slots=True)
class Taggers:
    """The taggers of one configuration in their order; `version` is a short hash over theirs."""

    chain: tuple[Tagger, ...]
    version: str

    def tag(self, document: Document) -> Tags:
        """What all taggers together find."""
        tags = Tags(dateline=document.dateline)
        for tagger in self.chain:
            tags = tagger.tag(document, tags)
        return tags

    def explain(self, document: Document) -> list[Evidence]:
        """Why each tag was given, tagger by tagger."""
        tags = Tags(dateline=document.dateline)
        evidence: list[Evidence] = []
        for tagger in self.chain:
            evidence += tagger.explain(document, tags)
            tags = tagger.tag(document, tags)
        return evidence


@cache
def load_taggers(settings: TagSettings) -> Taggers:
    """The taggers `settings` names, loaded once a process. Raises ValueError for a name that is no tagger's, for an
    overlay that is no folder and for a topic model that is none."""
    unknown = [name for name in settings.taggers if name not in TAGGERS and name.split(":")[0] not in MODEL_TAGGERS]
    if unknown:
        known = ", ".join((*TAGGERS, *(f"{kind}:FOLDER" for kind in MODEL_TAGGERS)))
        raise ValueError(f"unknown tagger {unknown[0]!r} in tag.taggers; known are {known}")
    overlays = tuple(Path(folder) for folder in settings.lexicons)
    chain = tuple(_load(name, overlays, settings.topic_model) for name in settings.taggers)
    versions = "\n".join(
        f"{name.partition(':')[0]} {tagger.version}" for name, tagger in zip(settings.taggers, chain, strict=True)
    )
    return Taggers(chain, xxhash.xxh3_64_hexdigest(versions.encode()))


def _load(name: str, overlays: Sequence[Path], topic_model: str) -> Tagger:
    kind, is_model, path = name.partition(":")
    if is_model:
        model_tagger: Tagger = import_module("transforms.model_taggers").ModelTagger(kind, Path(path))
        return model_tagger
    module, tagger = TAGGERS[name]
    options = {"model": Path(topic_model)} if name == "topics" and topic_model else {}
    loaded: Tagger = getattr(import_module(module), tagger)(overlays, **options)
    return loaded


DOCUMENT_COLUMNS = tuple(field.name for field in dataclasses.fields(Document))
TAG_COLUMNS = (*(field.name for field in dataclasses.fields(Tags)), "tags_version")


def read_document(columns: Mapping[str, Any]) -> Document:
    """What taggers read of an article, from its `DOCUMENT_COLUMNS`."""
    return Document(**{**columns, "title": columns["title"] or ""})


def document_of(article: Article) -> Document:
    """What taggers read of an article."""
    return read_document({name: getattr(article, name) for name in DOCUMENT_COLUMNS})


def tag_document(document: Document, taggers: Taggers) -> dict[str, Any]:
    """The values of `TAG_COLUMNS`."""
    tags = taggers.tag(document)
    return {name: getattr(tags, name) for name in TAG_COLUMNS[:-1]} | {"tags_version": taggers.version}


def evidence_of(article: Article, settings: TagSettings) -> list[Evidence]:
    """Why each tag of `article` was given, tagger by tagger."""
    return load_taggers(settings).explain(document_of(article))


def tag_article(article: Article, taggers: Taggers) -> Article:
    """`article` with its tag columns filled in and the version of the tags noted. Tags it had before are replaced, so
    tagging twice changes nothing."""
    return dataclasses.replace(article, **tag_document(document_of(article), taggers))


def tag_articles(articles: Sequence[Article], settings: TagSettings) -> list[Article | Rejected]:
    """Each article tagged, or what went wrong with it. Runs in a child."""
    taggers = load_taggers(settings)
    tagged: list[Article | Rejected] = []
    for article in articles:
        try:
            tagged.append(tag_article(article, taggers))
        except Exception as error:
            tagged.append(unforeseen(error, "tag"))
    return tagged
