"""A comparison of two texts loses nothing of either."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.text_diff import compare

TEXTS = st.text(alphabet="ab 1.,\n!中", max_size=80)


def test_the_smallest_change_is_told_to_the_word() -> None:
    pieces = compare("A quake of 6.1 hit.\nNobody was hurt.", "A quake of 5.9 hit.\nNobody was hurt.\nTrains stand.")
    assert pieces == [
        ("same", "A quake of "),
        ("delete", "6.1"),
        ("insert", "5.9"),
        ("same", " hit.\nNobody was hurt."),
        ("insert", "\nTrains stand."),
    ]


def test_a_sentence_written_anew_is_not_mixed_with_the_old_one() -> None:
    assert compare("The board met.", "Rain fell on Sunday night.") == [
        ("delete", "The board met."),
        ("insert", "Rain fell on Sunday night."),
    ]


@given(TEXTS, TEXTS)
def test_both_texts_can_be_read_from_the_pieces(old: str, new: str) -> None:
    pieces = compare(old, new)
    assert "".join(text for op, text in pieces if op != "insert") == old
    assert "".join(text for op, text in pieces if op != "delete") == new


def test_long_texts_take_no_long_time() -> None:
    long = " ".join(f"word{number % 50} and more." for number in range(30_000))
    assert len(compare(long, long[1:])) >= 2
    one = " ".join(f"w{number % 50}" for number in range(30_000))
    assert len(compare(one, one[2:])) >= 1
