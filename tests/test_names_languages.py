"""People, organisations and quotations of short stories in Italian, Portuguese and Dutch, all of them invented."""

from functools import cache

import pytest

from transforms.names import NamesTagger
from transforms.quotes import QuotesTagger
from transforms.taggers import Document, Tags

ITALIAN = """Il ministro dell'Interno Carlotta Benvegnani ha incontrato ieri a Novara i pescatori del lago.
Con lei c'era il presidente della Regione Tullio Marzaduri, che un mese fa aveva lasciato il Ministero dell'Interno.
«Il porto resterà aperto anche durante l'inverno», ha detto Benvegnani. Marzaduri ha spiegato che i lavori cominceranno
a marzo. Il corteo è passato da via Ermanno Zaltieri e dallo stadio Egidio Pollastri, poi dalla Torre Vecchia.
La Banca d'Italia e la Guardia Costiera non hanno commentato. Ildebrando Scarpis di Vercelli, pescatore, non è
convinto. Per il vescovo di Novara decide il Consiglio d'Europa."""

PORTUGUESE = """O prefeito de Vila Morna Leôncio Quadrado recebeu ontem os pescadores da lagoa. A seu lado estava a
ministra do Ambiente, Filomena Travanca, que deixou há um mês o Ministério da Ciência e Tecnologia.
«O porto vai continuar aberto durante o inverno», disse Travanca. Quadrado afirmou que as obras começam em março.
O cortejo passou pela rua Zulmira Pestana e pelo estádio Belmiro Falcato, e parou na Torre Velha. A Polícia Marítima
e a Universidade de Vila Morna não comentaram. Gomes da Fonseca, pescador, duvida. O Bispo de Vila Morna reza."""

DUTCH = """Burgemeester Wiebe Kranendonk ontving gisteren de vissers van het meer in Zandmeer. Naast hem zat
partijvoorzitter Annelien Verstappe, die vorige maand het Ministerie van Handel en Visserij verliet.
"De haven blijft ook in de winter open", zei Verstappe. Kranendonk verklaarde dat de werken in maart beginnen.
De optocht trok langs de Oude Toren en de film Gerbrand Zeilmaker. De Zandmeerse Visserijbank en de
Vissersbond wilden niets zeggen, de Adviesraad voor de Visserij evenmin. Goedele Mussche van Visserij Nu twijfelt.
De Burgemeester van Hoogveen komt morgen."""

_STORIES = {"it": ITALIAN, "pt": PORTUGUESE, "nl": DUTCH}
STORIES = {language: " ".join(story.split()) for language, story in _STORIES.items()}
PEOPLE = {
    "it": ["Carlotta Benvegnani", "Tullio Marzaduri", "Ildebrando Scarpis"],
    "pt": ["Filomena Travanca", "Leôncio Quadrado", "Gomes da Fonseca"],
    "nl": ["Annelien Verstappe", "Wiebe Kranendonk", "Goedele Mussche"],
}
ORGANIZATIONS = {
    "it": {"Ministero dell'Interno", "Banca d'Italia", "Guardia Costiera", "Consiglio d'Europa"},
    "pt": {"Ministério da Ciência e Tecnologia", "Polícia Marítima", "Universidade de Vila Morna"},
    "nl": {"Ministerie van Handel en Visserij", "Adviesraad voor de Visserij"},
}
DIRECT = {
    "it": ("Il porto resterà aperto anche durante l'inverno", "Carlotta Benvegnani"),
    "pt": ("O porto vai continuar aberto durante o inverno", "Filomena Travanca"),
    "nl": ("De haven blijft ook in de winter open", "Annelien Verstappe"),
}
REPORTED = {
    "it": ("i lavori cominceranno a marzo", "Tullio Marzaduri"),
    "pt": ("as obras começam em março", "Leôncio Quadrado"),
    "nl": ("de werken in maart beginnen", "Wiebe Kranendonk"),
}
LANGUAGES = pytest.mark.parametrize("language", sorted(STORIES))


