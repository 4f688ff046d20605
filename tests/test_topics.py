"""Topics of a text and the lexicons they come from."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import stories
from transforms.taggers import Document, Tags
from transforms.tokens import read
from transforms.topic_terms import TermIndex
from transforms.topics import TopicsTagger, Vocabulary
from transforms.wordlists import Lexicon

TAGGER = TopicsTagger()
LEXICON = Lexicon("topics", (), 0)
VOCABULARY = Vocabulary(LEXICON)
CONFLICT, POLITICS, SPORT, ECONOMY = "medtop:16000000", "medtop:11000000", "medtop:15000000", "medtop:04000000"


def topics(text: str, title: str = "", language: str | None = "en") -> list[str]:
    tags = TAGGER.tag(Document(title=title, text=text, language=language), Tags())
    return [topic.id for topic in tags.topics]


def test_a_border_war_is_conflict_politics_and_refugees() -> None:
    found = topics(stories.BORDER)
    assert CONFLICT in found[:3]
    assert POLITICS in found
    assert "medtop:20000645" in found


@pytest.mark.parametrize(("text", "topic"), [(stories.MATCH, SPORT), (stories.BANK, ECONOMY)])
def test_the_first_topic_is_what_the_story_is_about(text: str, topic: str) -> None:
    assert topics(text)[0] == topic


def test_every_specific_concept_comes_with_its_top_level() -> None:
    for text in (stories.BORDER, stories.MATCH, stories.BANK):
        found = topics(text)
        assert {VOCABULARY.top(concept) for concept in found} <= set(found)
        assert all(found.index(VOCABULARY.top(concept)) <= place for place, concept in enumerate(found))


GERMAN = """\
Bei einem Auffahrunfall auf der Autobahn sind am Sonntag vier Menschen verletzt worden, teilte die Polizei mit. \
Die Feuerwehr befreite einen Fahrer aus seinem Wagen, ein Rettungshubschrauber brachte ihn ins Krankenhaus."""
FRENCH = """\
Les députés ont adopté mardi le projet de loi après une nuit de débats à l'Assemblée nationale. \
Le gouvernement a évité de justesse une motion de censure, et la ministre a salué le vote."""
SPANISH = """\
El delantero marcó dos goles en la segunda parte y el equipo visitante ganó el partido en su estadio. \
El entrenador elogió al portero, que detuvo un penalti en el descuento."""


@pytest.mark.parametrize(
    ("text", "language", "topic"),
    [(GERMAN, "de", "medtop:03000000"), (FRENCH, "fr", POLITICS), (SPANISH, "es-MX", SPORT)],
)
def test_german_french_and_spanish_stories_have_topics(text: str, language: str, topic: str) -> None:
    assert topics(text, language=language)[0] == topic


@pytest.mark.parametrize("language", ["en", "de", "fr", "es"])
def test_a_lexicon_covers_all_top_levels(language: str) -> None:
    concepts = {f"medtop:{e.section}" for file in LEXICON.names(f"{language}/*.txt") for e in LEXICON.sections(file)}
    assert {VOCABULARY.top(concept) for concept in concepts} == {c for c in VOCABULARY.names if c.endswith("000000")}


def test_scores_are_shares_and_names_are_the_vocabularys() -> None:
    for topic in TAGGER.tag(Document(title="", text=stories.BORDER, language="en"), Tags()).topics:
        assert 0 < topic.score <= 1
        assert topic.name == VOCABULARY.names[topic.id]


def test_no_topic_in_a_language_without_a_lexicon_nor_for_a_text_without_terms() -> None:
    assert topics(stories.BORDER, language="xx") == []
    assert topics(stories.BORDER, language=None) == []
    assert topics("Lorem ipsum dolor sit amet.") == []


@pytest.mark.parametrize("file", LEXICON.names("*/*.txt"))
def test_every_section_of_a_lexicon_is_a_concept_and_every_weight_a_small_number(file: str) -> None:
    for entry in LEXICON.sections(file):
        assert f"medtop:{entry.section}" in VOCABULARY.names, entry
        assert 0 <= entry.weight <= 5


def test_the_english_lexicon_has_many_narrower_concepts() -> None:
    concepts = {f"medtop:{entry.section}" for file in LEXICON.names("en/*.txt") for entry in LEXICON.sections(file)}
    assert len([concept for concept in concepts if concept in VOCABULARY.broader]) >= 120


def find(terms: list[str], text: str) -> list[str]:
    index = TermIndex([(term, "x", 1.0) for term in terms])
    return [term for _, term, _ in index.find(read(text))[0]]


def test_terms_match_any_case_plurals_and_beginnings_and_the_longest_wins() -> None:
    assert find(["interest rate", "rate"], "Interest rates rose") == ["interest rate"]
    assert find(["*minister", "Film*"], "Bundesfinanzminister Filmfest minister") == ["*minister", "Film*"]
    assert find(["insurgen*"], "insurgents INSURGENCY") == ["insurgen*", "insurgen*"]
    assert len(find(["refugee*", "refugees"], "refugees")) == 1
    assert find(["party", "church"], "parties churches") == ["party", "church"]


def test_terms_with_capitals_match_only_so() -> None:
    assert find(["WHO", "Labour"], "who worked in labour") == []
    assert find(["WHO", "Labour"], "WHO and Labour") == ["WHO", "Labour"]


def test_an_overlay_adds_terms_and_changes_the_version(tmp_path: Path) -> None:
    folder = tmp_path / "topics" / "en"
    folder.mkdir(parents=True)
    (folder / "own.txt").write_text("[15000000] sport\n5: quidditch\n", "utf-8")
    tagger = TopicsTagger((tmp_path,))
    tags = tagger.tag(Document(title="Quidditch tonight", text="Bring a broom.", language="en"), Tags())
    assert [topic.id for topic in tags.topics] == [SPORT]
    assert tagger.version != TAGGER.version


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=400))
def test_no_text_is_too_strange(text: str) -> None:
    assert len(topics(text, text[:40])) <= 12


def test_each_term_can_be_explained_by_its_place_and_weight() -> None:
    document = Document(title="Refugees cross river", text=stories.BORDER, language="en")
    evidence = TAGGER.explain(document, Tags())
    parts = {"title": document.title, "text": document.text}
    assert all(parts[e.part][e.start :].startswith(e.surface) for e in evidence)
    assert any(e.part == "title" and e.surface == "Refugees" for e in evidence)
    assert TAGGER.explain(Document(title="", text="war", language="xx"), Tags()) == []
