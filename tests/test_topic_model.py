"""The linear topic model: training, deciding, storing."""

from pathlib import Path

import numpy as np
import pytest

from transforms.schema import Topic
from transforms.settings import TagSettings
from transforms.taggers import Document, Tags, load_taggers
from transforms.topic_model import Example, load, predict, revise, save, sure_topic, train
from transforms.topics import TopicsTagger, Vocabulary
from transforms.wordlists import Lexicon

SPORT, ECONOMY = "medtop:15000000", "medtop:04000000"
SPORT_WORDS = ("goal", "striker", "keeper", "whistle", "pitch", "floodlights")
ECONOMY_WORDS = ("profit", "shares", "dividend", "lender", "ledger", "turnover")


def texts(words: tuple[str, ...], topic: str) -> list[Example]:
    return [
        Example(
            f"{words[n % 6]} today",
            f"The {words[n % 6]} and the {words[(n + 1) % 6]} with a {words[(n + 2) % 6]}.",
            topic,
        )
        for n in range(12)
    ]


MODEL = train([*texts(SPORT_WORDS, SPORT), *texts(ECONOMY_WORDS, ECONOMY)])


def topic(topic_id: str, score: float) -> Topic:
    return Topic(id=topic_id, name="n", score=score)


def test_the_likeliest_topic_comes_first_and_probabilities_add_up() -> None:
    ranked = predict(MODEL, "Whistle", "Nobody saw the floodlights or the pitch.")
    assert ranked[0][0] == SPORT
    assert sum(chance for _, chance in ranked) == pytest.approx(1.0, abs=1e-5)


def test_nothing_is_said_of_a_text_without_known_words() -> None:
    assert predict(MODEL, "", "") == []
    assert predict(MODEL, "", "zzz 123") == []


def test_training_is_deterministic() -> None:
    again = train([*texts(SPORT_WORDS, SPORT), *texts(ECONOMY_WORDS, ECONOMY)])
    assert again.version == MODEL.version
    assert np.array_equal(again.weights, MODEL.weights)


def test_a_label_that_the_other_texts_contradict_is_left_out_unless_a_person_gave_it() -> None:
    right = [*texts(SPORT_WORDS, SPORT), *texts(ECONOMY_WORDS, ECONOMY)]
    wrong = Example("Whistle today", "The whistle and the pitch with a goal.", ECONOMY)
    doubted, given = train([*right, wrong]), train([*right, wrong._replace(given=True)])
    assert dict(predict(doubted, wrong.title, wrong.text))[SPORT] > 0.9
    assert dict(predict(given, wrong.title, wrong.text))[SPORT] < 0.9


def test_a_stored_model_decides_as_before_and_holds_no_pickle(tmp_path: Path) -> None:
    path = tmp_path / "topics.npz"
    save(MODEL, path)
    loaded = load(path)
    assert loaded.version == MODEL.version
    assert predict(loaded, "", "a dividend")[0][0] == predict(MODEL, "", "a dividend")[0][0] == ECONOMY
    assert b"pickle" not in path.read_bytes()


def test_too_few_articles_are_an_error_that_says_so() -> None:
    with pytest.raises(ValueError, match="two topics or more"):
        train(texts(SPORT_WORDS, SPORT))


def test_a_file_that_is_no_model_is_named(tmp_path: Path) -> None:
    path = tmp_path / "topics.npz"
    path.write_bytes(b"not a model at all")
    with pytest.raises(ValueError, match="no topic model"):
        load(path)


def test_only_topics_well_ahead_are_trained_on() -> None:
    assert sure_topic([topic(SPORT, 0.9), topic("medtop:20001065", 0.95), topic(ECONOMY, 0.2)]) == SPORT
    assert sure_topic([topic(SPORT, 0.9), topic(ECONOMY, 0.88)]) is None
    assert sure_topic([topic(SPORT, 0.3)]) is None
    assert sure_topic([]) is None


def test_the_model_reorders_top_levels_and_narrower_concepts_score_no_more_than_theirs() -> None:
    given = [topic(ECONOMY, 0.5), topic("medtop:20000385", 0.4), topic(SPORT, 0.45), topic("medtop:20001065", 0.3)]
    vocabulary = Vocabulary(Lexicon("topics", (), 0))
    revised = revise(MODEL, "Whistle", "The striker and the keeper left the pitch.", given, vocabulary)
    assert [found.id for found in revised if found.id.endswith("000000")] == [SPORT, ECONOMY]
    assert {found.id for found in revised} == {found.id for found in given}
    assert revised[0].name == "sport"
    scores = {found.id: found.score for found in revised}
    assert all(0 < score <= scores[vocabulary.top(found)] <= 1 for found, score in scores.items())


def test_the_tagger_uses_the_model_of_the_settings(tmp_path: Path) -> None:
    path = tmp_path / "topics.npz"
    save(MODEL, path)
    plain, fitted = TopicsTagger(), load_taggers(TagSettings(taggers=("topics",), topic_model=str(path)))
    document = Document(
        title="", text="The floodlights failed and nobody heard the whistle on the pitch.", language="en"
    )
    assert fitted.tag(document).topics[0].id == SPORT
    assert plain.version not in (fitted.chain[0].version,)
    assert plain.tag(Document(title="", text="floodlights", language="xx"), Tags()).topics == ()
