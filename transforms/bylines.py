"""Who wrote it: names of people and organisations from bylines and author fields.

People are told apart from organisations, agencies and desks; "By", roles, addresses and places are stripped; lists
are split at "and" in the usual languages. Better no author than a wrong one.
"""

import re
from collections.abc import Container, Iterable
from itertools import islice, takewhile

from lxml import etree
from lxml.html import HtmlElement

from transforms.page_tree import around_all, around_headline
from transforms.plain_text import key, one_line
from transforms.schema import Author

MAX_AUTHORS = 30
MAX_NAME_CHARS = 80

_BY = re.compile(
    r"^(?:written by|reported by|story by|text by|words by|article by|posted by|published by|by line|by|von|par|por|av|"
    r"af|door|di|da|de(?= [A-Z][a-z]+ [A-Z])|od|autor(?:in|a|es)?|auteur|autore|author|texte?|редактор|автор|yazan|"
    r"oleh|penulis|reporter)(?:\s*[:：]\s*|\s+)",
    re.IGNORECASE,
)
_SPLIT = re.compile(
    r"\s*(?:;|\||\s[-–—]\s|/|•|·|\n|、|，|\s*&\s*|,|"
    r",?\s+(?:and|und|et|y|e|en|och|og|ja|i|и|та|ve|dan|with|mit|avec|con|com)\s+)\s*",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"\S{1,80}@\S{1,80}|(?<!\S)@\w{1,40}|https?://\S{1,500}|www\.\S{1,200}")
