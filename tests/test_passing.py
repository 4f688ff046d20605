"""Countries named in passing: none of a story's where it names others, all of them where it names no other."""

import pytest

from tests.test_geography import codes, tagged

STORY = "LISBON, May 4 - Portugal will repair the bridge at Santarem, the minister said in Lisbon. "


@pytest.mark.parametrize(
    "aside",
    [
        "The loan comes from the Royal Bank of Canada, he said.",
        "He flew home with British Airways.",
        "A deputy chairman of Air France was asked to leave the hall.",
        "Lunch was a Greek salad and cold water.",
        "Workers wore Peruvian woollen hats against the wind.",
        "He compared the price to that of three Kuwaiti oil tankers.",
        "The steel is sold by Lindqvist Ltd of Sweden.",
        "Analysts had expected the Bundesbank to wait.",
        "It will carry trucks of U.S. soybeans.",
    ],
)
def test_another_name_a_thing_and_an_institution_are_passing_mentions(aside: str) -> None:
    assert codes(tagged(STORY + aside)) == {"PT"}


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("A Japanese tourist was hurt.", "JP"),
        ("Two Danish and Swedish engineers were hurt.", "SE"),
        ("The stones lay near the Spanish border.", "ES"),
        ("The Italian Ministry of Culture sent an expert.", "IT"),
        ("US Centers for Disease Control sent an expert.", "US"),
        ("Nothing like it had been seen since the Iran-Iraq war.", "IQ"),
        ("Brazil's Petrobras will pay.", "BR"),
        ("The stones come from Morocco.", "MA"),
        ("An Irishwoman and a German watched.", "DE"),
    ],
)
def test_people_ground_states_and_plain_names_are_not(said: str, code: str) -> None:
    assert code in codes(tagged(STORY + said))


def test_a_country_named_twice_in_the_title_or_alone_is_no_passing_mention() -> None:
    assert "GR" in codes(tagged(STORY + "They ate a Greek dish. Later a Greek dish was served again."))
    assert "GR" in codes(tagged(STORY + "They ate a Greek dish.", title="A Greek dish for the builders"))
    assert codes(tagged("They ate a Greek dish with cold water, and went on building.")) == {"GR"}


def test_a_passing_mention_is_no_evidence_of_a_tag() -> None:
    from tests.test_geography import tagger
    from transforms.taggers import Document

    evidence = tagger().explain(Document(title="", text=STORY + "He flew home with British Airways.", language="en"))
    assert {found.tag for found in evidence if found.tag.startswith("country")} == {"country PT"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Norway will lend three billion dollars U.S. to the fund in Oslo.", {"NO"}),
        ("Norway will lend $160 million (US) to the fund in Oslo.", {"NO"}),
        ("A.R. Kruse, a teacher in Oslo, said Norway would follow M.S. Holm.", {"NO"}),
        ("Ottawa, Canada - The minister told the House of Commons that Canada would pay.", {"CA"}),
    ],
)
def test_money_initials_and_parliaments_of_that_name_elsewhere(text: str, expected: set[str]) -> None:
    assert codes(tagged(text)) == expected


def test_divisions_keep_their_short_forms() -> None:
    assert codes(tagged("A storm hit towns in B.C. Tuesday, and B.C. Premier Anna Weld promised help.")) == {"CA"}
