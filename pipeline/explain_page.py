"""An explanation as one page of HTML that loads and runs nothing, to keep beside a bug report.

Everything from the web is escaped by the template; the policy in its head allows the one style sheet it carries.
"""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pipeline.browse_names import country_name, language_name
from pipeline.explain import Explanation
from pipeline.text_diff import Piece, compare
from transforms.arrow_schema import to_row
from transforms.claims import Claim
from transforms.schema import Article, columns
from transforms.taggers import Evidence

PAGES = Path(__file__).parent / "pages"
KINDS = {  # how evidence is told apart: first word of the tag, class of the mark, name above the text
    "country": "place", "place": "place", "person": "person", "organization": "organization", "topic": "topic",
    "quote": "quote",
}  # fmt: skip
LEGEND = {
    "place": "Countries and places", "person": "People", "organization": "Organisations", "topic": "Topics",
    "quote": "Quotes",
}  # fmt: skip
SHARED_WORDS = 4  # a passage of fewer words is shared by chance
STEPS = ("fetch", "clean", "deduplicate", "tag", "row")


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """The evidence that stands at one place of the title or text, under one number."""

    number: int
    part: str
    start: int
    end: int
    surface: str
    evidence: Sequence[Evidence]

    @property
    def kinds(self) -> list[str]:
        return sorted({kind_of(found) for found in self.evidence})

    @property
    def hint(self) -> str:
        return "\n".join(f"{found.tag}: {found.rule}" for found in self.evidence)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A stretch of text under the same notes, and those that end with it."""

    text: str
    notes: Sequence[Note]
    ending: Sequence[Note]

    @property
    def kinds(self) -> str:
        return " ".join(sorted({kind for note in self.notes for kind in note.kinds}))

    @property
    def hint(self) -> str:
        return "\n".join(note.hint for note in self.notes)


def explanation_page(told: Explanation) -> str:
    """The page. Deterministic: the same explanation gives the same text."""
    style = "".join((PAGES / name).read_text("utf-8") for name in ("page.css", "explain.css"))
    environment = Environment(
        loader=FileSystemLoader(PAGES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"country": country_name, "language": language_name, "cell": _cell}
    article, verdict = told.article, told.verdict
    other = verdict.other if verdict else None
    notes = notes_of(told.evidence)
    return environment.get_template("explain.html").render(
        policy=f"default-src 'none'; style-src '{_sha256(style)}'; base-uri 'none'; form-action 'none'",
        style=style,
        told=told,
        article=article,
        fields=_fields(told.claims, article) if article else [],
        gone=sum(1 for line in told.lines if line.removed),
        pieces=compare(other.text, article.text) if other and article else [],
        is_shared=is_shared,
        notes=notes,
        title=stretches(article.title or "", "title", notes) if article else [],
        paragraphs=paragraphs(article.text, notes) if article else [],
        legend=[(kind, label) for kind, label in LEGEND.items() if any(kind in note.kinds for note in notes)],
        row=_row(article) if article else [],
    )


def kind_of(found: Evidence) -> str:
    """What a piece of evidence speaks for, as its mark's class."""
    return KINDS.get(found.tag.split(" ", 1)[0], "topic")


def notes_of(evidence: Iterable[Evidence]) -> list[Note]:
    """Evidence by place, in the order of reading. The dateline is the beginning of the text. Keywords are left to the
    row, for they would cut names in two, and so are counts of the whole text."""
    places: dict[tuple[bool, int, int], list[Evidence]] = {}
    for found in evidence:
        if found.tag.startswith(("keyword ", "sentences ", "reading ")):
            continue
        place = (found.part != "title", found.start, found.start + len(found.surface))
        places.setdefault(place, []).append(found)
    return [
        Note(
            number=number,
            part="text" if in_text else "title",
            start=start,
            end=end,
            surface=found[0].surface,
            evidence=found,
        )
        for number, ((in_text, start, end), found) in enumerate(sorted(places.items(), key=lambda item: item[0]), 1)
    ]


def stretches(text: str, part: str, notes: Iterable[Note], start: int = 0) -> list[Stretch]:
    """`text`, which begins `start` characters into the part, cut wherever a note begins or ends."""
    end = start + len(text)
    here = [note for note in notes if note.part == part and note.start < end and note.end > start]
    cuts = sorted({start, end} | {place for note in here for place in (note.start, note.end) if start < place < end})
    return [
        Stretch(
            text=text[left - start : right - start],
            notes=[note for note in here if note.start <= left and note.end >= right],
            ending=[note for note in here if note.end == right or (note.end > end and right == end)],
        )
        for left, right in pairwise(cuts)
    ]


def paragraphs(text: str, notes: Sequence[Note]) -> list[list[Stretch]]:
    """The stretches of each line of the text."""
    found, at = [], 0
    for line in text.split("\n"):
        found.append(stretches(line, "text", notes, at))
        at += len(line) + 1
    return found


def is_shared(piece: Piece) -> bool:
    """Whether a piece of a comparison is a passage that both texts share, not words they have in common by chance."""
    return piece[0] == "same" and (len(piece[1].split()) >= SHARED_WORDS or len(piece[1]) >= 8 * SHARED_WORDS)


def _fields(claims: Sequence[Claim], article: Article) -> list[tuple[str, str, list[Claim]]]:
    """Each field with its value and what the sources say of it."""
    names = list(dict.fromkeys(claim.field for claim in claims))
    row = to_row(article)
    return [(name, _cell(row[name]), [claim for claim in claims if claim.field == name]) for name in names]


def _row(article: Article) -> list[tuple[str, str, str]]:
    """Name, description and value of each column as it would be stored."""
    row = to_row(article)
    return [(name, column.description, _cell(row[name])) for name, column in columns("articles").items()]


def _cell(value: Any) -> str:
    """A value of a row in words."""
    if value is None or value == []:
        return ""
    if isinstance(value, bytes):
        return value.hex()[:64]
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return "; ".join(map(_cell, value))
    if isinstance(value, dict):
        return ", ".join(_cell(part) for part in value.values() if part is not None)
    if hasattr(value, "isoformat"):
        return f"{value:%Y-%m-%d %H:%M:%S} UTC"
    return str(value)


def _sha256(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
