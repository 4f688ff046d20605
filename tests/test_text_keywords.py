"""Keywords of the text itself."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import stories
from transforms.taggers import Document, Tags
from transforms.text_keywords import LANGUAGES, MAX_KEYWORDS, KeywordsTagger

TAGGER = KeywordsTagger()
FERRY = """\
The electric ferry left Northport harbour at dawn on Monday. Captain Ada Obiora said the electric ferry would cross
the strait in forty minutes.
Batteries are charged at Northport harbour while passengers leave. The strait is rough in winter, and the old diesel
boat stays in reserve. Critics say batteries suffer in the cold.
"""


def keywords(text: str, language: str | None = "en", tagger: KeywordsTagger = TAGGER) -> list[str]:
    found = tagger.tag(Document(title="", text=text, language=language), Tags()).text_keywords
    assert found is not None
    return [keyword.text for keyword in found]


def test_what_a_text_comes_back_to_is_its_keywords() -> None:
    found = keywords(FERRY)
    assert {"electric ferry", "Northport", "strait", "batteries"} <= set(found)
    assert not {"Monday", "said", "the", "ferry"} & set(found)


def test_keywords_are_words_of_the_text_as_printed_with_falling_scores() -> None:
    found = TAGGER.tag(Document(title="", text=stories.BORDER, language="en"), Tags()).text_keywords
    assert found
    assert all(keyword.text in stories.BORDER.replace("\n", " ") for keyword in found)
    scores = [keyword.score for keyword in found]
    assert scores == sorted(scores, reverse=True)
    assert all(0 < score < 1 for score in scores)


def test_no_keyword_is_a_part_of_another() -> None:
    found = [keyword.lower() for keyword in keywords(FERRY * 3)]
    assert not any(one != other and f" {one} " in f" {other} " for one in found for other in found)


@pytest.mark.parametrize(
    ("text", "language", "keyword"),
    [
        ("Die Brücke bleibt gesperrt. Wir haben die Brücke geprüft, sagte sie. Die Brücke ist alt.", "de", "Brücke"),
        ("Le pont reste fermé. L'état du pont inquiète la ville, et le pont est vieux.", "fr", "pont"),
        ("Паром стоит до весны. Паром построили давно, и паром стареет.", "ru", "Паром"),
    ],
)
def test_keywords_of_other_languages(text: str, language: str, keyword: str) -> None:
    assert keyword in keywords(text, language)


def test_a_language_without_stop_words_has_no_keywords() -> None:
    assert keywords(FERRY, None) == keywords(FERRY, "xx") == keywords("橋は春まで閉鎖される。", "ja") == []


def test_an_overlay_adds_stop_words(tmp_path: Path) -> None:
    (tmp_path / "keywords").mkdir()
    (tmp_path / "keywords" / "stopwords.en.txt").write_text("[words]\nstrait\n", "utf-8")
    tagger = KeywordsTagger((tmp_path,))
    assert "strait" not in keywords(FERRY, tagger=tagger)
    assert tagger.version != TAGGER.version


def test_every_language_named_has_a_list_of_stop_words() -> None:
    for language in LANGUAGES:
        assert keywords("zzzq. " * 3, language) == ["zzzq"]


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=400))
def test_no_text_is_too_strange(text: str) -> None:
    assert len(keywords(text)) <= MAX_KEYWORDS


def test_each_keyword_can_be_explained_by_where_it_stands() -> None:
    document = Document(title="", text=FERRY, language="en")
    for evidence in TAGGER.explain(document, Tags()):
        assert FERRY[evidence.start :].startswith(evidence.surface)


def test_a_contraction_is_no_keyword_and_a_name_with_an_apostrophe_is_one() -> None:
    text = "They don't know the harbour. They'll ask O'Neill, and we're sure O'Neill knows the harbour. " * 4
    assert set(keywords(text)) & {"don't", "They'll", "we're", "O'Neill", "harbour"} == {"O'Neill", "harbour"}
