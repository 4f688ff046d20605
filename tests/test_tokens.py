"""Words of a text: what all taggers read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.folding import fold, fold_words
from transforms.name_tokens import Words
from transforms.tokens import read

TEXTS = st.text(st.sampled_from("aZé ß'’.-&\n,1習م҈İ"), max_size=60) | st.text(max_size=60)
LANGUAGES = st.sampled_from(["en", "fr", "tr", "ar", None])


@given(TEXTS, LANGUAGES)
def test_every_word_stands_in_the_text_where_it_is_said_to(text: str, language: str | None) -> None:
    part = read(text, language)
    for word, start, gap in zip(part.words, part.starts, part.gaps, strict=True):
        assert text[start:].startswith(word + gap.split("'")[0].split("’")[0])
    words = Words(part)
    for word, start in zip(words.texts, words.starts, strict=True):
        assert text[start:].startswith(word)


@given(TEXTS, LANGUAGES)
def test_rows_are_the_letters_and_digits_of_the_words(text: str, language: str | None) -> None:
    part = read(text, language)
    rows, folded = part.rows()
    assert folded == fold_words(rows)
    assert all(text[start:].startswith(row) for row, start in zip(rows, part.row_starts(), strict=True))
    assert set(folded) <= part.different


@given(st.lists(st.text(st.characters(exclude_characters="\0"), max_size=12), max_size=8))
def test_words_are_folded_together_as_they_are_alone(words: list[str]) -> None:
    assert fold_words(words) == [fold(word) for word in words]


@pytest.mark.parametrize(
    ("text", "language", "words"),
    [
        ("Ellan's farmers' union", "en", ["Ellan", "farmers", "union"]),
        ("L'eau d'Alger, jusqu'à prud'hommes", "fr", ["eau", "Alger", "à", "prud'hommes"]),
        ("a L'Aquila con Massimo D'Alema", "it", ["a", "L'Aquila", "con", "Massimo", "D'Alema"]),
        ("POUR L'ALGERIE", "fr", ["POUR", "ALGERIE"]),
        ("Türkiye'nin U.S. ile", "tr", ["Türkiye", "U.S.", "ile"]),
    ],
)
def test_what_is_joined_with_an_apostrophe_is_left_off(text: str, language: str, words: list[str]) -> None:
    assert read(text, language).words == words


def test_hyphens_join_names_and_keywords_but_not_places() -> None:
    part = read("The Rhein-Neckar-Kreis of AT&T and J. al-Sadi, 20-year-olds")
    assert part.words[1:4] == ["Rhein", "Neckar", "Kreis"]
    words = Words(part)
    assert words.texts == ["The", "Rhein-Neckar-Kreis", "of", "AT&T", "and", "J.", "al-Sadi", "20-year-olds"]
    assert list(words.capital) == [1, 1, 0, 1, 0, 1, 1, 0]


def test_a_long_text_without_blanks_takes_linear_time() -> None:
    part = read("習" * 20_000)
    assert len(part) == 20_000
    assert len(Words(part)) == 1
