"""What a reader asks for, and the hits: filters bound as parameters, words by FTS5, snippets with the places found.

Best first means BM25 with the title before the description before the text; without words the newest come first.
"""

import dataclasses
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

from pipeline.browse_words import Phrase, Search, find, folded, read_search

PAGE_HITS = 20
MAX_PAGES = 500
COUNTED = PAGE_HITS * MAX_PAGES  # hits beyond are not counted
SNIPPET_CHARACTERS = 280
MAX_ASKED_CHARACTERS = 500
MAX_VALUES = 200  # of a name that stands for several
_WEIGHTS = "10.0, 4.0, 1.0"  # of a word in title, description, text
_SORTS = {
    "best": f"bm25(words, {_WEIGHTS}), at DESC, article_id, version DESC",
    "newest": "at DESC, article_id, version DESC",
    "oldest": "at, article_id, version",
}
_TAGS = ("mention", "topic", "person", "organization")

Marked = list[tuple[str, bool]]  # pieces of a text, and whether each is what was asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A search with its filters; "" is no filter. `country` is what a story is about, `mention` one that it names."""

    q: str = ""
    since: str = ""
    until: str = ""
    publisher: str = ""
    country: str = ""
    mention: str = ""
    topic: str = ""
    person: str = ""
    organization: str = ""
    language: str = ""
    copies: str = ""  # "no": one of each story
    versions: str = ""  # "all": earlier versions too
    sort: str = ""
    page: int = 1

    @property
    def order(self) -> str:
        """Best first only where there are words to rank by."""
        asked = self.sort if self.sort in _SORTS else "best"
        return "newest" if asked == "best" and not read_search(self.q).wanted else asked

    def address(self, **changes: str | int) -> str:
        """The query string of this question with some of it changed; another filter starts at the first page."""
        asked = dataclasses.asdict(self) | {"page": 1} | changes
        return urlencode({key: value for key, value in asked.items() if value not in ("", 1)})


