"""The pages of `newsbeam browse`: what is asked by address, shown as HTML that runs and loads nothing.

Only GET and HEAD; only requests whose Host is this server (an address rebound to loopback has another); no script, no
picture, no font from anywhere; everything from the web escaped by the templates, its links http or https alone.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

import duckdb
from flask import Flask, Response, abort, redirect, render_template, request, url_for
from jinja2 import StrictUndefined
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from pipeline.browse_articles import StoredArticles
from pipeline.browse_index import FACETS, SearchIndex
from pipeline.browse_names import country_name, language_name
from pipeline.browse_search import COUNTED, Hit, facet, marked, read_question, search, snippet, story, versions
from pipeline.browse_words import read_search
from pipeline.text_diff import compare
from transforms.schema import columns

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
HOSTS = ("127.0.0.1", "localhost")
RELOAD_S = 2
# The columns that tell where an article comes from, in the order in which one would ask.
PROVENANCE = (
    "url", "source_url", "final_url", "guid", "feed_id", "publisher_domain", "publisher_country", "published_at",
    "published_raw",
    "published_precision", "published_source", "modified_at", "first_seen_at", "fetched_at", "language_source",
    "text_source", "extraction_method", "access", "agency", "is_wire_copy", "section", "keywords", "image_url",
    "raw_ref", "run_id", "tags_version", "content_hash", "article_id", "cluster_id", "schema_version",
)  # fmt: skip
FILTERS = {
    "q": "words", "since": "from", "until": "to", "publisher": "publisher", "country": "about", "mention": "mentions",
    "topic": "topic", "person": "person", "organization": "organisation", "language": "language",
    "copies": "without copies", "versions": "with earlier versions",
}  # fmt: skip


class Keeper(Protocol):
    """What keeps the index in step."""

    is_busy: bool
    error: str | None

    def look_again(self, *, is_index_doubtful: bool) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """A filter in force: its name, its value as shown, and the address without it."""

    name: str
    shown: str
    without: str


def make_app(index: SearchIndex, keeper: Keeper, stored: StoredArticles) -> Flask:
    """The application over `index`."""
    app = Flask(__name__, template_folder="pages", static_folder=None)
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters |= {"country": country_name, "language": language_name, "link": http_link, "show": _shown}

    @app.before_request
    def refuse_strangers() -> None:
        host, _, port = request.headers.get("Host", "").rpartition(":")
        if (host or port) not in HOSTS or (host and port != request.environ["SERVER_PORT"]):
            abort(421, "This page is served to its own address alone.")

    @app.after_request
    def harden(response: Response) -> Response:
        response.headers.update(HEADERS)
        return response

    @app.context_processor
    def common() -> dict[str, Any]:
        return {"root": index.dataset.root.resolve().name, "index": index, "keeper": keeper}

    @app.errorhandler(HTTPException)
    def show_error(error: HTTPException) -> tuple[str, int]:
        return render_template("browse_error.html", error=error), error.code or 500

    @app.errorhandler(duckdb.IOException)
    @app.errorhandler(sqlite3.DatabaseError)
    def show_moved(error: Exception) -> tuple[str, int, Mapping[str, str]]:
        """Compaction or a new index took away what was about to be read: a moment later all is in place again."""
        keeper.look_again(is_index_doubtful=isinstance(error, sqlite3.DatabaseError))
        return render_template("browse_moved.html", error=error), 503, {"Refresh": str(RELOAD_S)}

    get: dict[str, Any] = {"methods": ["GET"], "provide_automatic_options": False}

    @app.route("/<any('page.css', 'browse.css', 'icon.svg'):name>", **get)
    def static_file(name: str) -> Response:
        kind = "image/svg+xml" if name.endswith("svg") else "text/css"
        with app.open_resource(f"pages/{name}") as file:
            return Response(file.read(), mimetype=kind)

    @app.route("/", **get)
    def find() -> str:
        question = read_question(request.args)
        phrases = read_search(question.q).phrases()
        with index.reading() as db:
            page = search(db, question)
            facets = {kind: facet(db, kind, limit) for kind, limit in FACETS.items()}
        texts = stored.texts(page.hits)
        shown = []
        for hit in page.hits:
            text, description = texts.get((hit.article_id, hit.version), ("", None))
            lead = snippet(text, phrases) if phrases or not description else snippet(description, ())
            shown.append((hit, marked(hit.title or "", phrases), lead))
        return render_template(
            "browse_find.html",
            question=question,
            page=page,
            counted=COUNTED,
            hits=shown,
            facets=facets,
            filters=_filters(question, {value: label for value, label, _ in facets["topic"]}),
        )

    @app.route("/article/<article_id>", **get)
    def article(article_id: str) -> str:
        phrases = read_search(request.args.get("q", "")).phrases()
        with index.reading() as db:
            known = versions(db, article_id)
            hit = _version(known, request.args.get("version", ""))
            row = stored.article(hit)
            copies = story(db, row["cluster_id"]) if row else []
        if row is None:
            abort(404, "The index knows this article, the dataset no longer does.")
        return render_template(
            "browse_article.html",
            row=row,
            hit=hit,
            versions=known,
            copies=[copy for copy in copies if len(copies) > 1],
            title=marked(row["title"] or "", phrases),
            paragraphs=[marked(line, phrases) for line in row["text"].split("\n")],
            provenance=[(name, _PROVENANCE_OF[name].description, row[name]) for name in PROVENANCE if name in row],
            q=request.args.get("q", ""),
        )

    @app.route("/article/<article_id>/changes", **get)
    def changes(article_id: str) -> str | AnyResponse:
        with index.reading() as db:
            known = versions(db, article_id)
        old, new = (_version(known, request.args.get(name, "")) for name in ("from", "to"))
        return _comparison(stored, old, new, versions=known)

    @app.route("/compare/<one>/<other>", **get)
    def compare_copies(one: str, other: str) -> str | AnyResponse:
        with index.reading() as db:
            hits = [_version(versions(db, article_id), "") for article_id in (one, other)]
        return _comparison(stored, hits[0], hits[1], versions=[])

    return app


_PROVENANCE_OF = columns("articles")


def http_link(address: str | None) -> str | None:
    """`address` where it may be followed from a page: http or https with a host, else None."""
    try:
        parts = urlsplit(address or "")
    except ValueError:
        return None
    return address if parts.scheme in ("http", "https") and parts.hostname else None


def _comparison(stored: StoredArticles, old: Hit, new: Hit, versions: Sequence[Hit]) -> str | AnyResponse:
    rows = [stored.article(hit) for hit in (old, new)]
    if old is new or not all(rows):
        return redirect(url_for("article", article_id=new.article_id))
    before, after = (row or {} for row in rows)
    return render_template(
        "browse_changes.html",
        old=old,
        new=new,
        before=before,
        after=after,
        versions=versions,
        title=compare(before["title"] or "", after["title"] or ""),
        text=[(op, piece.replace("\n", "\n\n")) for op, piece in compare(before["text"], after["text"])],
    )


def _version(known: Sequence[Hit], asked: str) -> Hit:
    """The version asked for, the newest where none is; 404 where there is no such."""
    if not known:
        abort(404, "No article has this id. It may have been erased, or the index is still being built.")
    if not asked:
        return known[-1]
    found = next((hit for hit in known if str(hit.version) == asked), None)
    return found or abort(404, "This article has no such version.")


def _filters(question: Any, topics: Mapping[str, str]) -> list[Filter]:
    show = {"country": country_name, "mention": country_name, "language": language_name}
    show["topic"] = lambda value: topics.get(value or "", value or "")
    found = []
    for name, label in FILTERS.items():
        if value := getattr(question, name):
            shown = "" if name in ("copies", "versions") else show.get(name, str)(value)
            found.append(Filter(name=label, shown=shown, without=question.address(**{name: ""})))
    return found


def _shown(value: Any) -> str:
    """A cell of the provenance table."""
    if value is None or value == []:
        return "unknown"
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if hasattr(value, "isoformat"):
        return f"{value:%Y-%m-%d %H:%M:%S} UTC"
    return str(value)
