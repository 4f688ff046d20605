"""The verb: articles in, tagged articles and rejects out."""

from concurrent.futures import Future

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that, equal_to
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.timestamp import Timestamp

from tests.articles import make_article
from transforms import taggers
from transforms.reject import Rejected
from transforms.schema import Article
from transforms.settings import TagSettings
from transforms.tag import CHUNK_ARTICLES, Tag, TagFn, _Given
from transforms.taggers import Document, Taggers, Tags, load_taggers, tag_article, tag_articles

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


def test_a_tagger_that_fails_costs_only_the_article_it_fails_on(monkeypatch: pytest.MonkeyPatch) -> None:
    chain = Taggers((*load_taggers(PLACES).chain, Failing()), "1")
    monkeypatch.setattr("transforms.taggers.load_taggers", lambda settings: chain)
    good, bad = tag_articles([article("Rain fell in Norway."), article("boom")], PLACES)
    assert isinstance(good, Article)
    assert good.primary_country == "NO"
    assert isinstance(bad, Rejected)
    assert (bad.stage, bad.reason, bad.detail) == ("tag", "internal-error", "KeyError: 'boom'")


def test_every_article_comes_out_once_however_many_there_are() -> None:
    articles = [article(f"Rain fell in Norway on day {n}.") for n in range(2 * CHUNK_ARTICLES + 3)]
    with beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions([])) as pipeline:
        outputs = pipeline | beam.Create(articles) | Tag(settings=PLACES, workers=1)
        told = outputs.articles | beam.Map(lambda tagged: (tagged.text, tagged.primary_country))
        assert_that(told, equal_to([(given.text, "NO") for given in articles]), label="articles")
        assert_that(outputs.rejects, equal_to([]), label="rejects")


def test_the_articles_of_a_killed_chunk_are_each_tried_alone() -> None:
    tagging = TagFn(PLACES, workers=1)
    tagging.setup()
    late: Future[list[Article | Rejected]] = Future()
    late.set_exception(TimeoutError())
    window, timestamp = GlobalWindow(), Timestamp(0)
    chunk = [_Given(article(f"Rain fell in {country}."), window, timestamp) for country in ("Norway", "Chile")]
    countries = [tagged.primary_country for tagged in tagging._result(chunk, late) if isinstance(tagged, Article)]
    assert countries == ["NO", "CL"]
    (given_up,) = tagging._result(chunk[:1], late)
    assert isinstance(given_up, Rejected)
    assert given_up.reason == "tagging-timeout"


def test_all_built_in_taggers_are_known_by_name() -> None:
    assert set(TagSettings().taggers) == set(taggers.TAGGERS)
