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


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("岛屿议会星期五晚间投票决定将渡轮票价提高百分之九，渔民表示反对。", "zh"),
        ("Το συμβούλιο του νησιού ψήφισε την Παρασκευή να αυξήσει τα ναύλα των πλοίων.", "el"),
        ("Dewan pulau memutuskan bahwa tarif feri naik karena harga solar, kata seorang pejabat.", "id"),
        ("Majlis pulau itu berkata bahawa tambang feri naik kerana harga diesel, kata kerajaan.", "ms"),
        ("Općina je u siječnju odlučila tko će plaćati vlak i što će biti tijekom ljeta na otoku.", "hr"),
        (
            "Opština je juče odlučila gde će voz stajati i šta će biti tokom leta, pre nego što dete krene u školu.",
            "sr",
        ),
        (
            "Općina je jučer odlučila gdje će voz stajati i šta će biti tokom ljeta, prije nego dijete krene u školu.",
            "bs",
        ),
        ("Kommunen vedtok fredag å setje opp billettprisen på ferja med ni prosent.", "nn"),
        ("Ostrovná rada v piatok hlasovala za zvýšenie cien trajektov o deväť percent.", "sk"),
        ("Рада острова проголосувала в п'ятницю за підвищення цін на пором.", "uk"),
        ("Савет на островот гласаше во петокот за повисоки цени на траектот.", "mk"),
    ],
)
def test_a_sentence_tells_close_languages_and_old_ones_apart(text: str, language: str) -> None:
    assert detect_language(text) == language
