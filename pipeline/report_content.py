"""What a dataset's articles are about, as cubes: how many, where, which topics and names, the largest stories.

An article counts once, in its newest version, on the day it was first seen. DuckDB streams over the Parquet files;
what is kept is bounded by the numbers below, never by the rows. Names are counted by the articles that mention them:
those mentioned in most articles, and each publisher's own.
"""

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import duckdb

from pipeline.cubes import (
    LANGUAGES,
    MOST_STEPS,
    MOST_UNITS,
    PUBLISHERS,
    UNITS_DAYS,
    Frame,
    label,
    pack,
    rows,
    unit_of,
)

MOST_CELLS = 60_000  # of a cube; time is cut more coarsely until all keep to it
MOST_ARTICLE_CELLS = 30_000  # of the one with more numbers a cell
VALUES, VALUES_OF_PUBLISHER = 60, 4  # of names told apart: so many of all, and so many of each publisher
STORIES, STORIES_OF_PUBLISHER, CANDIDATE_STORIES = 60, 4, 2_000
COPIES_OF_STORY = 12
TITLE_CHARACTERS, URL_CHARACTERS = 160, 500


@dataclass(frozen=True, slots=True)
class Facet:
    """A list column whose values are counted: `value` is SQL of an element `x`; `all_values` keeps every value."""

    name: str
    column: str
    value: str
    all_values: bool = False


FACETS = (
    Facet("mentioned", "countries", "x.code", all_values=True),
    Facet("topics", "topics", "x.name"),
    Facet("people", "people", "x.name"),
    Facet("organizations", "organizations", "x.name"),
    Facet("places", "places", "x.name || coalesce(', ' || x.country, '')"),
)
CUBES = ("about", *(facet.name for facet in FACETS))
COUNTS = {
    "n": "count(*)",
    "words": "sum(word_count)",
    "authors": "count_if(len(authors) > 0)",
    "dates": "count_if(published_at IS NOT NULL)",
    "wire": "count_if(is_wire_copy)",
    "copies": "count_if(duplicate_of IS NOT NULL)",
}  # of articles, in the order in which the page reads them


def prepare(db: duckdb.DuckDBPyConnection) -> None:
    """Make the view `latest`: articles in their newest version, with `day`, the publisher's name and the language."""
    db.execute("""
        CREATE TEMP TABLE newest AS
            SELECT article_id, max(version) AS version FROM articles WHERE version > 1 GROUP BY article_id;
        CREATE TEMP VIEW latest AS
            SELECT a.*, CAST(a.first_seen_at AS DATE) AS day, coalesce(a.publisher, a.publisher_domain) AS house,
                coalesce(a.language, 'und') AS tongue
            FROM articles AS a LEFT JOIN newest USING (article_id)
            WHERE a.version = coalesce(newest.version, 1)
    """)


def make_frame(db: duckdb.DuckDBPyConnection) -> Frame:
    """The axes: all days on which anything happened, the largest publishers and languages."""
    spans = [
        rows(db, f"SELECT CAST(min({instant}) AS DATE), CAST(max({instant}) AS DATE) FROM {dataset}")[0]
        for dataset, instant in (("articles", "first_seen_at"), ("rejects", "seen_at"), ("fetches", "fetched_at"))
    ]
    days = [day for span in spans for day in span if day is not None] or [date(1970, 1, 1)]
    for table, column, most in (("houses", "house", PUBLISHERS), ("tongues", "tongue", LANGUAGES)):
        db.execute(f"""
            CREATE TEMP TABLE {table} AS
                SELECT {column}, CAST(row_number() OVER (ORDER BY n DESC, {column}) - 1 AS INT) AS i
                FROM (SELECT {column}, count(*) AS n FROM latest GROUP BY {column})
                ORDER BY n DESC, {column} LIMIT {most}
        """)
    return Frame(
        first_day=min(days),
        last_day=max(days),
        unit_days=unit_of(min(days), max(days), MOST_UNITS),
        step_days=unit_of(min(days), max(days), MOST_STEPS),
        publishers=tuple(name for (name,) in rows(db, "SELECT house FROM houses ORDER BY i")),
        languages=tuple(name for (name,) in rows(db, "SELECT tongue FROM tongues ORDER BY i")),
    )


