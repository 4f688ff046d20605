"""Declared against detected language."""

import pytest

from transforms.language import choose_language, detect_language, primary_subtag

ENGLISH = "The island council voted late on Friday to raise ferry fares by nine percent. " * 4
GERMAN = "Der Inselrat stimmte am späten Freitag dafür, die Fährpreise um neun Prozent zu erhöhen. " * 4


def test_a_text_tells_its_language_and_a_word_does_not() -> None:
    assert detect_language(ENGLISH) == "en"
    assert detect_language(GERMAN) == "de"
    assert detect_language("Hm.") is None


@pytest.mark.parametrize(
    ("declared", "text", "expected"),
    [
        ("en-GB", ENGLISH, ("en", "declared")),
        ("en", GERMAN, ("de", "detected")),
        ("en", "Kurz und gut", ("en", "declared")),
        (None, GERMAN, ("de", "detected")),
        (None, "", (None, None)),
        ("nonsense tag", ENGLISH, ("en", "detected")),
    ],
)
def test_a_long_text_is_believed_and_a_short_one_is_not(
    declared: str | None, text: str, expected: tuple[str | None, str | None]
) -> None:
    assert choose_language(declared, text) == expected


def test_tags_are_cut_to_their_primary_subtag() -> None:
    assert primary_subtag("pt_BR") == "pt"
    assert primary_subtag("iw") == "he"
    assert primary_subtag("") is None
