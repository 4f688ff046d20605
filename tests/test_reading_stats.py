"""Sentences and the time that reading takes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.reading_stats import ReadingTagger, count_sentences, reading_seconds
from transforms.taggers import Document, Tags


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("", 0),
        ("One. Two! Three? “Four.” Five", 5),
        ("A heading\nA sentence. Another one.\n\n", 3),
        ("Mr. Aalto met Gen. Obiora in the U.S. Senate at 3.30 p.m. on Monday.", 1),
        ("Am 3. Mai kam Dr. Aalto. Er blieb.", 2),
        ("He left ... and came back. She stayed.", 2),
        ("橋は閉鎖される。春に開く。", 2),
        ("पुल बंद है। वसंत में खुलेगा।", 2),
        ("هل الجسر مغلق؟ نعم.", 2),
    ],
)
def test_sentences_are_counted_by_how_they_end(text: str, sentences: int) -> None:
    assert count_sentences(text) == sentences


def test_reading_takes_as_long_as_the_language_and_its_script_ask_for() -> None:
    assert seconds("word " * 228, "en-GB") == 60
    assert seconds("word " * 179, "de") == 60
    assert seconds("word " * 184, None) == 60
    assert seconds("字" * 255, "zh") == 60
    assert seconds("", "en") == 0
    assert seconds("word", "en") == 1
    assert seconds("word " * 22_800, "en") == pytest.approx(6_000, rel=0.01)


def seconds(text: str, language: str | None) -> int:
    return reading_seconds(Document(title="", text=text, language=language))


@given(st.text(max_size=300), st.sampled_from(["en", "ja", None]))
def test_every_text_takes_time_and_has_a_sentence(text: str, language: str | None) -> None:
    tags = ReadingTagger().tag(Document(title="", text=text, language=language), Tags())
    assert tags.sentence_count is not None
    assert tags.reading_seconds is not None
    assert (tags.sentence_count > 0) == bool(text.strip())
    assert (tags.reading_seconds > 0) == bool(text.strip())


def test_the_evidence_tells_what_was_counted_and_the_speed() -> None:
    document = Document(title="", text="One here. Two there.", language="en")
    tagger = ReadingTagger()
    sentences, reading = tagger.explain(document, Tags())
    assert (sentences.tag, reading.tag, reading.rule) == ("sentences 2", "reading 1 s", "4 words at 228 a minute")
    assert (reading.surface, reading.start) == ("One", 0)
    assert tagger.explain(Document(title="", text=" ", language="en"), Tags()) == []


def test_marks_without_end_are_read_in_linear_time() -> None:
    assert count_sentences("." * 300_000) == 1
