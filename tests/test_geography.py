"""Where stories take place: own-written stories, one per rule."""

from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.geography import PlacesTagger
from transforms.schema import Dateline
from transforms.taggers import Document, Tags


@cache
def tagger() -> PlacesTagger:
    return PlacesTagger()


def tagged(text: str, *, title: str = "", language: str | None = "en", publisher_country: str | None = None) -> Tags:
    document = Document(title=title, text=text, language=language, publisher_country=publisher_country)
    return tagger().tag(document, Tags())


def codes(tags: Tags) -> set[str]:
    return {mention.code for mention in tags.countries}


def where(tags: Tags) -> dict[str, str | None]:
    return {place.name: place.country for place in tags.places}


BORDER = (
    "DUSHANBE: Tajikistan sent 4,000 soldiers to its southern frontier on Friday after villagers from Afghanistan "
    "crossed the river by night to escape fighting.\n"
    "Tajik officials said the families came from the province of Badakhshan. The Kremlin promised tents, and the "
    "United States said it would pay for food.\n"
    "Afghan officers still hold the road to Faizabad, a spokesman in Kabul said."
)


def test_a_dateline_is_given_country_and_coordinates() -> None:
    dateline = tagged(BORDER).dateline
    assert dateline is not None
    assert (dateline.place, dateline.country) == ("Dushanbe", "TJ")
    assert dateline.latitude == pytest.approx(38.54, abs=0.05)
    assert dateline.longitude == pytest.approx(68.78, abs=0.05)


def test_a_dateline_that_was_split_off_before_is_resolved_too() -> None:
    document = Document(
        title="", text="Rain fell for nine days.", language="en", dateline=Dateline(text="DHAKA:", place="Dhaka")
    )
    tags = tagger().tag(document, Tags(dateline=document.dateline))
    assert tags.dateline is not None
    assert tags.dateline.country == "BD"
    assert tags.primary_country == "BD"


def test_a_dateline_s_state_chooses_among_places_of_one_name() -> None:
    dateline = tagged("PORTLAND, Maine, May 2 (Reuters) - A ferry ran aground in the harbour on Monday.").dateline
    assert dateline is not None
    assert dateline.latitude == pytest.approx(43.66, abs=0.1)


def test_names_demonyms_and_seats_of_power_count_for_their_countries() -> None:
    tags = tagged(BORDER)
    assert codes(tags) == {"TJ", "AF", "RU", "US"}
    assert tags.primary_country == "TJ"


def test_divisions_and_cities_are_located_with_their_ids() -> None:
    place = next(place for place in tagged(BORDER).places if place.name == "Badakhshan")
    assert (place.country, place.geoname_id) == ("AF", 1147745)


def test_what_follows_a_city_says_where_it_lies() -> None:
    assert where(tagged("The firm will open a plant in Paris, Texas, next spring.")) == {"Paris": "US", "Texas": "US"}
    assert where(tagged("She grew up in Birmingham, Ala., and left at 17."))["Birmingham"] == "US"
    assert where(tagged("He was born in Birmingham and still lives there."))["Birmingham"] == "GB"


def test_a_country_named_elsewhere_chooses_among_cities_of_one_name() -> None:
    tags = tagged("Police in Canada searched two flats. The raids in London ended at noon, Ontario prosecutors said.")
    assert where(tags)["London"] == "CA"


@pytest.mark.parametrize(
    "text",
    [
        "The actress Paris Hilton opened a shop, and Jordan Ellis sang.",
        "Chad Willis and Georgia Mills won the doubles.",
        "It was a nice day for reading, and Nice Reading is the name of the club.",
        "Mr. London and Judge Lincoln disagreed.",
    ],
)
def test_names_of_people_are_no_places(text: str) -> None:
    tags = tagged(text)
    assert tags.places == ()
    assert tags.countries == ()


def test_money_and_seas_are_no_countries() -> None:
    assert codes(tagged("The bond pays 5 percent in U.S. dollars and Swiss francs.")) == set()
    assert codes(tagged("A storm crossed the Gulf of Mexico towards Latin America.")) == set()


def test_the_pronoun_us_is_no_country() -> None:
    assert codes(tagged("They told us to wait, and it cost us a day.")) == set()
    assert codes(tagged("US officials and the UK agreed.")) == {"US", "GB"}


def test_a_headline_in_capitals_is_read() -> None:
    tags = tagged("Ministers met for two hours.", title="JAPAN AND SOUTH KOREA SIGN FISHING PACT")
    assert codes(tags) == {"JP", "KR"}


def test_the_publisher_s_country_is_the_last_resort() -> None:
    assert tagged("The bakery closes on Sunday.", publisher_country="NZ").primary_country == "NZ"
    assert tagged("The bakery in Lyon closes on Sunday.", publisher_country="NZ").primary_country == "FR"
    assert tagged("The bakery closes on Sunday.", publisher_country="NZ").countries == ()