def count_articles(db: duckdb.DuckDBPyConnection, frame: Frame) -> Frame:
    """Count articles, countries, topics and names into tables of their own; gives the frame, coarse enough for them."""
    house, tongue = _axes(frame)
    db.execute(f"""
        CREATE TEMP TABLE counted AS
            SELECT day, {house} AS p, {tongue} AS l, {", ".join(f"{sql} AS {name}" for name, sql in COUNTS.items())}
            FROM latest {_JOIN_AXES} GROUP BY ALL
    """)
    about = "(SELECT house, tongue, day, primary_country AS value FROM latest WHERE primary_country IS NOT NULL)"
    _count(db, frame, "about", about)
    for facet in FACETS:
        values = f"list_distinct(list_transform({facet.column}, lambda x: {facet.value}))"  # an article counts once
        source = f"(SELECT house, tongue, day, unnest({values}) AS value FROM latest)"
        _count(db, frame, facet.name, source if facet.all_values else _of_the_chosen(db, facet.name, source))
    while (
        frame.unit_days < UNITS_DAYS[-1]
        and _cells(db, f"{frame.unit_sql('day')}, p, l FROM counted") > MOST_ARTICLE_CELLS
    ):
        frame = replace(frame, unit_days=_coarser(frame.unit_days))
    frame = replace(frame, step_days=max(frame.unit_days, frame.step_days))
    while frame.step_days < UNITS_DAYS[-1] and any(
        _cells(db, f"{frame.step_sql('day')}, p, l, v FROM {name}") > MOST_CELLS for name in CUBES
    ):
        frame = replace(frame, step_days=_coarser(frame.step_days))
    return frame


def content(db: duckdb.DuckDBPyConnection, frame: Frame) -> dict[str, Any]:
    """All that the page's first half shows, ready for JSON. Call `count_articles` before, whose frame it takes."""
    sizes = (len(frame.publishers) + 1, len(frame.languages) + 1)
    sums = ", ".join(f"CAST(sum({name}) AS BIGINT)" for name in COUNTS)
    articles = rows(db, f"SELECT {frame.unit_sql('day')}, p, l, {sums} FROM counted GROUP BY ALL")
    versions, publishers, stories = rows(
        db,
        """
        SELECT (SELECT count(*) FROM articles WHERE version > 1), count(DISTINCT house), count(DISTINCT cluster_id)
        FROM latest
        """,
    )[0]
    return {
        "articles": pack(articles, (frame.units, *sizes)),
        **{name: _cube(db, frame, name) for name in CUBES},
        "stories": _stories(db, frame),
        "totals": {"versions": versions, "publishers": publishers, "stories": stories},
    }


_JOIN_AXES = "LEFT JOIN houses USING (house) LEFT JOIN tongues USING (tongue)"


def _axes(frame: Frame) -> tuple[str, str]:
    """SQL of the numbers of publisher and language; what is not told apart comes after those that are."""
    return f"coalesce(houses.i, {len(frame.publishers)})", f"coalesce(tongues.i, {len(frame.languages)})"


def _count(db: duckdb.DuckDBPyConnection, frame: Frame, name: str, source: str) -> None:
    house, tongue = _axes(frame)
    db.execute(f"""
        CREATE TEMP TABLE {name} AS
            SELECT day, {house} AS p, {tongue} AS l, value AS v, count(*) AS n FROM {source} {_JOIN_AXES} GROUP BY ALL
    """)


def _of_the_chosen(db: duckdb.DuckDBPyConnection, name: str, source: str) -> str:
    """SQL of the rows of `source` whose value is among the most frequent, of all or of a publisher told apart."""
    db.execute(f"""
        CREATE TEMP TABLE by_house AS SELECT house, value, count(*) AS n FROM {source} GROUP BY ALL;
        CREATE TEMP TABLE chosen_{name} AS
            (SELECT value FROM by_house GROUP BY value ORDER BY sum(n) DESC, value LIMIT {VALUES})
            UNION
            (SELECT value FROM by_house SEMI JOIN houses USING (house)
             QUALIFY row_number() OVER (PARTITION BY house ORDER BY n DESC, value) <= {VALUES_OF_PUBLISHER});
        DROP TABLE by_house
    """)
    return f"(FROM {source} SEMI JOIN chosen_{name} USING (value))"


