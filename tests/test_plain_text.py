"""Text from foreign markup: what every later stage relies on."""

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.plain_text import MAX_MARKS, key, one_line


@pytest.mark.parametrize("marks", ["\u0301\u0323", "\u0344\u0316", "\U0001d165\u0301", "\u0591\u05b0"])
@pytest.mark.parametrize("read", [one_line, key])
def test_heaps_of_combining_marks_are_cut_before_they_cost_the_square_of_their_length(read, marks) -> None:
    start = time.perf_counter()
    text = read("Wall" + marks * 200_000 + " rebuilt")
    assert time.perf_counter() - start < 2
    assert text.lower().startswith("wal")
    assert len(text) < len("Wall rebuilt") + 3 * MAX_MARKS


def test_words_with_the_marks_their_language_writes_stay_whole_however_long_the_text() -> None:
    words = "Được phép \u05d1\u05bc\u05b0\u05e8\u05b5\u05d0\u05e9\u05c1\u05b4\u05d9\u05ea हिन्दी ที่นี่ " * 50
    assert one_line(words) == unicodedata.normalize("NFC", words.strip())


@given(st.text(max_size=600))
def test_a_line_that_was_cleaned_stays_as_it_is(text: str) -> None:
    assert one_line(one_line(text)) == one_line(text)
