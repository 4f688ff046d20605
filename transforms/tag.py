"""Tag: Articles in, Articles out with dateline resolved, countries, places, people, organisations, topics and quotes.

An article is tagged by the taggers of `[tag] taggers`, in that order, each reading what those before it found.
No article is given up on for what it says: a tagger that fails is a fault of the program, and the article goes to
`rejects` as `internal-error` of stage tag. Taggers and their lexicons are loaded once a process; memory does not grow
with the number of articles.
"""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

import apache_beam as beam
from apache_beam.pvalue import DoOutputsTuple, PCollection, TaggedOutput

from transforms.reject import reject_article, unforeseen
from transforms.schema import Article, Reject
from transforms.settings import TagSettings
from transforms.taggers import Document, Taggers, load_taggers
from transforms.tally import count, timed


@dataclass(eq=False, kw_only=True)
class Tag(beam.PTransform[PCollection[Article], DoOutputsTuple]):
    """Fill in the tag columns of articles. Outputs: the articles, and `rejects`."""

    settings: TagSettings = field(default_factory=TagSettings)

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, articles: PCollection[Article]) -> DoOutputsTuple:
        return articles | "TagArticle" >> beam.ParDo(TagFn(self.settings)).with_outputs("rejects", main="articles")


class TagFn(beam.DoFn):
    """Holds the taggers of a worker."""

    def __init__(self, settings: TagSettings) -> None:
        self.settings = settings

    def setup(self) -> None:
        self.taggers = load_taggers(self.settings)

    def process(self, element: Article) -> Iterable[Article | TaggedOutput[Literal["rejects"], Reject]]:
        with timed("tag"):
            try:
                tagged: Article | TaggedOutput[Literal["rejects"], Reject] = tag_article(element, self.taggers)
            except Exception as error:
                rejected = unforeseen(error, "tag")
                count(f"rejected-{rejected.reason}")
                tagged = TaggedOutput("rejects", reject_article(element, rejected))
        yield tagged


def document_of(article: Article) -> Document:
    """What taggers read of an article."""
    return Document(
        title=article.title or "",
        text=article.text,
        language=article.language,
        dateline=article.dateline,
        publisher_country=article.publisher_country,
    )


def tag_article(article: Article, taggers: Taggers) -> Article:
    """`article` with its tag columns filled in and the version of the tags noted. Tags it had before are replaced, so
    tagging twice changes nothing."""
    tags = taggers.tag(document_of(article))
    return dataclasses.replace(
        article,
        dateline=tags.dateline,
        countries=tags.countries,
        primary_country=tags.primary_country,
        places=tags.places,
        people=tags.people,
        organizations=tags.organizations,
        topics=tags.topics,
        quotes=tags.quotes,
        tags_version=taggers.version,
    )
