"""The built-in lexicons hold together: known codes, folded names that are found again, one table for all."""

from functools import cache
from importlib.resources import files

from hypothesis import given
from hypothesis import strategies as st

from transforms.country_words import CountryLexicon, load_country_words, load_division_words
from transforms.folding import fold
from transforms.gazetteer import CAPITAL, CITY, Gazetteer, Place, pack
from transforms.inflection import demonym_forms, name_forms
from transforms.remembered import Remembered
from transforms.tokens import fold_name as folded
from transforms.tokens import read
from transforms.wordlists import Lexicon

GEO = files("transforms").joinpath("lexicons", "geo")


@cache
def gazetteer() -> Gazetteer:
    return Gazetteer(GEO.joinpath("places.zst").read_bytes())


@cache
def codes() -> frozenset[str]:
    return frozenset(row[0] for row in Lexicon("geo", (), 1).table("countries.tsv"))


def test_every_country_word_stands_for_a_known_country() -> None:
    lexicon = Lexicon("geo", (), 1)
    for name in (n for n in lexicon.names("*.*.tsv") if not n.startswith("not_countries")):
        unknown = {row[0] for row in lexicon.table(name)} - codes()
        assert not unknown, f"{name}: {unknown}"


def test_country_names_come_in_at_least_twelve_languages() -> None:
    languages = {row[1] for row in Lexicon("geo", (), 1).table("countries.tsv")}
    assert len(languages) >= 12
    assert CountryLexicon(Lexicon("geo", (), 1)).languages >= languages


def test_every_short_form_stands_for_a_division_of_the_gazetteer() -> None:
    known = {gazetteer().place(index).division for index in range(len(gazetteer()))}
    assert set(load_division_words(Lexicon("geo", (), 1)).values()) <= known


def test_places_are_found_by_their_names_in_several_scripts() -> None:
    for name in ("Dushanbe", "Душанбе", "دوشنبه", "Duschanbe", "Douchanbé"):
        assert 1221874 in {place.geoname_id for place in gazetteer().find(folded(name))}, name


def test_every_place_is_on_the_map_and_in_a_known_country() -> None:
    for index in range(len(gazetteer())):
        place = gazetteer().place(index)
        assert -90 <= place.latitude <= 90
        assert -180 <= place.longitude <= 180
        assert place.country in codes()


@given(st.lists(st.text(min_size=1, max_size=8), unique=True, max_size=20))
def test_what_is_packed_is_found_again(names: list[str]) -> None:
    def place(index: int, name: str) -> Place:
        return Place(
            index=index,
            name=name,
            country="NO",
            division="NO.1",
            kind=CITY if index else CAPITAL,
            population=index,
            fame=index,
            latitude=1.5,
            longitude=-2.5,
            geoname_id=index + 1,
        )

    places = [place(index, f"place {index}") for index in range(len(names))]
    packed = pack(places, {name: [index] for index, name in enumerate(names)})
    assert packed == pack(places, {name: [index] for index, name in reversed(list(enumerate(names)))})
    table = Gazetteer(packed)
    assert [table.place(index) for index in range(len(places))] == places
    assert [table.find(name) for name in names] == [(place,) for place in places]
    assert table.find("certainly not there") == ()


@given(st.text(max_size=30))
def test_folding_twice_changes_nothing(word: str) -> None:
    assert fold(fold(word)) == fold(word)


def test_spelling_does_not_matter() -> None:
    assert folded("St. Étienne") == folded("saint etienne")
    assert folded("Sana'a") == folded("Sana’a") == folded("Sanaa")
    assert folded("ŁÓDŹ") == folded("Lodz")


def test_stems_stand_for_all_their_forms() -> None:
    assert {"algérien", "algérienne", "algériens", "algériennes"} <= set(demonym_forms("algérien~", "fr"))
    assert {"российский", "российской", "российскими"} <= set(demonym_forms("российск~", "ru"))
    assert {"Украина", "Украине", "Украиной"} <= set(name_forms("Украина", "ru"))


def test_what_arabic_writes_before_a_name_is_left_off_where_a_name_begins() -> None:
    words = load_country_words(())[0].words("ar")
    openings = words.openings([folded("بالصين"), folded("الصين"), folded("بيت")])
    assert [word.code if word else None for word in map(words.phrase, openings)] == ["CN", "CN", None]


def test_what_languages_join_to_a_name_is_left_off() -> None:
    assert read("l'Algérie d'Alger", "fr").words == ["Algérie", "Alger"]
    assert read("Ankara'daki", "tr").folded == ["ankara"]
    assert read("서울에서 G7 東京").words == ["서", "울", "에", "서", "G7", "東", "京"]


@given(st.text(max_size=200), st.sampled_from([None, "fr", "tr", "zh"]))
def test_tokens_lie_where_they_say(text: str, language: str | None) -> None:
    part = read(text, language)
    for token in map(part.token, range(len(part))):
        assert text[token.start : token.end] == token.text


@given(st.text(max_size=200), st.sampled_from([None, "fr", "tr", "zh"]))
def test_words_and_what_stands_behind_them_make_up_the_text(text: str, language: str | None) -> None:
    part = read(text, language)
    behind = "".join(word + gap for word, gap in zip(part.words, part.gaps, strict=True))
    assert text.endswith(behind)
    assert part.starts == [part.token(number).start for number in range(len(part))]


def test_what_is_remembered_of_words_is_bounded_and_not_made_twice() -> None:
    made: list[str] = []
    remembered = Remembered(lambda word: len(made.append(word) or word))
    assert [remembered[word] for word in ("a", "bb", "a")] == [1, 2, 1]
    assert made == ["a", "bb"]
    for number in range(40_000):
        assert remembered["a"] == 1
        _ = remembered[f"word{number}"]
    assert made.count("a") == 1
    assert len(remembered) <= 12_000
    assert remembered["x" * 1_000] == 1_000
    assert "x" * 1_000 not in remembered