def test_names_of_countries_are_read_in_the_text_s_language() -> None:
    assert codes(tagged("Die Regierung in Island verhandelt mit Norwegen.", language="de")) == {"IS", "NO"}
    assert codes(tagged("They live on Island Road.", language="en")) == set()
    assert "RU" in codes(tagged("В Москве прошли переговоры. Россия согласна.", language="ru"))


def test_words_of_an_overlay_are_added(tmp_path: Path) -> None:
    (tmp_path / "geo").mkdir()
    (tmp_path / "geo" / "metonyms.en.tsv").write_text("NZ\tBeehive\n")
    own = PlacesTagger([tmp_path])
    document = Document(title="", text="The Beehive denied it.", language="en")
    assert own.tag(document, Tags()).primary_country == "NZ"
    assert own.version != tagger().version


@given(st.text(max_size=300), st.text(max_size=60), st.sampled_from(["en", "de", "ar", "zh", None, "x-klingon"]))
def test_no_text_makes_the_tagger_fail(text: str, title: str, language: str | None) -> None:
    tags = tagged(text, title=title, language=language)
    assert all(mention.mentions > 0 for mention in tags.countries)


@pytest.mark.timeout(10)
@pytest.mark.parametrize(
    "text",
    ["Paris, " * 50_000 + "A" * 500_000, "A." * 300_000, "A'" * 300_000, "Aé" * 300_000, "ا" * 300_000, "京" * 90_000],
)
def test_long_and_hostile_texts_are_read_up_to_a_bound(text: str) -> None:
    tags = tagged(text)
    assert len(tags.places) <= 1


def test_towns_of_one_area_vouch_for_each_other() -> None:
    tags = tagged("Buses between Enfield and Edmonton run again. The Enfield depot reopened, and Edmonton cheered.")
    assert codes(tags) == {"GB"}


def test_a_name_stands_for_the_same_place_all_through_a_text() -> None:
    tags = tagged("PARIS, Texas (AP) - The mill burned down.\nFirefighters in Paris asked for help. Paris is sad.")
    assert tags.primary_country == "US"
    assert where(tags)["Paris"] == "US"


def test_a_state_s_name_is_the_country_s_only_where_the_text_is_at_home_there() -> None:
    assert codes(tagged("Voters in Georgia and Alabama queued for hours, the U.S. agency said.")) == {"US"}
    assert codes(tagged("Georgia signed a treaty with Armenia in Tbilisi.")) == {"GE", "AM"}


def test_what_only_one_country_has_tells_where_a_text_is_at_home() -> None:
    tags = tagged("The sheriff told the school board that two middle school pupils had called 911.")
    assert tags.primary_country == "US"
    assert tagged("The taoiseach met gardaí on Monday.").primary_country == "IE"


def test_counties_and_own_regions_are_places() -> None:
    tags = tagged("Rain flooded Linn County, Iowa. Soldiers left the Bagram base in Afghanistan.")
    assert where(tags)["Linn County"] == "US"
    assert where(tags)["Bagram"] == "AF"


def test_a_region_of_several_countries_is_a_place_without_country() -> None:
    tags = tagged("Fighters crossed the Sahel by night.")
    assert where(tags) == {"Sahel": None}
    assert tags.countries == ()


@pytest.mark.parametrize(
    ("language", "text", "expected", "places"),
    [
        ("de", "Die französische Regierung und die Bundesregierung trafen sich in Straßburg.", {"FR", "DE"}, {"FR"}),
        (
            "fr",
            "L'Ukraine a écrit à l'Algérie ; le ministre allemand est à Marseille.",
            {"UA", "DZ", "DE", "FR"},
            {"FR"},
        ),
        ("es", "La Casa Blanca y el Gobierno argentino hablaron en Sevilla.", {"US", "AR", "ES"}, {"ES"}),
        ("it", "I ministri dell'Ucraina e i diplomatici polacchi sono a Torino.", {"UA", "PL", "IT"}, {"IT"}),
        ("pt", "Em Lisboa, o ministro alemão falou dos EUA.", {"PT", "DE", "US"}, {"PT"}),
        ("ru", "Турецкие дипломаты в Вашингтоне говорили о поставках в Германию.", {"TR", "US", "DE"}, {"US"}),
        ("ar", "قالت الحكومة المصرية في القاهرة إن روسيا وافقت", {"EG", "RU"}, {"EG"}),
        ("tr", "Türkiye'nin bakanı Almanya'ya gitti, Rus heyeti İzmir'de bekledi.", {"TR", "DE", "RU"}, {"TR"}),
        ("no", "Regjeringen i Oslo møtte Tysklands utenriksminister.", {"NO", "DE"}, {"NO"}),
        ("zh", "美国和日本的代表在上海会谈。", {"US", "JP", "CN"}, {"CN"}),
        ("ja", "東京でアメリカとフランスの外相が会談した。", {"JP", "US", "FR"}, {"JP"}),
        ("ko", "서울에서 미국과 중국의 외교관들이 만났다.", {"KR", "US", "CN"}, {"KR"}),
        ("hi", "नई दिल्ली में भारत और चीन के अधिकारियों की बैठक हुई।", {"IN", "CN"}, {"IN"}),
    ],
)
def test_each_language_names_countries_and_cities_its_own_way(
    language: str, text: str, expected: set[str], places: set[str]
) -> None:
    tags = tagged(text, language=language)
    assert codes(tags) == expected
    assert {place.country for place in tags.places} == places