def read_question(given: Mapping[str, str]) -> Question:
    """The question of a query string. What is no day or no number counts as not asked."""
    asked = {
        field.name: given.get(field.name, "").strip()[:MAX_ASKED_CHARACTERS]
        for field in dataclasses.fields(Question)
        if field.name not in ("page", "since", "until")
    }
    number = given.get("page", "1")
    page = int(number) if number.isascii() and number.isdigit() and len(number) < 5 else 1
    days = {name: _day(given.get(name, "")) for name in ("since", "until")}
    return Question(**asked, **days, page=min(max(page, 1), MAX_PAGES))


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One line of a list of articles. `copies` are the others of its story, `file` where its row stands."""

    article_id: str
    version: int
    is_newest: bool
    title: str | None
    publisher: str
    language: str | None
    country: str | None
    word_count: int
    day: str
    is_day_given: bool
    duplicate_of: str | None
    change_kind: str | None
    copies: int
    file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of hits; `total` is exact up to `COUNTED`."""

    hits: Sequence[Hit]
    total: int

    @property
    def pages(self) -> int:
        return min(MAX_PAGES, -(-self.total // PAGE_HITS))


def search(db: sqlite3.Connection, question: Question) -> Page:
    """The hits of a question. Every value is bound."""
    asked = read_search(question.q)
    conditions, values = _conditions(db, question, asked)
    source = "articles"
    if expression := asked.to_fts():
        source = "words JOIN articles ON articles.id = words.rowid"
        conditions.insert(0, "words MATCH ?")
        values.insert(0, expression)
    where = " AND ".join(conditions) or "1"
    (total,) = db.execute(
        f"SELECT count(*) FROM (SELECT 1 FROM {source} WHERE {where} LIMIT {COUNTED})",  # noqa: S608 - own words
        values,
    ).fetchone()
    rows = db.execute(
        f"SELECT {_HIT} FROM (SELECT articles.* FROM {source} WHERE {where}"  # noqa: S608 - own words
        f" ORDER BY {_SORTS[question.order]} LIMIT {PAGE_HITS} OFFSET {(question.page - 1) * PAGE_HITS}) AS a"
        " LEFT JOIN files ON files.id = a.file",
        values,
    ).fetchall()
    return Page(hits=[hit_of(row) for row in rows], total=total)


def story(db: sqlite3.Connection, cluster_id: str) -> list[Hit]:
    """The newest versions of all articles of a story, in the order of their days."""
    rows = db.execute(
        f"SELECT {_HIT} FROM articles AS a LEFT JOIN files ON files.id = a.file"  # noqa: S608 - own words
        " WHERE a.cluster_id = ? AND a.is_newest ORDER BY a.article_id != ?, a.at LIMIT 200",
        (cluster_id, cluster_id),
    ).fetchall()
    return [hit_of(row) for row in rows]


def versions(db: sqlite3.Connection, article_id: str) -> list[Hit]:
    """All stored versions of an article, oldest first."""
    rows = db.execute(
        f"SELECT {_HIT} FROM articles AS a LEFT JOIN files ON files.id = a.file"  # noqa: S608 - own words
        " WHERE a.article_id = ? ORDER BY a.version LIMIT 500",
        (article_id,),
    ).fetchall()
    return [hit_of(row) for row in rows]


def facet(db: sqlite3.Connection, kind: str, limit: int) -> list[tuple[str, str, int]]:
    """Values of a kind of filter with what to show for them and their number of articles, most frequent first."""
    rows = db.execute(
        "SELECT value, coalesce(label, value), articles FROM facets WHERE kind = ?"
        " ORDER BY articles DESC, value LIMIT ?",
        (kind, limit),
    )
    return [(value, label, articles) for value, label, articles in rows]


def marked(text: str, phrases: Sequence[Phrase]) -> Marked:
    """`text` in pieces, those that were asked for marked."""
    return _pieces(text, 0, len(text), find(text, phrases))


def snippet(text: str, phrases: Sequence[Phrase]) -> Marked:
    """The piece of `text` where most of what was asked for stands close together; its beginning where nothing does."""
    spans = find(text, phrases)
    start = 0
    if spans:
        best = max(range(len(spans)), key=lambda n: (_within(spans, n), -n))
        start = max(0, spans[best][0] - SNIPPET_CHARACTERS // 4)
        start = _word_start(text, start, spans[best][0])
    end = min(len(text), start + SNIPPET_CHARACTERS)
    if end < len(text):
        cut = text.rfind(" ", start + SNIPPET_CHARACTERS // 2, end)
        end = cut if cut > 0 else end
    pieces = _pieces(text, start, end, spans)
    return [*([("… ", False)] if start else []), *pieces, *([(" …", False)] if end < len(text) else [])]


# --------------------------------------------------------------------------- private

_HIT = (
    "a.article_id, a.version, a.is_newest, a.title, a.publisher, a.language, a.country, a.word_count, a.day,"
    " a.is_day_given, a.duplicate_of, a.change_kind, coalesce(files.path, '') AS file,"
    " (SELECT count(*) - 1 FROM articles AS c WHERE c.cluster_id = a.cluster_id AND c.is_newest) AS copies"
)


def hit_of(row: sqlite3.Row) -> Hit:
    fields = dict(row)
    return Hit(**(fields | {"is_newest": bool(row["is_newest"]), "is_day_given": bool(row["is_day_given"])}))


def _conditions(db: sqlite3.Connection, question: Question, asked: Search) -> tuple[list[str], list[str]]:
    conditions: list[str] = []
    values: list[str] = []

    def require(condition: str, *bound: str) -> None:
        conditions.append(condition)
        values.extend(bound)

    if question.versions != "all":
        require("is_newest")
    if question.copies == "no":
        require("duplicate_of IS NULL")
    if question.since:
        require("day >= ?", question.since)
    if question.until:
        require("day <= ?", question.until)
    if question.country:
        require("country = ?", question.country)
    if question.language:
        require("language = ?", question.language)
    if question.publisher:
        names = _named(db, "publisher", question.publisher)
        require(f"publisher IN ({_places(names)})", *names)
    for kind in _TAGS:
        if wanted := getattr(question, kind):
            names = [wanted] if kind in ("mention", "topic") else _named(db, kind, folded(wanted))
            require(f"articles.id IN (SELECT article FROM tags WHERE kind = ? AND value IN ({_places(names)}))", kind)  # noqa: S608
            values.extend(names)
    if unwanted := asked.unwanted_fts():
        require("articles.id NOT IN (SELECT rowid FROM words WHERE words MATCH ?)", unwanted)
    return conditions, values


def _named(db: sqlite3.Connection, kind: str, name: str) -> list[str]:
    """The value of that name; where there is none, those that hold it: "solberg" is "ingrid solberg"."""
    rows = db.execute(
        "SELECT value FROM facets WHERE kind = ? AND (value = ? OR instr(lower(value), lower(?)))"
        " ORDER BY value != ?, articles DESC LIMIT ?",
        (kind, name, name, name, MAX_VALUES),
    ).fetchall()
    found = [row[0] for row in rows]
    return found[:1] if found and found[0] == name else found or [name]


def _places(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text.strip()).isoformat()
    except ValueError:
        return ""


def _within(spans: Sequence[tuple[int, int]], first: int) -> int:
    end = spans[first][0] + SNIPPET_CHARACTERS * 3 // 4
    return sum(1 for span in spans[first : first + 50] if span[1] <= end)


def _word_start(text: str, start: int, latest: int) -> int:
    """The start of a sentence or word between `start` and `latest`."""
    if start == 0:
        return 0
    for mark in ("\n", ". ", "。", " "):
        at = text.find(mark, start, latest)
        if at >= 0:
            return at + len(mark)
    return start


def _pieces(text: str, start: int, end: int, spans: Sequence[tuple[int, int]]) -> Marked:
    pieces: Marked = []
    at = start
    for left, right in spans:
        if right <= at or left >= end:
            continue
        pieces.append((text[at : max(at, left)], False))
        pieces.append((text[max(at, left) : min(right, end)], True))
        at = min(right, end)
    pieces.append((text[at:end], False))
    return [piece for piece in pieces if piece[0]]