@cache
def tags(language: str, text: str) -> Tags:
    document = Document(title="", text=text, language=language)
    return QuotesTagger().tag(document, names().tag(document, Tags()))


@cache
def names() -> NamesTagger:
    return NamesTagger()


def people(language: str, text: str) -> list[str]:
    return [person.name for person in tags(language, text).people]


def organizations(language: str, text: str) -> list[str]:
    return [organization.name for organization in tags(language, text).organizations]


@LANGUAGES
def test_the_people_of_a_story_are_found_and_nobody_else(language: str) -> None:
    assert sorted(people(language, STORIES[language])) == sorted(PEOPLE[language])


@LANGUAGES
def test_the_organisations_of_a_story_are_found_and_nothing_else(language: str) -> None:
    assert set(organizations(language, STORIES[language])) == ORGANIZATIONS[language]


@LANGUAGES
def test_a_direct_quotation_has_the_full_name_of_its_speaker(language: str) -> None:
    found = tags(language, STORIES[language])
    direct = [
        (quote.text, quote.speaker)
        for quote, source in zip(found.quotes, found.quote_sources or (), strict=True)
        if source.kind == "direct"
    ]
    assert direct == [DIRECT[language]]


@LANGUAGES
def test_reported_speech_has_the_full_name_of_its_speaker(language: str) -> None:
    found = tags(language, STORIES[language])
    reported = [
        (quote.text.rstrip("."), quote.speaker)
        for quote, source in zip(found.quotes, found.quote_sources or (), strict=True)
        if source.kind == "indirect"
    ]
    assert reported == [REPORTED[language]]


@pytest.mark.parametrize(
    ("language", "text", "name"),
    [
        ("it", "Il nuovo presidente della Provincia Alvise Zanforlin è arrivato.", "Alvise Zanforlin"),
        ("it", "Ha parlato l'ex-ministro Brugnasco Teldi.", "Brugnasco Teldi"),
        ("it", "Il premio è andato a Giuseppe Conte.", "Giuseppe Conte"),
        ("pt", "Chegou o presidente da Câmara Adérito Zambujo.", "Adérito Zambujo"),
        ("pt", "Falou ontem o ex-ministro Brunheta Teldo.", "Brunheta Teldo"),
        ("pt", "Ontem falou Pinto de Zambujeira.", "Pinto de Zambujeira"),
        ("nl", "Ook oud-minister Bruinsteker Teldhuis kwam.", "Bruinsteker Teldhuis"),
        ("nl", "Gisteren sprak Boukje van der Zambeke.", "Boukje van der Zambeke"),
        ("es", "Habló el ministro de Pesca Ildefonso Zambrugo.", "Ildefonso Zambrugo"),
    ],
)
def test_each_sign_of_a_person_is_enough(language: str, text: str, name: str) -> None:
    assert people(language, text) == [name]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("it", "Ci vediamo in via Giuseppe Zanforlin."),
        ("it", "L'Arcivescovo di Vercelli prega."),
        ("it", "Hanno visto la Zampa Bruna e l'Orma Grigia."),
        ("pt", "Moram na rua Leôncio Zambujo."),
        ("pt", "O Arcebispo de Serpa reza."),
        ("nl", "Zij zagen het Bruine Paard en de Grauwe Zwaan."),
        ("nl", "De Bisschop van Roermond bidt."),
    ],
)
def test_streets_dioceses_and_things_with_an_article_are_no_people(language: str, text: str) -> None:
    assert people(language, text) == []


@pytest.mark.parametrize(
    ("language", "text", "name"),
    [
        ("fr", "Il travaille au Ministère de l'Intérieur.", "Ministère de l'Intérieur"),
        ("it", "Secondo la Banca d’Italia non basta.", "Banca d’Italia"),
        ("pt", "Citam o Tratado da União Marítima.", "União Marítima"),
        ("es", "El Ministerio de Pesca y Marina calla.", "Ministerio de Pesca y Marina"),
    ],
)
def test_an_organisation_keeps_its_elided_articles_and_its_whole_name(language: str, text: str, name: str) -> None:
    assert organizations(language, text) == [name]
