"""Who wrote it: names of people and organisations from bylines and author fields.

People are told apart from organisations, agencies and desks; "By", roles, addresses and places are stripped; lists
are split at "and" in the usual languages. Better no author than a wrong one.
"""

import re
from collections.abc import Iterable

from transforms.dates import looks_like_a_date
from transforms.plain_text import key, one_line
from transforms.schema import Author

MAX_AUTHORS = 30
MAX_NAME_CHARS = 80

_BY = re.compile(
    r"^(?:(?:written|reported|story|text|words|article|posted|published|contributed) by|by line|by|von|par|por|av|"
    r"af|door|di|da|de(?= [A-Z][a-z]+ [A-Z])|od|autor(?:in|a|es)?|auteurs?|autore|author(?:s|\(s\))?|"
    r"contributors?(?=:)|texte?|редактор|автор|yazan|oleh|penulis|reporter)(?:\s*[:：]\s*|\s+)",
    re.IGNORECASE,
)
_SPLIT = re.compile(
    r"\s*(?:;|\||\s[-–—]\s|/|•|·|\n|、|，|\s*&\s*|,(?!\s+(?:and|und|et|y|e|och|og|en)\s)|"
    r",?\s+(?:and|und|et|y|e|en|och|og|ja|i|и|та|ve|dan|with|mit|avec|con|com)\s+)\s*",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"\S{1,80}@\S{1,80}|(?<!\S)@\w{1,40}|https?://\S{1,500}|www\.\S{1,200}")
_NETWORK = re.compile(r"\s(?:twitter|facebook|instagram|linkedin|e-?mail)(?=\s|$)", re.IGNORECASE)
_ALL_POSTS = re.compile(
    r"^(?:view all posts by|posts by|all posts by|more from|see all articles by|zeige alle beiträge von|"
    r"alle beiträge von|veröffentlicht von|geschrieben von|publié par|publicado por|escrito por|scritto da|"
    r"voir tous les articles (?:de|par)|ver todas las entradas de|alle artikel von|articles by)\s+",
    re.IGNORECASE,
)
_DAY = re.compile(  # of the week, in the date that stands behind the names; some are surnames
    r"(?<=\S)\s+(?:on\s+|am\s+|le\s+|el\s+)?"
    r"\b(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day|(?:mon|diens|donners|frei|sams|sonn)tag|mittwoch|"
    r"lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche|lunes|martes|miércoles|jueves|viernes|sábado|domingo|"
    r"lunedì|martedì|mercoledì|giovedì|venerdì|maandag|dinsdag|woensdag|donderdag|vrijdag|zaterdag|zondag)\b(?=[^;|]{0,20}\d)",
    re.IGNORECASE,
)
_DOMAIN = re.compile(r"[\w-]+(?:\.[\w-]+)*\.[a-z]{2,6}")
_INVERTED = re.compile(r"([^\W\d_a-z][^\W\d_]+), ([^\W\d_a-z][^\W\d_]+)")  # as libraries write names: "Low, Ann"
_CREDIT = re.compile(  # behind the authors, of others who had a hand in it
    r"\s*\b(?:(?:illustrat|photograph|translat|edit|review)(?:ions?|s|y|ed)?|photos?|fotos?|video|art|graphics?|"
    r"fact.checked|as told to)\s+(?:by|von|par|por|di)\s.*$",
    re.IGNORECASE,
)
_EMPLOYER = re.compile(r"\s+[Ff](?:or|ür)\s+(?:[Tt]he\s+|[Dd]ie\s+)?(?=[^\W\d_a-z]).*$")
_TITLES = re.compile(r"^(?:(?:dr|prof|mag|dipl|ing|sir|dame)\.?\s+)+(?=\S+\s+\S)", re.IGNORECASE)
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
_BEFORE_DATES = {"on", "last", "updated", "published", "posted", "am", "le", "el"}
# Of a role one word at least is this: without it "Help Net Security" is a name.
_TELLING_ROLES = _PERSONS_ROLES | {
    "writer", "producer", "analyst", "contributor", "freelance", "rédacteur", "rédactrice", "correspondant",
    "correspondante", "redactor", "redactora", "corresponsal", "redattore", "repórter", "redacteur", "author",
    "photographer", "director", "leiter", "leiterin", "chefredakteur", "chefredakteurin", "volontär", "volontärin",
}  # fmt: skip
_LINKED_WORDS = {"bio", "follow", "share", "rss", "website", "profile", "contact", "sponsored"}
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
    "written by", "posted by", "sign in", "log in", "login", "subscribe", "about the author", "read more",
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
    publishers = {squeeze(name) for name in publisher_names if name} - {""}
    authors: dict[str, Author] = {}
    for value, claimed in values:
        for name in split_names(value):
            folded = key(name)
            if not folded or folded in _NOT_NAMES or squeeze(name) in publishers or folded in authors:
                continue
            kind = kind_of(name) if claimed != "organization" else "organization"
            authors[folded] = Author(name=name, kind=kind)
            if len(authors) >= MAX_AUTHORS:
                return tuple(authors.values())
    return tuple(authors.values())


