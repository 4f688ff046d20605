"""The report: one HTML page with plots of what a dataset holds and of how its pipeline is, which loads nothing.

The page carries counts that it filters by itself (`cubes`), Vega, which draws, and the few texts it shows. Its content
security policy lets nothing be loaded, sent or evaluated: its own scripts and styles are named by their hashes. Texts
from the web are data to it, written as text, never as markup.
"""

import base64
import dataclasses
import hashlib
import html
import json
import tempfile
import time
from collections.abc import Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

import duckdb
import vl_convert

from pipeline.cubes import label
from pipeline.errors import QueryError
from pipeline.query import connect
from pipeline.report_content import content, count_articles, make_frame, prepare
from pipeline.report_health import health

PAGES = Path(str(resources.files("pipeline"))) / "pages"
SCRIPTS = tuple(f"report{part}.js" for part in ("-data", "-words", "-plots", "-content", "-health", ""))  # after Vega
STYLES = ("page.css", "report.css")


def write_report(root: Path, output: Path) -> int:
    """Write the report on the dataset at `root`; gives the size of the page in bytes. Raises `QueryError`."""
    page = report_page(gather(root), root.resolve().name).encode("utf-8")
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_bytes(page)
    return len(page)


def gather(root: Path, pauses_s: Sequence[float] = (0.5, 2, 5)) -> dict[str, Any]:
    """All that the page tells of the dataset at `root`, as plain data.

    Reads what is there: files that a compaction replaces meanwhile are listed again. Raises `QueryError`.
    """
    try:
        with connect(root) as db, tempfile.TemporaryDirectory() as spill:
            db.execute("SET preserve_insertion_order = false")
            db.execute("SET temp_directory = $1", [spill])  # DuckDB's own would be in the folder it is called from
            return _gathered(db, root)
    except duckdb.Error as error:
        if not pauses_s or "No such file" not in str(error):
            raise QueryError(f"{root}: {error}") from error
    time.sleep(pauses_s[0])
    return gather(root, pauses_s[1:])


def _gathered(db: duckdb.DuckDBPyConnection, root: Path) -> dict[str, Any]:
    prepare(db)
    frame = count_articles(db, make_frame(db))
    axes = dataclasses.asdict(frame) | {
        "first_day": str(frame.first_day),
        "last_day": str(frame.last_day),
        "origin": str(frame.origin),
        "units": frame.units,
        "steps": frame.steps,
        "publishers": [label(name) for name in frame.publishers],
    }
    return {"frame": axes, **content(db, frame), **health(db, root, frame)}


def report_page(found: dict[str, Any], name: str) -> str:
    """The page that shows `found`, of the dataset called `name`."""
    found = found | {"world": json.loads((PAGES / "world.json").read_text("utf-8"))}
    style = "\n".join((PAGES / file).read_text("utf-8") for file in STYLES)
    scripts = [_vega(), *((PAGES / file).read_text("utf-8") for file in SCRIPTS)]
    allowed = " ".join(_hash(script) for script in scripts)
    policy = f"default-src 'none'; script-src {allowed}; style-src {_hash(style)}; base-uri 'none'; form-action 'none'"
    # "<" is the one character that could end the element; in JSON it may be written so anywhere it can stand
    data = json.dumps(found, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    return Template((PAGES / "report.html").read_text("utf-8")).substitute(
        policy=policy,
        name=html.escape(name),
        style=style,
        data=data,
        scripts="\n".join(f"<script>{script}</script>" for script in scripts),
        files=html.escape(name),
    )


@cache
def _vega() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script, from the package that carries them."""
    script: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    return f"(() => {{{script}\n}})();"  # its hundreds of short names stay its own


def _hash(text: str) -> str:
    """A script or style as a content security policy names it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode('ascii')}'"
