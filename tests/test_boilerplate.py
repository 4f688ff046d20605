"""The removal of promo lines and footers: what goes, what stays, and that nothing vanishes."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml.html import document_fromstring

from transforms.boilerplate import load_boilerplate
from transforms.sifting import link_shares, sift

RULES = load_boilerplate()


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("Read more: Harbour wall to be rebuilt", "en/read-also"),
        ("READ ALSO | Harbour wall to be rebuilt", "en/read-also"),
        ("Related stories", "en/read-also"),
        ("İlgili haber: vapur grevi sürüyor", "tr/read-also"),
        ("Okumaya devam etmek için abone olun", "tr/paywall"),
        ("Fot. Jan Nowak/PAP", "pl/photo"),
        ("Dołącz do naszego kanału na WhatsAppie", "pl/newsletter"),
        ("انضم إلى قناتنا على واتساب", "ar/newsletter"),
        ("تصوير: رويترز", "ar/credit"),
        ("Artikel ini khusus pelanggan", "id/paywall"),
        ("Оставьте комментарий", "ru/social"),
        ("Deja tu comentario", "es/social"),
        ("Alleen voor abonnees", "nl/paywall"),
        ("Sign up for our morning letter", "en/newsletter"),
        ("Advertisement", "en/advertisement"),
        ("Follow us on every network there is", "en/social"),
        ("Lesen Sie auch: Der alte Hafen", "de/read-also"),
        ("Lire aussi : Le vieux port", "fr/read-also"),
        ("Lea también: El puerto viejo", "es/read-also"),
        ("Leggi anche: Il porto vecchio", "it/read-also"),
        ("Leia também: O porto velho", "pt/read-also"),
        ("Lees ook: De oude haven", "nl/read-also"),
        ("Czytaj też: Stary port", "pl/read-also"),
        ("Читайте также: Старый порт", "ru/read-also"),
        ("Haberin devamı", "tr/read-also"),
        ("اقرأ أيضا: الميناء القديم", "ar/read-also"),
        ("Baca juga: Pelabuhan tua", "id/read-also"),
        ("Reporting by Ann Low in Port Ellan; Editing by Bo Reed", "en/agency-footer"),
    ],
)
def test_a_promo_line_falls_under_a_rule_of_its_language(line: str, rule: str) -> None:
    found = RULES.rule_for(line)
    assert found is not None and found.name == rule


@pytest.mark.parametrize(
    "line",
    [
        "شارك وزراء في الاجتماع يوم الاثنين.",
        "انضم إلى الفريق لاعب جديد يوم الاثنين.",
        "Мы в порту ждали до полуночи, сказал рыбак.",
        "Sigue a la espera de juicio el antiguo alcalde.",
        "Siga o rio até ao moinho, disse o guia.",
        "Volg de rivier tot de molen, zei de gids.",
        "The newsletter that the council sends to all households was late.",
        "Read more books, the minister told pupils on Monday, and you will sleep better.",
        "Watch repairers in the old town say business has never been worse.",
        "Related industries lost a further two thousand jobs over the winter.",
        "Advertisement revenue fell for the third year in a row.",
        "He said more from the budget would go to schools.",
    ],
)
def test_a_sentence_that_begins_like_a_promo_stays(line: str) -> None:
    assert RULES.rule_for(line) is None


def test_a_linked_line_needs_no_colon() -> None:
    assert RULES.rule_for("Related harbour wall to be rebuilt") is None
    assert RULES.rule_for("Related harbour wall to be rebuilt", is_link=lambda: True) is not None


def test_an_agency_footer_is_cut_off_the_last_paragraph_and_kept_as_credit() -> None:
    line = "The boats sail in May. (Reporting by Ann Low; Editing by Bo Reed)"
    sifted = sift([line], RULES)
    assert sifted.lines == ("The boats sail in May.",)
    assert sifted.credits == ("(Reporting by Ann Low; Editing by Bo Reed)",)
    assert [removed.rule for removed in sifted.removed] == ["agency-footer"]


def test_link_shares_tell_linked_lines_from_lines_with_a_link() -> None:
    tree = document_fromstring(
        "<p><b><a href='/x'>All of it</a></b></p><p>A long sentence with <a href='/y'>one</a> link in it.</p>"
        "<ul><li><a href='https://h.example/story#fares'>The new fares</a></li>"
        "<li><a href='https://h.example/other#fees'>Another story</a></li></ul><h2 id=fares>The new fares</h2>"
    )
    shares = link_shares(tree)
    assert (shares["the new fares"], shares["another story"]) == (0.0, 1.0)
    assert shares["all of it"] == 1.0
    assert shares["a long sentence with one link in it"] < 0.2


def test_a_folder_of_own_rules_extends_the_built_in_ones(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text('[house]\nopens = ["from our kitchen"]\n', encoding="utf-8")
    rule = load_boilerplate((str(tmp_path),)).rule_for("From our kitchen: soup")
    assert rule is not None and rule.name == "own/house"
    assert RULES.rule_for("From our kitchen: soup") is None


@given(st.lists(st.text(min_size=1, max_size=120).filter(lambda line: any(c.isalnum() for c in line)), max_size=8))
def test_text_and_removed_cover_the_lines(lines: list[str]) -> None:
    sifted = sift(lines, RULES)
    pieces = [*sifted.lines, *(removed.text for removed in sifted.removed)]
    assert sum(map(len, pieces)) >= sum(len(line.strip()) for line in lines) - len(lines)
    assert all(any(piece in line for line in lines) for piece in pieces)
