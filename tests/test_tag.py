"""The verb: articles in, tagged articles and rejects out."""

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that, equal_to

from tests.articles import make_article
from transforms import taggers
from transforms.schema import Article
from transforms.settings import TagSettings
from transforms.tag import Tag, tag_article
from transforms.taggers import Document, Taggers, Tags, load_taggers

PLACES = TagSettings(taggers=("places",))


def article(text: str) -> Article:
    return make_article(text=text, title="A headline", language="en")


class Failing:
    """A tagger with a fault: it cannot bear the word "boom"."""

    version = "1"

    def tag(self, document: Document, found: Tags) -> Tags:
        if "boom" in document.text:
            raise KeyError("boom")
        return found


def test_tags_are_filled_in_and_their_version_noted() -> None:
    tagged = tag_article(article("Rain fell in Norway."), load_taggers(PLACES))
    assert tagged.primary_country == "NO"
    assert tagged.tags_version == load_taggers(PLACES).version


def test_tagging_twice_changes_nothing() -> None:
    once = tag_article(article("Rain fell in Norway and Oslo."), load_taggers(PLACES))
    assert tag_article(once, load_taggers(PLACES)) == once


def test_an_unknown_tagger_is_named_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"unknown tagger 'weather'.*places"):
        load_taggers(TagSettings(taggers=("weather",)))


def test_taggers_are_loaded_once_and_their_version_depends_on_which() -> None:
    assert load_taggers(PLACES) is load_taggers(TagSettings(taggers=("places",)))
    assert load_taggers(PLACES).version != load_taggers(TagSettings(taggers=())).version


def test_every_article_comes_out_tagged_or_as_a_reject(monkeypatch: pytest.MonkeyPatch) -> None:
    chain = Taggers((*load_taggers(PLACES).chain, Failing()), "1")
    monkeypatch.setattr("transforms.tag.load_taggers", lambda settings: chain)
    good, bad = article("Rain fell in Norway."), article("boom")
    with beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions([])) as pipeline:
        outputs = pipeline | beam.Create([good, bad]) | Tag(settings=PLACES)
        countries = outputs.articles | beam.Map(lambda tagged: tagged.primary_country)
        rejects = outputs.rejects | beam.Map(lambda r: (r.stage, r.reason, r.detail, r.url))
        assert_that(countries, equal_to(["NO"]), label="articles")
        assert_that(
            rejects,
            equal_to([("tag", "internal-error", "KeyError: 'boom'", article("").source_url)]),
            label="rejects",
        )


def test_all_built_in_taggers_are_known_by_name() -> None:
    assert set(TagSettings().taggers) == set(taggers.TAGGERS)