def test_evidence_tells_words_offset_and_rule_of_each_tag() -> None:
    text = "DUSHANBE: Tajik officials flew to Kunduz in Afghanistan, others to Tyler, Tex., on Monday."
    evidence = tagger().explain(Document(title="", text=text, language="en"))
    assert {("country TJ", "DUSHANBE:"), ("country TJ", "Tajik"), ("country AF", "Afghanistan")} <= {
        (each.tag, each.surface) for each in evidence
    }
    for each in evidence:
        assert each.rule
        assert text[each.start :].startswith(each.surface)


def test_abbreviated_states_are_places_by_themselves() -> None:
    assert where(tagged("Loggers in B.C. and ranchers near Tyler, Tex., signed, Canada said.")) == {
        "British Columbia": "CA",
        "Tyler": "US",
        "Texas": "US",
    }
    assert tagged("The temple was built in 500 B.C. by a king.").places == ()


def test_a_city_that_is_said_to_lie_elsewhere_is_not_believed() -> None:
    tags = tagged("DRYDEN, Mich., June 2 - The mill said it would close.")
    assert tags.primary_country == "US"
    assert tags.dateline is not None
    assert tags.dateline.latitude is None


def test_a_person_s_name_with_a_particle_is_no_place() -> None:
    assert tagged("Miguel de la Madrid and Mario de Santiago spoke.").places == ()


def test_a_saint_s_hospital_is_no_town() -> None:
    assert tagged("He was taken to St. Michael's Hospital on Friday.").places == ()


def test_a_bird_and_a_player_are_no_countries() -> None:
    assert tagged("Turkey prices rose before the feast. A frozen turkey costs more.").countries == ()
    assert tagged("Michael Jordan flew in on Friday. Jordan did not play.").countries == ()
    assert codes(tagged("Jordan and Turkey signed a water treaty in Amman.")) == {"JO", "TR"}


def test_a_division_two_countries_have_is_that_of_the_country_in_question() -> None:
    text = "Farmers in Punjab blocked the road to {}. The chief minister of {} asked for calm."
    assert where(tagged(text.format("Delhi", "Haryana")))["Punjab"] == "IN"
    assert where(tagged(text.format("Lahore", "Sindh")))["Punjab"] == "PK"


def test_the_longer_of_two_overlapping_names_is_read() -> None:
    tags = tagged("The Bank of England held rates.")
    assert codes(tags) == {"GB"}
    assert tags.places == ()


def test_an_own_region_is_counted_each_time_it_is_named() -> None:
    tags = tagged("Troops left Bagram in Afghanistan. Bagram fell silent. Nobody guards Bagram now.")
    assert [(place.name, place.mentions) for place in tags.places] == [("Bagram", 3)]


def test_an_unknown_place_is_not_taken_for_one_of_its_words() -> None:
    tags = tagged("PORT ELLAN: The ferry sank on Monday, the harbour police said.")
    assert tags.dateline is not None
    assert (tags.dateline.place, tags.dateline.country, tags.dateline.latitude) == ("Port Ellan", None, None)
    assert codes(tags) == set()
    both = tagged("OSLO AND BERGEN: The ferry sank on Monday, the harbour police said.")
    assert both.dateline is not None
    assert both.dateline.country == "NO"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Brazil won in Rio de Janeiro, and Kenya marks the day.", {"BR", "KE"}),
        ("Chad Kroll sang in Vancouver on Friday. Chad had been ill.", {"CA"}),
        ("Chad closed its border with Sudan, the government in N'Djamena said.", {"TD", "SD"}),
        ("The river Niger burst its banks in Mali near Mopti.", {"ML"}),
        ("A drought hit New Mexico; officials in Santa Fe and Albuquerque asked for help.", {"US"}),
        ("A man from Granada, Spain, died in Grenada on holiday.", {"ES", "GD"}),
        ("Washington and Beijing agreed to talk, diplomats said in Geneva.", {"US", "CN", "CH"}),
        ("Guinea-Bissau, Guinea and Equatorial Guinea wrote to Papua New Guinea.", {"GW", "GN", "GQ", "PG"}),
        ("Congo-Brazzaville will vote; the Democratic Republic of Congo voted in December.", {"CG", "CD"}),
        ("North Korea fired a missile, the military in Seoul said.", {"KP", "KR"}),
        ("A bomb was found in Belfast, police in Northern Ireland said; Dublin was told.", {"GB", "IE"}),
        ("Taiwan, Hong Kong, Palestine and Kosovo sent teams.", {"TW", "HK", "PS", "XK"}),
        ("Burma, Swaziland and Holland are names of old maps.", {"MM", "SZ", "NL"}),
        ("Samoa and American Samoa lie on two sides of the date line.", {"WS", "AS"}),
        ("Ships met in the South China Sea, the Indian Ocean and the Gulf of Mexico.", set()),
        ("The Panama Papers named a man who eats a turkey sandwich from fine china in Leeds.", {"GB"}),
    ],
)
def test_names_that_share_their_words_are_told_apart(text: str, expected: set[str]) -> None:
    assert codes(tagged(text)) == expected


