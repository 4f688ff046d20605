"""People and organisations of a text."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import stories
from transforms.names import NamesTagger
from transforms.schema import PlaceMention
from transforms.taggers import Document, Tags

TAGGER = NamesTagger()


def tags(text: str, title: str = "", language: str | None = "en", found: Tags | None = None) -> Tags:
    return TAGGER.tag(Document(title=title, text=text, language=language), found or Tags())


def people(text: str, title: str = "", language: str | None = "en") -> list[str]:
    return [mention.name for mention in tags(text, title, language).people]


def organizations(text: str, language: str | None = "en") -> list[str]:
    return [mention.name for mention in tags(text, "", language).organizations]


def test_the_three_presidents_of_a_border_story_are_its_people() -> None:
    assert people(stories.BORDER) == ["Emomali Rakhmon", "Vladimir Putin", "Ashraf Ghani"]


def test_armed_groups_and_the_agency_are_organisations_and_a_country_is_none() -> None:
    found = organizations(stories.BORDER)
    assert {"Taliban", "al Qaeda", "Reuters"} <= set(found)
    assert "United States" not in found


def test_a_surname_alone_counts_for_the_full_name() -> None:
    mentions = {mention.name: mention.mentions for mention in tags(stories.BORDER).people}
    assert mentions == {"Emomali Rakhmon": 3, "Vladimir Putin": 2, "Ashraf Ghani": 1}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Talks ended when Foreign Minister Ruvan Teklu left the room.", "Ruvan Teklu"),
        ("The award went to novelist Oyelaran Bassey in the end.", "Oyelaran Bassey"),
        ("They waited for Margaret Pellow to arrive.", "Margaret Pellow"),
        ("It was raining, Teuvo Rasila said.", "Teuvo Rasila"),
        ("The prize went to Quillon R. Vashti that evening.", "Quillon R. Vashti"),
        ("Later Ruvan Teklu, a former teacher, took the floor.", "Ruvan Teklu"),
        ("The jury heard Ruvan Teklu. When asked, Teklu nodded.", "Ruvan Teklu"),
    ],
)
def test_each_sign_of_a_person_is_enough(text: str, name: str) -> None:
    assert people(text) == [name]


def test_titles_score_higher_than_weaker_signs() -> None:
    titled = tags("Talks ended when President Ruvan Teklu left.").people[0].score
    said = tags("It was raining, Ruvan Teklu said.").people[0].score
    assert 0.5 <= said < titled <= 1.0


def test_mister_and_a_surname_is_a_person_when_no_full_name_is_given() -> None:
    assert people("The minutes show that Mr Teklu left early.") == ["Teklu"]


def test_two_people_of_one_surname_are_told_apart_by_who_was_named_last() -> None:
    text = "Mario Teklu spoke first. Teklu was brief. Then Andrew Teklu spoke. Teklu went on for an hour. So did Teklu."
    assert {m.name: m.mentions for m in tags(text).people} == {"Mario Teklu": 2, "Andrew Teklu": 3}


def test_a_title_and_a_first_name_stand_for_the_full_name_of_the_text() -> None:
    assert people("Then Sir Alex smiled. The bench of Alex Pellow stayed empty.") == ["Alex Pellow"]


def test_a_middle_initial_makes_no_second_person() -> None:
    assert people("Margaret Pellow spoke. Margaret J. Pellow left.") in (["Margaret Pellow"], ["Margaret J. Pellow"])


def test_countries_demonyms_weekdays_and_streets_are_no_people() -> None:
    text = "On Monday United Kingdom officials met. Jordan Street was closed. The Saudi Arabian team left in April."
    assert people(text) == []


def test_a_place_found_before_is_no_person() -> None:
    found = Tags(places=(PlaceMention(name="Santiago Valdora"),))
    assert tags("The road to Santiago Valdora, a port, is closed.", found=found).people == ()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Shares of Northvale Robotics Inc fell.", "Northvale Robotics Inc"),
        ("The Ministry of Inland Waters denied it.", "Ministry of Inland Waters"),
        ("He studied at Brackwater University for a year.", "Brackwater University"),
        ("Members of the Orchard Party walked out.", "Orchard Party"),
        ("A letter to the Department of Roads and Harbours went unanswered.", "Department of Roads and Harbours"),
    ],
)
def test_organisations_are_known_by_how_their_names_begin_and_end(text: str, name: str) -> None:
    assert organizations(text) == [name]


def test_an_acronym_in_brackets_stands_for_its_name_from_then_on() -> None:
    found = {mention.name: mention.mentions for mention in tags(stories.BANK).organizations}
    assert found["World Lending Council"] == 2
    assert "WLC" not in found


def test_results_and_fixtures_name_teams_and_national_teams_are_countries() -> None:
    assert set(organizations("Northport 3 Eastham 1\nWestlow v Southam\nNorway 2 Chile 0")) == {
        "Northport",
        "Eastham",
        "Westlow",
        "Southam",
    }


def test_a_longer_name_of_a_known_organisation_is_its_own() -> None:
    text = "Trucks of the Kenya Red Cross arrived. The U.S. Congress adjourned. Iraqi National Congress leaders met."
    assert set(organizations(text)) == {"Kenya Red Cross", "Congress", "Iraqi National Congress"}


def test_a_headline_in_capitals_gives_only_names_of_the_lexicon() -> None:
    assert people("Rain fell.", title="Putin And Harbour Chief Meet Over Grain Deal") == ["Vladimir Putin"]


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        (
            "Gestern traf Gerlinde von Ostermann den Bürgermeister, sagte Frau Dr. Nelke.",
            "de",
            {"Gerlinde von Ostermann", "Nelke"},
        ),
        ("Die Werft stellt Fähren her, und der Vorstand Jens Ahlers freut sich.", "de", {"Jens Ahlers"}),
        ("Hier, la ministre Odile Vasseur a reçu le maire de la ville.", "fr", {"Odile Vasseur"}),
        (
            "El alcalde Ramiro Etxeberri habló con la escritora Lucía Montalvo en la plaza.",
            "es",
            {"Ramiro Etxeberri", "Lucía Montalvo"},
        ),
    ],
)
def test_people_in_german_french_and_spanish(text: str, language: str, expected: set[str]) -> None:
    assert set(people(text, language=language)) == expected


@pytest.mark.parametrize(
    ("text", "language", "name"),
    [
        ("La denuncia llegó al Ministerio de Aguas Interiores el martes.", "es", "Ministerio de Aguas Interiores"),
        ("Los vecinos llamaron a la Autoridad Portuaria sin éxito.", "es", "Autoridad Portuaria"),
        ("Le dossier est parti au Ministère des Eaux intérieures hier.", "fr", "Ministère des Eaux"),
        ("Die Nordwerk Maschinenbau GmbH stellt den Betrieb ein.", "de", "Nordwerk Maschinenbau GmbH"),
    ],
)
def test_organisations_in_german_french_and_spanish(text: str, language: str, name: str) -> None:
    assert organizations(text, language) == [name]


def test_a_language_without_rules_gets_names_of_the_lexicon_alone() -> None:
    text = "Wladimir Putin traf am Montag Frau Gerlinde Ostermann und die Vereinte Nationen."
    assert people(text, language="xx") == ["Vladimir Putin"]
    assert organizations(text, language=None) == ["United Nations"]


def test_an_overlay_folder_adds_names(tmp_path: Path) -> None:
    (tmp_path / "names").mkdir()
    (tmp_path / "names" / "people.tsv").write_text("Ruvan Teklu\tTeklu\tharbour master\n", "utf-8")
    tagger = NamesTagger((tmp_path,))
    tagged = tagger.tag(Document(title="", text="Nobody saw Teklu there.", language="en"), Tags())
    assert [person.name for person in tagged.people] == ["Ruvan Teklu"]
    assert tagger.version != TAGGER.version


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=400), st.sampled_from(["en", "de", None]))
def test_no_text_is_too_strange(text: str, language: str | None) -> None:
    for mention in tags(text, text[:50], language).people:
        assert mention.name
        assert 0 < mention.score < 1


def test_long_texts_are_read_up_to_a_bound() -> None:
    assert len(tags("Margaret Pellow and Anna of " * 20_000).people) <= 200


def test_each_mention_can_be_explained_by_its_place_and_rule() -> None:
    document = Document(title="Teklu resigns", text=stories.BORDER, language="en")
    evidence = TAGGER.explain(document, Tags())
    assert all(
        document.text[e.start :].startswith(e.surface) for e in evidence if e.part == "text" and " " not in e.surface
    )
    assert any(e.tag == "person Emomali Rakhmon" and e.rule.startswith("lexicon") for e in evidence)


def test_what_a_language_joins_to_a_name_is_no_part_of_it() -> None:
    assert people("La visite d'Emmanuel Macron a duré deux jours.", language="fr") == ["Emmanuel Macron"]
    assert people("Recep Tayyip Erdoğan'ın konuşması uzun sürdü.", language="tr") == ["Recep Tayyip Erdogan"]


def test_a_name_that_begins_with_a_digit_needs_it() -> None:
    assert organizations("Shares of 3M fell.") == ["3M"]
    assert organizations("Group M fell.") == []


def test_a_german_noun_alone_is_a_surname_only_where_somebody_has_it() -> None:
    text = "Der Minister Karl Fischer sprach. Fischer dankte. Am Hafen stand ein Koch, und ein Bäcker kam."
    assert [(name.name, name.mentions) for name in tags(text, language="de").people] == [("Karl Fischer", 2)]