_ALL_POSTS = re.compile(
    r"^(?:view all posts by|posts by|all posts by|more from|see all articles by|zeige alle beiträge von|"
    r"alle beiträge von|veröffentlicht von|geschrieben von|publié par|publicado por|escrito por|scritto da|"
    r"voir tous les articles (?:de|par)|ver todas las entradas de|alle artikel von|articles by)\s+",
    re.IGNORECASE,
)
_EXPLICIT_BY = re.compile(
    r"(?:by|von|par|por|di|av|af|door|od|text|texte|autor(?:in)?|auteur|author|автор|yazan|oleh)(?:\s*:\s*|\s+)\S",
    re.IGNORECASE,
)
_NAME = r"[^\W\d_a-z][\w.'’-]{0,25}"
_DAY = re.compile(  # of the week, in the date that stands behind the names; some are surnames
    r"(?<=\S)\s+(?:on\s+|am\s+|le\s+|el\s+)?"
    r"\b(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day|(?:mon|diens|donners|frei|sams|sonn)tag|mittwoch|"
    r"lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche|lunes|martes|miércoles|jueves|viernes|sábado|domingo|"
    r"lunedì|martedì|mercoledì|giovedì|venerdì|maandag|dinsdag|woensdag|donderdag|vrijdag|zaterdag|zondag)\b(?=[^;|]{0,20}\d)",
    re.IGNORECASE,
)
_DOMAIN = re.compile(r"[\w-]+(?:\.[\w-]+)*\.[a-z]{2,6}")
_EMPLOYER = re.compile(r"\s+[Ff](?:or|ür)\s+(?:[Tt]he\s+|[Dd]ie\s+)?(?=[^\W\d_a-z]).*$")
_USER = re.compile(r"[\w.-]{3,30}")
_PERSON = re.compile(rf"{_NAME}(?:\s(?:{_NAME}|de|da|di|van|von|der|den|del|la|le|bin|al|el|dos)){{1,4}}")
_AUTHOR_MARK = re.compile(
    r"author|byline|autor|auteur|autore|redakt|writer|reporter|journalist|verfasser|contributor|person-", re.IGNORECASE
)
_AUTHOR_PATH = re.compile(
    r"/(?:authors?|autor(?:es|en|in)?|auteurs?|staff|people|person(?:en)?|journalists?|reporters?|redaktion|newsteam|"
    r"profiles?|contributors?|by|writers?|columnists?|autore|autori|firma|firmas)/[^/?#]{3,80}/?$",
    re.IGNORECASE,
)
_INNER_BY = re.compile(r"(?:(?<=\s)|(?<=\|))(?:[Bb]y|[Vv]on|[Pp]ar|[Pp]or|[Dd]i|[Dd]oor)\s+[^\W\d_a-z][^|:]{2,120}$")
_ASIDE_MARK = re.compile(
    r"aside|comment|footer|related|sidebar|teaser|widget|recommend|popular|latest|image|caption|photo|picture|figure",
    re.IGNORECASE,
)
_TITLES = re.compile(r"^(?:(?:dr|prof|mag|dipl|ing|sir|dame)\.?\s+)+(?=\S+\s+\S)", re.IGNORECASE)
_NAME_MARKS = {
    "author", "fn", "author-name", "authorname", "byline-name", "byline__name", "author__name", "post-author",
    "username",
}  # fmt: skip
MAX_MARKED = 60
_MARKED = etree.XPath(
    "descendant::*[@rel='author' or @itemprop='author' or contains(@class, 'author') or contains(@class, 'byline')]"
)
_NOT_TEXT = {"script", "style", "option", "title", "noscript", "figcaption"}
_ASIDE = re.compile(r"\([^()]{0,100}\)|\[[^\[\]]{0,100}\]")
_ROLE_WORDS = {
    "reporter", "correspondent", "editor", "writer", "journalist", "columnist", "chief", "senior", "staff", "bureau",
    "producer", "analyst", "contributor", "freelance", "redakteur", "redakteurin", "korrespondent", "korrespondentin",
    "journaliste", "rédacteur", "rédactrice", "correspondant", "correspondante", "periodista", "redactor",
    "redactora", "corresponsal", "giornalista", "redattore", "jornalista", "repórter", "redacteur", "verslaggever",
    "dziennikarz", "autor", "autorin", "author", "photographer", "political", "politics", "economics", "business",
    "sports", "health", "science", "technology", "environment", "education", "deputy", "executive", "managing",
    "assistant", "associate", "head", "director", "special", "world", "national", "international", "foreign",
    "affairs", "digital", "video", "news", "city", "diplomatic", "defence", "security", "crime", "courts", "legal",
    "media", "culture", "arts", "leiter", "leiterin", "ressort", "chefredakteur", "chefredakteurin", "volontär",
    "volontärin",
}  # fmt: skip
_PERSONS_ROLES = {  # that stand before the name too: "Korrespondentin Mara Lindqvist", "Sport-Experte Jan Roth"
    "reporter", "correspondent", "editor", "journalist", "columnist", "redakteur", "redakteurin", "korrespondent",
    "korrespondentin", "experte", "expertin", "autor", "autorin", "gastautor", "gastautorin", "reporterin",
    "journaliste", "periodista", "giornalista", "jornalista", "verslaggever", "dziennikarz",
}  # fmt: skip
_ORGANISATION_WORDS = {
    "news", "agency", "staff", "team", "desk", "editorial", "editors", "press", "media", "times", "post", "daily",
    "newspaper", "magazine", "tv", "radio", "network", "online", "redaktion", "redaktionsteam", "newsroom",
    "redaction", "rédaction", "redacción", "redazione", "redação", "redactie", "redakcja", "redakce", "redaksi",
    "редакция", "service", "services", "bureau", "office", "university", "institute", "foundation", "association",
    "council", "ministry", "company", "ltd", "inc", "gmbh", "ag", "group", "agence", "agencia", "agenzia", "agentur",
    "presse", "prensa", "report", "reports", "reporters", "correspondents", "writers", "contributors", "website",
    "web", "digital", "board", "committee", "community", "blog", "journal", "tribune", "herald", "gazette",
    "chronicle", "zeitung", "nachrichten", "the", "wire", "wires", "channel", "studio", "today", "express", "mail",
    "guardian", "bot", "admin", "administrator", "department", "center", "centre", "project", "society", "union",
    "party", "club", "international", "weekly", "nachrichtenagentur", "sport", "sports", "politik", "wirtschaft",
    "panorama", "content",
}  # fmt: skip
_AGENCY_KEYS = {
    "reuters", "ap", "afp", "dpa", "efe", "ansa", "apa", "sid", "epd", "kna", "tass", "xinhua", "ptI", "pti", "ani",
    "ians", "belga", "anp", "ntb", "tt", "ritzau", "stt", "pap", "ctk", "čtk", "tanjug", "hina", "mti", "bta", "lusa",
    "aa", "anadolu", "antara", "bernama", "yonhap", "kyodo", "cp", "aap", "pa", "upi", "bloomberg", "interfax",
    "unian", "ukrinform", "keystone sda", "sda", "agerpres", "mediafax", "europa press", "adnkronos", "askanews",
    "lapresse", "dha", "iha", "associated press", "the associated press", "agence france presse",
    "deutsche presse agentur", "pa media",
}  # fmt: skip
_NOT_NAMES = {
    "phd", "md", "msc", "mph", "ms", "rd",
    "admin", "administrator", "author", "editor", "none", "null", "undefined", "unknown", "anonymous", "guest",
    "redakteur", "autor", "n a", "na", "user", "root", "webmaster", "guest author", "various", "test", "default",
    "home", "about", "facebook", "twitter", "x", "instagram", "linkedin", "youtube", "whatsapp", "telegram", "tiktok",
    "pinterest", "xing", "reddit", "email", "e mail", "mail", "rss", "website", "share", "follow",
}  # fmt: skip