def test_a_word_the_text_writes_small_is_no_country_in_the_headline() -> None:
    assert codes(tagged("A turkey costs more than last year in Ohio.", title="Turkey prices rise")) == {"US"}


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Ukrainian ministers and the German president met in Warsaw. Poland helped; the Swiss kept silent."),
        ("de", "Die ukrainische Regierung und Deutschland sprachen in Warschau. Polen half, die Schweizer schwiegen."),
        ("fr", "Le gouvernement ukrainien et le maire allemand étaient à Varsovie. La Pologne aide, les Suisses non."),
        ("es", "El gobierno ucraniano y el presidente alemán hablaron en Varsovia. Polonia ayudó; los suizos no."),
        ("it", "Il governo ucraino e il presidente tedesco erano a Varsavia. La Polonia aiuta, gli svizzeri no."),
        ("pt", "O governo ucraniano e o presidente alemão falaram em Varsóvia. A Polónia ajudou, os suíços não."),
        ("ru", "Украинское правительство и немецкий президент были в Варшаве. Польша помогла, швейцарцы промолчали."),
        ("ar", "التقت الحكومة الأوكرانية والرئيس الألماني في وارسو. ووعدت بولندا بالمساعدة وصمت السويسريون."),
        ("tr", "Ukrayna hükümeti ile Alman cumhurbaşkanı Varşova'da görüştü. Polonya yardım etti, İsviçreli sustu."),
        ("nl", "De ministers van Oekraïne en Duitsland spraken in Warschau. Polen hielp, Zwitserland zweeg."),
        ("pl", "Rząd Ukrainy i prezydent Niemiec spotkali się w Warszawie. Polska pomogła, Szwajcaria milczała."),
        ("cs", "Vláda Ukrajiny a prezident Německa byli ve Varšavě. Polsko pomohlo, Švýcarsko mlčelo."),
        ("sk", "Vláda Ukrajiny a prezident Nemecka boli vo Varšave. Poľsko pomohlo, Švajčiarsko mlčalo."),
        ("hr", "Vlada Ukrajine i predsjednik Njemačke bili su u Varšavi. Poljska je pomogla, Švicarska je šutjela."),
        ("sv", "Ukrainas regering och Tysklands president möttes i Warszawa. Polen hjälpte, Schweiz teg."),
        ("uk", "Уряд України та президент Німеччини зустрілися у Варшаві. Польща допомогла, Швейцарія мовчала."),
        ("zh", "乌克兰政府和德国总统在华沙会面。波兰承诺提供援助，瑞士保持沉默。"),
        ("ja", "ウクライナ政府とドイツ大統領はワルシャワで会談した。ポーランドは支援し、スイスは沈黙した。"),
        ("ko", "우크라이나 정부와 독일 대통령이 바르샤바에서 만났다. 폴란드는 지원했고 스위스는 침묵했다."),
        ("fa", "دولت اوکراین و رئیس‌جمهور آلمان در ورشو دیدار کردند. لهستان قول کمک داد و سوئیس سکوت کرد."),
        ("hi", "यूक्रेन सरकार और जर्मनी के राष्ट्रपति वारसॉ में मिले। पोलैंड ने मदद की, स्विट्ज़रलैंड चुप रहा।"),
        ("he", "ממשלת אוקראינה ונשיא גרמניה נפגשו בוורשה. פולין הבטיחה סיוע, שווייץ שתקה."),
        ("id", "Pemerintah Ukraina dan presiden Jerman bertemu di Warsawa. Polandia membantu, Swiss diam."),
    ],
)  # fmt: skip
def test_a_sentence_of_each_language_names_its_countries(language: str, text: str) -> None:
    assert codes(tagged(text, language=language)) == {"UA", "DE", "PL", "CH"}
