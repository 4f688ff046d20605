"""New tags for stored days, and a topic model from them: only tags change, and tagging again changes nothing."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from pipeline.errors import DatasetError, UsageError
from pipeline.fit_topics import examples, fit_topics
from pipeline.query import connect
from pipeline.retag import retag
from pipeline.rewrite import read_folder
from pipeline.verify import verify
from tests.articles import make_article
from tests.test_rewrite import LATER, RUNS, commit
from transforms.partitions import write_parts
from transforms.schema import Topic
from transforms.settings import TagSettings, WriteSettings
from transforms.taggers import TAG_COLUMNS
from transforms.topic_model import load

SETTINGS = WriteSettings()
FOLDER = "articles/seen_date=2026-03-01"
TEXT = "NAIROBI: Kenya sent water trucks to Turkana on Monday, the government in Nairobi said."


@pytest.fixture
def root(tmp_path: Path) -> Path:
    articles = [
        make_article(url=f"https://a.example/{n}", text=TEXT, language="en", run_id=RUNS[0], tags_version="old")
        for n in range(3)
    ]
    commit(tmp_path, RUNS[0], articles)
    return tmp_path


def test_tags_of_another_version_are_replaced_and_nothing_else(root: Path) -> None:
    before = read_folder(root, FOLDER)
    (change,) = retag(root, TagSettings(), SETTINGS, LATER, workers=1)
    after = read_folder(root, FOLDER)
    assert (change.rows, change.rows_removed) == (3, 0)
    kept = [name for name in before.column_names if name not in TAG_COLUMNS]
    assert after.select(kept).equals(before.select(kept))
    assert set(after["primary_country"].to_pylist()) == {"KE"}
    assert "old" not in after["tags_version"].to_pylist()
    assert list(verify(root)) == []


def test_tagging_again_changes_nothing(root: Path) -> None:
    retag(root, TagSettings(), SETTINGS, LATER, workers=1)
    assert retag(root, TagSettings(), SETTINGS, LATER, workers=1) == []


def test_a_topic_model_is_fitted_from_sure_topics_and_own_labels(tmp_path: Path) -> None:
    sport, health = Topic(id="medtop:15000000", name="sport", score=0.9), "medtop:07000000"
    articles = [
        make_article(url=f"https://a.example/{n}", text=f"The striker scored {n} goals.", topics=(sport,))
        for n in range(9)
    ]
    articles += [make_article(url=f"https://b.example/{n}", text=f"The ward took in {n} patients.") for n in range(9)]
    write_parts(articles, tmp_path, "r", SETTINGS)
    (tmp_path / "runs").mkdir()
    labels = tmp_path / "labels.csv"
    lines = "".join(f"{article.article_id},{health}\n" for article in articles[9:])
    labels.write_text(f"article_id,topic\n{lines}")
    fit_topics(tmp_path, tmp_path / "model.npz", labels)
    assert load(tmp_path / "model.npz").topics == (health, sport.id)
    assert np.load(tmp_path / "model.npz", allow_pickle=False)["topics"].tolist() == [health, sport.id]
    assert len(list(examples(tmp_path, {}))) == 9
    with pytest.raises(DatasetError, match="two topics"):
        fit_topics(tmp_path, tmp_path / "other.npz", None)
    labels.write_text(f"article_id,topic\n{articles[9].article_id},sports\n")
    with pytest.raises(UsageError, match="a Media Topic such as medtop:15000000, got 'sports'"):
        fit_topics(tmp_path, tmp_path / "other.npz", labels)
    labels.write_text("id,label\n1,2\n")
    with pytest.raises(UsageError, match="article_id and topic"):
        fit_topics(tmp_path, tmp_path / "other.npz", labels)


def test_a_dataset_written_before_a_column_gets_it_filled(root: Path) -> None:
    (file,) = (root / FOLDER).glob("*.parquet")
    added = ["quote_sources", "text_keywords", "sentence_count", "reading_seconds"]
    pq.write_table(pq.read_table(file, partitioning=None).drop_columns(added), file)
    assert list(verify(root)) == []
    with connect(root) as db:
        assert db.sql("SELECT count(*) FROM articles WHERE sentence_count IS NULL").fetchall() == [(3,)]
    retag(root, TagSettings(), SETTINGS, LATER, workers=1)
    after = read_folder(root, FOLDER)
    assert after["sentence_count"].to_pylist() == [1, 1, 1]
    assert {len(found) for found in after["quote_sources"].to_pylist()} == {1}
    assert all(found for found in after["text_keywords"].to_pylist())
    assert list(verify(root)) == []