def read_authors(values: Iterable[tuple[str, str | None]], publisher_names: Iterable[str] = ()) -> tuple[Author, ...]:
    """Authors from `values`: pairs of a byline or name, and the kind its source claims ("person", "organization").

    Names of `publisher_names` are left out. Order is kept, repeats are dropped.
    """
    publishers = {_squeeze(name) for name in publisher_names if name} - {""}
    authors: dict[str, Author] = {}
    for value, claimed in values:
        for name in split_names(value):
            folded = key(name)
            if not folded or folded in _NOT_NAMES or _squeeze(name) in publishers or folded in authors:
                continue
            kind = kind_of(name) if claimed != "organization" else "organization"
            authors[folded] = Author(name=name, kind=kind)
            if len(authors) >= MAX_AUTHORS:
                return tuple(authors.values())
    return tuple(authors.values())


def split_names(byline: str) -> list[str]:
    """The names in a byline, without "By", roles, places and addresses."""
    text = one_line(_ADDRESS.sub(" ", byline[:1_000]), 500)
    text = _ALL_POSTS.sub("", _ASIDE.sub(" ", text).strip(" ,;:-–—|.•·@"))
    for _ in range(2):
        text = _BY.sub("", text).strip()
    names = []
    for part in _SPLIT.split(_DAY.split(text, maxsplit=1)[0]):
        name = _BY.sub("", part or "").strip(' ,;:-–—|•·@"“”()')
        words = _TITLES.sub("", name).split()
        while len(words) > 2 and key(words[0].rsplit("-", maxsplit=1)[-1]) in _PERSONS_ROLES:
            words.pop(0)
        while len(words) > 2 and key(words[-1]) in _ROLE_WORDS:
            words.pop()
        name = _EMPLOYER.sub("", " ".join(words))
        if is_name(name) and not _is_role(name) and not _NOT_NAMES.issuperset(key(name).split()):
            names.append(name)
    if any(
        " " in name or kind_of(name) == "organization" for name in names
    ):  # beside these a word is a place or a rest
        names = [name for name in names if " " in name or kind_of(name) == "organization"]
    return names


def is_name(text: str) -> bool:
    """Whether `text` can be a name: short, with letters, without digits or sentence marks."""
    if not 2 <= len(text) <= MAX_NAME_CHARS or any(c in text for c in "{}<>=#@?!/\\_"):
        return False
    words = text.split()
    if len(words) > 6 or not any(c.isalpha() for c in text):
        return False
    return sum(c.isdigit() for c in text) <= (2 if len(words) == 1 else 0)


