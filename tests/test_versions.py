"""Two readings of one article: which differences count and what they are called."""

import pytest

from transforms.versions import difference, is_rendering

TEXT = (
    "The harbour board voted on Tuesday to close the old pier. Engineers found cracks in 14 of its 60 piles."
    "\nThe pier will stay shut until November while the footing is repaired. Boats leave from the fish quay."
    "\nFishermen called the decision late. The board had known of the damage since the storms."
)


def kind(text: str, title: str = "Pier closed") -> str | None:
    found = difference("Pier closed", TEXT, title, text)
    return found.kind if found else None


@pytest.mark.parametrize(
    "same", [TEXT, TEXT.upper(), TEXT.replace(".", " ."), TEXT.replace("\n", " "), TEXT.replace("14 of", "14\u00a0of")]
)
def test_case_punctuation_and_spacing_are_no_change(same: str) -> None:
    assert kind(same) is None


def test_labels_of_the_page_around_the_story_are_no_change() -> None:
    assert kind(TEXT + "\nShare this page\nAdvertisement") is None
    assert kind("More on the harbour\n" + TEXT, "Old pier closed") == "headline"
    assert kind(TEXT + "\nRovers 3 Lindal 1") == "substantive"


def test_each_kind_of_change_is_told() -> None:
    assert kind(TEXT, "Old pier closed") == "headline"
    assert kind(TEXT.replace("engineers", "enginers").replace("decision", "descision")) == "typographic"
    assert kind(TEXT.replace("called the decision late", "said this came too late")) == "wording"
    assert kind(TEXT.replace("14 of", "17 of")) == "substantive"
    assert kind(TEXT + "\nCorrection: an earlier version gave the number of piles as 50.") == "correction"


@pytest.mark.parametrize(
    "notice",
    [
        "This story has been corrected to say that the pier has 60 piles.",
        "Editor's note: the number of piles was wrong.",
        "Richtigstellung: Der Steg hat 60 Pfähle.",
        "Una versión anterior decía que el muelle tenía 50 pilotes.",
        "訂正：杭の数は六十本でした。",
    ],
)
def test_notices_of_correction_are_known(notice: str) -> None:
    assert kind(TEXT + "\n" + notice) == "correction"


def test_a_correction_of_the_market_is_no_notice() -> None:
    assert kind(TEXT + "\nThey feared a correction of the market, as in an earlier year.") == "wording"


def test_the_diff_holds_the_sentences_that_changed() -> None:
    found = difference("a", TEXT, "a", TEXT.replace("14 of", "17 of"))
    assert found is not None
    assert [(change.op, change.text) for change in found.changes] == [
        ("delete", "Engineers found cracks in 14 of its 60 piles."),
        ("insert", "Engineers found cracks in 17 of its 60 piles."),
    ]


def test_a_moved_sentence_is_neither_deleted_nor_inserted() -> None:
    found = difference("a", "One was here. Two was here.", "a", "Two was here. One was here.")
    assert found is not None and found.changes == ()


def test_two_renderings_of_a_page_differ_by_whole_lines_only() -> None:
    assert is_rendering(TEXT, TEXT + "\nShare this page")
    assert not is_rendering(TEXT, TEXT.replace("14 of", "17 of"))
    assert not is_rendering(TEXT, TEXT + "\n" + TEXT.replace("the", "a"))


def test_hostile_texts_are_compared_in_bounded_time() -> None:
    assert difference("a", "a. " * 300_000, "a", "b. " * 300_000) is not None
    assert difference("a", "x" * 3_000_000, "a", "y" * 3_000_000) is not None