def _cells(db: duckdb.DuckDBPyConnection, axes_from_table: str) -> int:
    return int(rows(db, f"SELECT count(*) FROM (SELECT DISTINCT {axes_from_table})")[0][0])


def _coarser(days: int) -> int:
    return UNITS_DAYS[UNITS_DAYS.index(days) + 1]


def _cube(db: duckdb.DuckDBPyConnection, frame: Frame, name: str) -> dict[str, Any]:
    values = [value for (value,) in rows(db, f"SELECT v FROM {name} GROUP BY v ORDER BY sum(n) DESC, v")]
    number = {value: i for i, value in enumerate(values)}
    cells = rows(db, f"SELECT {frame.step_sql('day')}, p, l, v, CAST(sum(n) AS BIGINT) FROM {name} GROUP BY ALL")
    sizes = (frame.steps, len(frame.publishers) + 1, len(frame.languages) + 1, max(1, len(values)))
    placed = ((t, house, tongue, number[value], n) for t, house, tongue, value, n in cells)
    return {"labels": [label(value) for value in values], **pack(placed, sizes)}


def _stories(db: duckdb.DuckDBPyConnection, frame: Frame) -> list[dict[str, Any]]:
    """The largest groups of copies, of all and of each publisher: who printed how many, when, and the first of them."""
    house, tongue = _axes(frame)
    db.execute(f"""
        CREATE TEMP TABLE clusters AS
            SELECT cluster_id, count(*) AS size, max(first_seen_at) AS latest_at FROM latest
            GROUP BY cluster_id HAVING count(*) > 1 ORDER BY size DESC, latest_at DESC LIMIT {CANDIDATE_STORIES};
        CREATE TEMP TABLE members AS
            SELECT cluster_id, size, latest_at, title, url, house, agency, first_seen_at, duplicate_kind,
                duplicate_score, {frame.step_sql("day")} AS t, {house} AS p, {tongue} AS l
            FROM latest JOIN clusters USING (cluster_id) {_JOIN_AXES};
        CREATE TEMP TABLE told AS
            (SELECT cluster_id FROM clusters ORDER BY size DESC, latest_at DESC LIMIT {STORIES})
            UNION
            (SELECT cluster_id FROM (SELECT DISTINCT cluster_id, size, latest_at, p FROM members)
             QUALIFY row_number() OVER (PARTITION BY p ORDER BY size DESC, latest_at DESC) <= {STORIES_OF_PUBLISHER});
        DELETE FROM members WHERE cluster_id NOT IN (FROM told)
    """)
    agencies = rows(
        db,
        """
        SELECT cluster_id, arg_min(agency, first_seen_at) FROM members
        GROUP BY cluster_id, size, latest_at ORDER BY size DESC, latest_at DESC, cluster_id
        """,
    )
    stories: dict[str, dict[str, Any]] = {
        cluster: {"agency": label(agency) if agency else None, "counts": [], "copies": []}
        for cluster, agency in agencies
    }
    for cluster, *cell in rows(db, "SELECT cluster_id, t, p, l, count(*) FROM members GROUP BY ALL ORDER BY ALL"):
        stories[cluster]["counts"] += cell
    copies = rows(
        db,
        f"""
        SELECT cluster_id, title, url, house, first_seen_at, duplicate_kind, duplicate_score FROM members
        QUALIFY row_number() OVER (PARTITION BY cluster_id ORDER BY first_seen_at, url) <= {COPIES_OF_STORY}
        ORDER BY first_seen_at, url
        """,
    )
    for cluster, title, url, publisher, seen_at, kind, score in copies:
        told = {
            "title": label(title or "untitled", TITLE_CHARACTERS),
            "url": url if len(url) <= URL_CHARACTERS else None,
            "publisher": label(publisher),
            "at": f"{seen_at:%Y-%m-%d %H:%M}",
            "kind": kind,
            "score": None if score is None else round(score, 2),
        }
        stories[cluster]["copies"].append(told)
    return list(stories.values())