def kind_of(name: str) -> str:
    """ "organization" for agencies, desks and names with a word that people don't have, else "person"."""
    folded = key(name)
    if folded in _AGENCY_KEYS:
        return "organization"
    words = folded.split()
    if any(word in _ORGANISATION_WORDS for word in words):
        return "organization"
    if len(words) == 1 and name.isupper() and len(name) <= 5:
        return "organization"
    return "organization" if _DOMAIN.fullmatch(name) else "person"


def visible_byline(tree: HtmlElement) -> str | None:
    """The byline that a reader sees, None when there is none: a short line that is little but names of people, opened
    by "By", standing in an element marked as the author's or linking to an author's page, near the headline or else
    anywhere but in a sidebar or comment."""
    page = around_all(tree)
    for elements in (around_headline(tree), _MARKED(tree)[:MAX_MARKED]):
        found = [
            (score, not any(c.isdigit() for c in line), -place, line)
            for place, element in enumerate(elements)
            for score, line in (_byline_of(element),)
            if score and not _stands_aside(element, page)
        ]
        if found:
            return max(found)[-1]
    return None


def _byline_of(element: HtmlElement) -> tuple[int, str]:
    """How surely `element` is a byline, 0 for not at all, and its text."""
    if element.tag in _NOT_TEXT or len(element) > 8:
        return 0, ""
    is_marked = _is_author_mark(element)
    if not is_marked and not _EXPLICIT_BY.match((element.text or "").strip() + "."):
        return 0, ""
    line = one_line(" ".join(element.itertext())[:400], 200)
    if is_marked and not _PERSON.fullmatch(line) and (inner := _INNER_BY.search(line)):
        line = inner[0]
    if not _is_byline(line, is_marked=_is_name_mark(element) or _is_named_by_link(element, line)):
        return 0, ""
    return is_marked + bool(_EXPLICIT_BY.match(line)), line


def _is_author_mark(element: HtmlElement) -> bool:
    marks = " ".join(element.get(name, "") for name in ("class", "rel", "itemprop", "id", "data-testid"))
    if element.tag == "a" and _AUTHOR_PATH.search(element.get("href", "")[:500]):
        return True
    return element.tag == "address" or bool(_AUTHOR_MARK.search(marks))


def _is_name_mark(element: HtmlElement) -> bool:
    """Whether the element is marked as holding the name itself, so that one word is a name too."""
    tokens = f"{element.get('class', '')} {element.get('rel', '')} {element.get('itemprop', '')}".lower().split()
    return bool(_NAME_MARKS.intersection(tokens))


def _is_named_by_link(element: HtmlElement, line: str) -> bool:
    """Whether a link to an author's page says the same as its address: "/author/matthias/" is Matthias."""
    path = element.get("href", "")[:500].rstrip("/") if element.tag == "a" else ""
    return bool(path) and _squeeze(path.rsplit("/", maxsplit=1)[-1]) == _squeeze(line)


def _is_byline(line: str, *, is_marked: bool) -> bool:
    names = split_names(line)
    people = [name for name in names if kind_of(name) == "person"]
    return (
        bool(people)
        and all(_PERSON.fullmatch(name) or (is_marked and _USER.fullmatch(name)) for name in people)
        and sum(map(len, names)) >= (0.25 if _EXPLICIT_BY.match(line) else 0.5) * len(line)
        and len(people) >= len(names) / 2
    )


def _stands_aside(element: HtmlElement, page: Container[HtmlElement]) -> bool:
    """Whether a part of the page around `element` is marked as something beside the article. `page` holds the article
    itself."""
    parts = takewhile(lambda part: part not in page, islice(element.iterancestors(), 6))
    return bool(_ASIDE_MARK.search(" ".join(f"{part.tag} {part.get('class', '')}" for part in parts)))


def _is_role(text: str) -> bool:
    words = key(text).split()
    return bool(words) and all(word in _ROLE_WORDS or word in {"of", "for", "in", "the", "at", "s"} for word in words)


def _squeeze(name: str) -> str:
    return key(name).replace(" ", "").removeprefix("the").removeprefix("www").removesuffix("com")
