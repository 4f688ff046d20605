"""Known or new: an article keeps its identity when its feed changes the link, and only then."""

from pathlib import Path

import pytest

from tests.archive import Archive
from tests.arrivals import article, made_up
from transforms.assignment import assign
from transforms.postings import alias_keys
from transforms.recognition import Unchanged, arrive, furniture
from transforms.schema import Article
from transforms.settings import DeduplicateSettings

TITLE = "Old ferry pier closed in Westmouth"


def second(folder: Path, first: Article, later: Article, near: str = "mark") -> Article | Unchanged:
    """What `later` is after `first` was stored by an earlier run."""
    archive = Archive(folder)
    settings = DeduplicateSettings(near=near)  # type: ignore[arg-type] # literals
    archive.store(list(assign([first], archive, archive.index(), settings)))
    (outcome,) = assign([later], archive, archive.index(), settings)
    assert isinstance(outcome, Article | Unchanged)
    return outcome


@pytest.mark.parametrize("near", ["mark", "drop", "off"])
def test_a_guid_names_an_article_over_runs_and_links(tmp_path: Path, near: str) -> None:
    first = article("https://a.example/1", made_up(1), 0, TITLE, "tag:a,2026:1")
    moved = article("https://a.example/pier", made_up(1) + " More to follow.", 1, "Pier closed", "tag:a,2026:1")
    known = second(tmp_path, first, moved, near)
    assert isinstance(known, Article) and (known.article_id, known.version) == (first.article_id, 2)


def test_a_guid_that_comes_again_over_another_story_names_nothing(tmp_path: Path) -> None:
    first = article("https://a.example/1", made_up(1), 0, TITLE, "1")
    other = second(tmp_path, first, article("https://a.example/2", made_up(2), 1, TITLE, "1"))
    assert isinstance(other, Article) and (other.version, other.duplicate_of) == (1, None)


def test_a_guid_is_a_name_on_its_host_alone(tmp_path: Path) -> None:
    first = article("https://a.example/1", made_up(1), 0, TITLE, "tag:a,2026:1")
    other = second(tmp_path, first, article("https://b.example/1", made_up(1), 1, TITLE, "tag:a,2026:1"))
    assert isinstance(other, Article) and (other.version, other.duplicate_of) == (1, first.article_id)


@pytest.mark.parametrize("title", [TITLE, "旧フェリー桟橋を閉鎖"])
def test_a_headline_names_the_same_text_where_guids_are_links(tmp_path: Path, title: str) -> None:
    first = article("https://a.example/1", made_up(1), 0, title, "https://a.example/1")
    moved = article("https://a.example/pier", made_up(1), 1, title.upper(), "https://a.example/pier")
    assert second(tmp_path, first, moved) == Unchanged(first.article_id)


@pytest.mark.parametrize(("title", "guid"), [("News in brief", None), (TITLE, "tag:a,2026:2")])
def test_short_headlines_and_other_guids_name_nothing(tmp_path: Path, title: str, guid: str | None) -> None:
    first = article("https://a.example/1", made_up(1), 0, title, guid and "tag:a,2026:1")
    other = second(tmp_path, first, article("https://a.example/2", made_up(1), 1, title, guid))
    assert isinstance(other, Article) and (other.version, other.duplicate_kind) == (1, "exact")


def test_aliases_read_headlines_as_words() -> None:
    def keys(title: str) -> list[int]:
        return alias_keys(article("https://a.example/1", "", 0, title)).tolist()

    assert keys("Old pier: closed  in Westmouth") == keys("OLD PIER CLOSED IN WESTMOUTH!") != keys(TITLE)
    assert not keys("Pier closed")


def test_lines_that_other_stories_of_a_host_carry_are_its_furniture(tmp_path: Path) -> None:
    line = "Subscribe to the morning letter of the coast and never miss a tide again."
    archive = Archive(tmp_path)
    story = article("https://a.example/1", f"{made_up(1)}\n{line}", 0)
    archive.store(list(assign([story], archive, archive.index(), DeduplicateSettings())))

    def found(url: str, text: str) -> set[int]:
        arrived = arrive(article(url, text, 1))
        return furniture(arrived, arrived.article.article_id, archive.index())

    assert found("https://a.example/2", line) == set(arrive(article("https://a.example/2", line, 1)).lines.tolist())
    assert not found("https://b.example/2", line)
    assert not found("https://a.example/2", story.text), "a copy of the story is no other story"
    assert not found("https://a.example/1", line), "nor is the article itself"
