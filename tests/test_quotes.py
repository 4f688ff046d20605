"""Quotations and who said them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import stories
from transforms.names import NamesTagger
from transforms.quotes import QuotesTagger, find_spans
from transforms.schema import Dateline, NameMention, Quote, QuoteSource
from transforms.taggers import Document, Tags

TAGGER = QuotesTagger()
PEOPLE = (
    NameMention(name="Ada Obiora", mentions=2, score=0.9),
    NameMention(name="Henrik Aalto", mentions=1, score=0.9),
)


def quotes(text: str, people: tuple[NameMention, ...] = PEOPLE, language: str = "en") -> list[Quote]:
    return list(TAGGER.tag(Document(title="", text=text, language=language), Tags(people=people)).quotes)


@pytest.mark.parametrize(
    "text",
    [
        "“The bridge will stay closed for a month,” Obiora said.",
        "“The bridge will stay closed for a month,” said Ada Obiora, the engineer.",
        'Obiora said: "The bridge will stay closed for a month."',
        "Ada Obiora told reporters on Monday, “The bridge will stay closed for a month.”",
        "Obiora measured the piers. “The bridge will stay closed for a month,” she said.",
    ],
)
def test_the_speaker_beside_a_quotation_is_given_by_full_name(text: str) -> None:
    (quote,) = quotes(text)
    assert quote.text.rstrip(".,") == "The bridge will stay closed for a month"
    assert quote.speaker == "Ada Obiora"
    assert text[quote.start :].startswith("The bridge")


def test_a_speaker_without_a_name_is_given_as_printed() -> None:
    (quote,) = quotes("“The river took the road in one night,” a senior harbour official said.")
    assert quote.speaker == "senior harbour official"


def test_a_pronoun_stands_for_the_nameless_speaker_of_the_sentence_before() -> None:
    text = "Obiora left. A senior harbour official confirmed it but gave no number.\n“They came at night,” he said."
    assert quotes(text)[-1].speaker == "senior harbour official"


def test_an_office_is_no_person() -> None:
    text = "Obiora spoke by telephone with Aalto on Monday.\nIt added that both would meet again in spring."
    assert quotes(text) == []


def test_a_quotation_nobody_is_named_for_has_no_speaker() -> None:
    (quote,) = quotes("On the wall stood “the sea gives and the sea takes” in red paint.")
    assert quote.speaker is None


def test_a_second_quotation_in_the_paragraph_is_by_the_same_speaker() -> None:
    first, second = quotes("“We open at nine in the morning,” Aalto said. “We close when the last guest leaves.”")
    assert first.speaker == second.speaker == "Henrik Aalto"


def test_words_set_in_marks_without_a_speaker_are_no_quotation() -> None:
    assert quotes("The so-called “green wave” reached the suburbs.") == []


@pytest.mark.parametrize(
    ("text", "inner"),
    [
        ("Er sagte: „Wir bleiben bis zum Ende hier.“ Dann ging er.", "Wir bleiben bis zum Ende hier."),
        ("»Wir bleiben bis zum Ende hier«, sagte er.", "Wir bleiben bis zum Ende hier"),
        ("« Nous resterons jusqu'à la fin », dit-il.", "Nous resterons jusqu'à la fin"),
        ("‘We aren’t leaving before the end,’ she said.", "We aren’t leaving before the end,"),
        ('She said "we stay here to the end" twice.', "we stay here to the end"),
    ],
)
def test_quotation_marks_of_several_languages(text: str, inner: str) -> None:
    (span,) = find_spans(text)
    assert text[span.start : span.end] == inner


def test_a_quotation_over_two_paragraphs_is_quoted_to_the_end_of_the_first() -> None:
    text = "“We began with nothing at all.\n“Then the boats came back to us,” Aalto said."
    assert [quote.text for quote in quotes(text)] == [
        "We began with nothing at all.",
        "Then the boats came back to us,",
    ]


def test_a_missing_closing_mark_swallows_no_more_than_its_paragraph() -> None:
    assert find_spans('He asked "why did nobody come here\nNobody knew.') == []


def test_reported_speech_has_its_speaker_and_no_marks() -> None:
    text = "Obiora said that the bridge would stay closed until spring."
    (quote,) = quotes(text)
    assert quote.text == "the bridge would stay closed until spring"
    assert quote.speaker == "Ada Obiora"
    assert text[quote.start :].startswith(quote.text)


def test_reported_speech_with_the_speaker_behind() -> None:
    (quote,) = quotes("The bridge would stay closed until spring, Ada Obiora said on Monday.")
    assert (quote.text, quote.speaker) == ("The bridge would stay closed until spring", "Ada Obiora")


def test_a_dateline_is_no_part_of_what_is_reported() -> None:
    text = "SOUTHAM, March 3 (Meridian Press) - The bridge will stay closed until spring, the harbour office said."
    dateline = Dateline(text="SOUTHAM, March 3 (Meridian Press) -", place="Southam")
    document = Document(title="", text=text, language="en", dateline=dateline)
    (quote,) = TAGGER.tag(document, Tags()).quotes
    assert quote.text == "The bridge will stay closed until spring"
    assert quote.speaker == "harbour office"


def test_a_clause_before_and_says_is_no_speaker() -> None:
    (quote,) = quotes("Norway denies any part and says that the bridge was closed long before.")
    assert quote.speaker == "Norway"


def test_the_border_story_quotes_its_president_and_a_nameless_officer() -> None:
    document = Document(title="", text=stories.BORDER, language="en")
    found = TAGGER.tag(document, NamesTagger().tag(document, Tags())).quotes
    speakers = {quote.text[:15]: quote.speaker for quote in found}
    assert speakers["We will not clo"] == "Emomali Rakhmon"
    assert speakers["They came at ni"] == speakers["Nobody answered"] == "wounded officer"
    assert [quote.start for quote in found] == sorted(quote.start for quote in found)


@pytest.mark.parametrize(
    ("text", "language", "speaker"),
    [
        ("„Die Brücke bleibt einen Monat gesperrt“, sagte Obiora am Montag.", "de", "Ada Obiora"),
        ("Obiora sagte: „Die Brücke bleibt einen Monat gesperrt.“", "de", "Ada Obiora"),
        ("„Die Brücke bleibt einen Monat gesperrt“, sagte ein Sprecher der Stadt.", "de", "Sprecher der Stadt"),
        ("« Le pont restera fermé pendant un mois », a déclaré Ada Obiora.", "fr", "Ada Obiora"),
        ("Selon elle, rien ne presse. Obiora a affirmé que le pont resterait fermé tout l'été.", "fr", "Ada Obiora"),
        ("«El puente seguirá cerrado durante un mes», dijo Obiora.", "es", "Ada Obiora"),
        ("Obiora aseguró que el puente seguirá cerrado hasta la primavera.", "es", "Ada Obiora"),
        ("Obiora sagte, dass die Brücke bis zum Frühjahr gesperrt bleibe.", "de", "Ada Obiora"),
    ],
)
def test_speakers_in_german_french_and_spanish(text: str, language: str, speaker: str) -> None:
    assert [quote.speaker for quote in quotes(text, language=language)] == [speaker]


def test_a_language_without_words_about_speaking_has_quotations_without_speakers() -> None:
    (quote,) = quotes("„Most pozostanie zamknięty przez miesiąc”, powiedziała Obiora.", language="pl")
    assert quote.speaker is None


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet=st.sampled_from("ab .,\n“”„«»‘’'\"sd said"), max_size=300))
def test_offsets_always_point_at_the_quotation(text: str) -> None:
    for quote in quotes(text):
        assert text[quote.start : quote.start + len(quote.text)] == quote.text


def test_many_marks_are_read_in_reasonable_time() -> None:
    assert len(quotes("“" * 40_000)) <= 60
    assert len(quotes("‘a " * 20_000)) <= 60
    assert len(quotes("a, said, b " * 4_000)) <= 60
    assert len(quotes('Aalto said "go on and on" ' * 2_000)) <= 60


def test_each_quotation_can_be_explained() -> None:
    document = Document(
        title="", text="“We stay here to the end,” Obiora said. Aalto said that nobody had left so far.", language="en"
    )
    direct, reported = TAGGER.explain(document, Tags(people=PEOPLE))
    assert (direct.tag, direct.rule) == ("quote by Ada Obiora", "quotation marks, verb 'said'")
    assert (reported.tag, reported.rule) == ("quote by Henrik Aalto", "reported speech, verb 'said'")


def sources(text: str, language: str = "en") -> list[QuoteSource]:
    tags = TAGGER.tag(Document(title="", text=text, language=language), Tags(people=PEOPLE))
    assert tags.quote_sources is not None
    assert len(tags.quote_sources) == len(tags.quotes)
    return list(tags.quote_sources)


@pytest.mark.parametrize(
    ("text", "language", "kind", "verb", "told"),
    [
        ("“The bridge stays closed for a month,” Obiora told Reuters on Monday.", "en", "direct", "told", "Reuters"),
        ("“The bridge is closed for now,” Obiora told the Harbour Gazette.", "en", "direct", "told", "Harbour Gazette"),
        ("“The bridge stays closed for a month,” Obiora told parliament.", "en", "direct", "told", None),
        ("“The bridge stays closed for a month,” Obiora warned the Council of Europe.", "en", "direct", "warned", None),
        ("Obiora told the BBC that the bridge would stay closed until spring.", "en", "indirect", "told", "BBC"),
        ("The bridge stays closed until the spring, two officials told Reuters.", "en", "indirect", "told", "Reuters"),
        ("„Die Brücke bleibt einen Monat gesperrt“, sagte Obiora der dpa am Montag.", "de", "direct", "sagte", "dpa"),
        ("« Le pont restera fermé un mois », a déclaré Ada Obiora à l'AFP.", "fr", "direct", "a déclaré", "AFP"),
        ("«El puente seguirá cerrado durante un mes», dijo Obiora a EFE.", "es", "direct", "dijo", "EFE"),
        ("On the wall stood “the sea gives and the sea takes” in red paint.", "en", "direct", None, None),
    ],
)  # fmt: skip
def test_each_quotation_has_its_kind_its_verb_and_the_outlet_told(
    text: str, language: str, kind: str, verb: str | None, told: str | None
) -> None:
    (source,) = sources(text, language)
    assert (source.kind, source.told) == (kind, told)
    assert source.verb == verb or (verb and source.verb and source.verb in verb)


@pytest.mark.parametrize(
    ("aside", "told"),
    [
        ("told Time on Monday", "Time"),
        ("told the Sun", "Sun"),
        ("told the Times", "Times"),
        ("told Bild", "Bild"),
        ("told Science", "Science"),
        ("told the Guardian", "Guardian"),
        ("told time and again", None),
        ("told Sun Li on Monday", None),
        ("told the Mirror Lake council", None),
        ("told Science Minister Ana Weld", None),
        ("told a guardian of the bridge", None),
        ("told people in the hall", None),
        ("told the nation", None),
    ],
)
def test_outlets_that_are_common_words_count_only_as_they_are_written(aside: str, told: str | None) -> None:
    (source,) = sources(f"“The bridge stays closed for a month,” Obiora {aside}.", "en")
    assert source.told == told
