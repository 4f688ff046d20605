"""The words of a search: every script is found and marked, whatever its case, accents and points."""

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.browse_words import find, for_index, read_search, words

TEXTS = {
    "en": "The Fährboot's naïve café sailed from O'Neil's quay, snake_case and all.",
    "zh": "中国北京的天气",
    "ar": "قال الرَّئيسُ السوري إنه أعلن",
    "hi": "हिन्दी में समाचार",
    "th": "สวัสดีชาวโลก",
    "ko": "서울에서 열린 회의",
    "ja": "ガーデンとがっこう",
    "el": "Ελλάδα",
    "ru": "Ёлка и йод",
    "odd": "𝓗ello ﬁsh",
}
TOKENIZER = "unicode61 remove_diacritics 0 categories 'L* N* M* Co'"


def found(query: str, texts: dict[str, str]) -> list[str]:
    """Keys of the texts that SQLite finds by the words as indexed."""
    db = sqlite3.connect(":memory:")
    db.execute(f'CREATE VIRTUAL TABLE words USING fts5 (text, content="", tokenize="{TOKENIZER}")')
    db.executemany("INSERT INTO words (rowid, text) VALUES (?, ?)", enumerate(map(for_index, texts.values())))
    rows = db.execute("SELECT rowid FROM words WHERE words MATCH ?", (read_search(query).to_fts(),)).fetchall()
    db.close()
    return [list(texts)[row] for (row,) in rows]


@pytest.mark.parametrize(
    ("query", "language", "marked"),
    [
        ("FAHRBOOT", "en", "Fährboot"),
        ("naive cafe", "en", "naïve"),
        ("o'neil", "en", "O'Neil"),
        ('"fish"', "odd", "ﬁsh"),
        ("hello", "odd", "𝓗ello"),
        ("sail*", "en", "sailed"),
        ("case", "en", "case"),
        ("北京", "zh", "北京"),
        ("天气", "zh", "天气"),
        ("الرئيس", "ar", "الرَّئيسُ"),
        ("اعلن", "ar", "أعلن"),
        ("हिन्दी", "hi", "हिन्दी"),
        ("ชาว", "th", "ชาว"),
        ("서울", "ko", "서울"),
        ("がっこう", "ja", "がっこう"),
        ("ελλαδα", "el", "Ελλάδα"),
        ("елка", "ru", "Ёлка"),
    ],
)
def test_a_word_of_any_script_is_found_and_marked(query: str, language: str, marked: str) -> None:
    assert found(query, TEXTS) == [language]
    text = TEXTS[language]
    assert marked in [text[start:end] for start, end in find(text, read_search(query).phrases())]


def test_a_search_is_read_as_its_hint_says() -> None:
    search = read_search('ferry -strike "fish quay" harbo* OR pier')
    assert search.to_fts() == '("ferry") AND ("fish quay") AND ("harbo" * OR "pier")'
    assert search.unwanted_fts() == '"strike"'


@pytest.mark.parametrize("query", ["", "   ", '"', '""', "-", "***", "-- -“”"])
def test_what_holds_no_word_asks_for_nothing(query: str) -> None:
    assert read_search(query).to_fts() is None


def test_beginnings_are_few_and_long_enough_to_be_cheap() -> None:
    assert read_search("a* ab* ac* ad* ae* af*").to_fts() == (
        '("a") AND ("ab" *) AND ("ac" *) AND ("ad" *) AND ("ae" *) AND ("af")'
    )


def test_what_sqlite_would_read_as_orders_are_words() -> None:
    assert read_search("AND NOT NEAR( title:x").to_fts() == '("and") AND ("not") AND ("near") AND ("title x")'


@given(st.text(max_size=200))
def test_every_string_is_a_search_that_sqlite_understands(query: str) -> None:
    if read_search(query).to_fts():
        found(query, {"only": "a text"})


@given(st.text(alphabet="aAéßñ 中京ก서가ب'ُ_-.9", max_size=60), st.data())
def test_what_is_marked_is_what_is_found(text: str, data: st.DataObject) -> None:
    tokens = [word for word, _, _ in words(text)]
    if not tokens:
        return
    word = data.draw(st.sampled_from(tokens))
    search = read_search(f'"{word}"')
    assert (found(f'"{word}"', {"it": text}) == ["it"]) == bool(find(text, search.phrases()))