def split_names(byline: str) -> list[str]:
    """The names in a byline, without "By", roles, places and addresses."""
    text = one_line(_ADDRESS.sub(" ", byline[:1_000]), 500)
    if (inverted := _INVERTED.fullmatch(text)) and kind_of(inverted[1]) == kind_of(inverted[2]) == "person":
        text = f"{inverted[2]} {inverted[1]}"
    text = _ALL_POSTS.sub("", _ASIDE.sub(" ", text).strip(" ,;:-–—|.•·@"))
    for _ in range(2):
        text = _BY.sub("", text).strip()
    text = _without_date(_DAY.split(_NETWORK.sub(";", _CREDIT.sub("", text)), maxsplit=1)[0])
    names = []
    for part in _SPLIT.split(text):
        name = _BY.sub("", part or "").strip(' ,;:-–—|•·@"“”()')
        words = _TITLES.sub("", name).split()
        while len(words) > 2 and key(words[0].rsplit("-", maxsplit=1)[-1]) in _PERSONS_ROLES:
            words.pop(0)
        words = _without_tail(words)
        name = " ".join(words)
        if kind_of(person := _EMPLOYER.sub("", name)) == "person" and " " in person:
            name = person
        if (
            is_name(name)
            and not _is_role(name)
            and key(name) not in _NOT_NAMES
            and not _NOT_NAMES.issuperset(key(name).split())
        ):
            names.append(name)
    if any(
        " " in name or kind_of(name) == "organization" for name in names
    ):  # beside these a word is a place or a rest
        names = [name for name in names if " " in name or kind_of(name) == "organization"]
    return names


def _without_date(text: str) -> str:
    """`text` without the date behind its names."""
    words = text.split() if any(c.isdigit() for c in text) else []
    for at, word in enumerate(words[1:], 1):
        if word[0].isdigit() or looks_like_a_date(f"{word} 1, 2001"):
            names = words[:at] if looks_like_a_date(" ".join(words[at:])) else words
            while names and key(names[-1]) in _BEFORE_DATES:
                names.pop()
            return " ".join(names)
    return text


def _without_tail(words: list[str]) -> list[str]:
    """The words of a name without the role behind it, and without links that stand there."""
    while len(words) > 2 and key(words[-1]) in _LINKED_WORDS:
        words = words[:-1]
    end = next((n for n in range(2, len(words)) if all(key(word) in _ROLE_WORDS for word in words[n:])), len(words))
    return words[:end] if any(key(word) in _TELLING_ROLES for word in words[end:]) else words


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


def _is_role(text: str) -> bool:
    words = key(text).split()
    return bool(words) and all(word in _ROLE_WORDS or word in {"of", "for", "in", "the", "at", "s"} for word in words)


def squeeze(name: str) -> str:
    return key(name).replace(" ", "").removeprefix("the").removeprefix("www").removesuffix("com")
