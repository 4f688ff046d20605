"""The report: its numbers are the dataset's, its filters work, it loads nothing, and nothing in it comes alive."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.cubes import UNITS_DAYS, Frame, label, pack, unit_of
from pipeline.errors import QueryError
from pipeline.query import connect
from pipeline.report_page import gather, report_page, write_report
from tests.articles import NOON, make_article, make_fetch, make_reject
from tests.benchmarks.invented_dataset import write_dataset
from tests.browser import Browser, file_address
from transforms.partitions import write_parts
from transforms.schema import CountryMention, NameMention, PlaceMention, Row, Topic
from transforms.settings import WriteSettings

if TYPE_CHECKING:
    from playwright.sync_api import Page

EVIL = "</script><img src=x onerror=\"document.title='owned'\"><b>bold</b>"
TURNED = "moc.elpmaxe\u202e/evil"


@pytest.fixture(scope="module")
def invented(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty days of an invented news world."""
    root = tmp_path_factory.mktemp("invented") / "news"
    write_dataset(root, articles=800, days=20)
    return root


@pytest.fixture(scope="module")
def report(invented: Path) -> Path:
    """The report on it."""
    output = invented.parent / "report.html"
    write_report(invented, output)
    return output


@pytest.fixture
def db(invented: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with connect(invented) as db:
        yield db


def dataset(root: Path, *rows: Row, **manifest: object) -> Path:
    """A dataset of these rows and one run."""
    parts = write_parts(rows, root, "r", WriteSettings())
    (root / "runs").mkdir(parents=True)
    told = {"run_id": "20260301T120000Z-000000", "started_at": "2026-03-01T12:00:00+00:00", "entries": len(rows)}
    told |= {"finished_at": "2026-03-01T12:05:00+00:00", "files": [part.path for part in parts], **manifest}
    (root / "runs" / f"{told['run_id']}.json").write_text(json.dumps(told))
    return root


def cells(cube: dict[str, list[int]], sizes: tuple[int, ...], numbers: int) -> list[tuple[int, ...]]:
    """What the page reads from a cube."""
    found, place = [], 0
    for i, step in enumerate(cube["keys"]):
        place += step
        rest, coordinates = place, []
        for size in reversed(sizes):
            rest, coordinate = divmod(rest, size)
            coordinates.append(coordinate)
        found.append((*reversed(coordinates), *cube["values"][i * numbers : (i + 1) * numbers]))
    return found


# --------------------------------------------------------------------------- cubes


@given(
    st.dictionaries(
        st.tuples(st.integers(0, 99), st.integers(0, 20), st.integers(0, 4)), st.tuples(st.integers(), st.integers())
    )
)
def test_a_packed_cube_is_read_back_as_it_was(cube: dict[tuple[int, int, int], tuple[int, int]]) -> None:
    given_cells = [(*place, *numbers) for place, numbers in cube.items()]
    assert cells(pack(given_cells, (100, 21, 5)), (100, 21, 5), 2) == sorted(given_cells)


@given(st.dates(date(1990, 1, 1), date(2100, 1, 1)), st.integers(0, 36_000), st.sampled_from(UNITS_DAYS))
def test_steps_cover_all_days_and_the_last_one_is_whole(first: date, days: int, step: int) -> None:
    last = first + timedelta(days=days)
    frame = Frame(first_day=first, last_day=last, unit_days=1, step_days=step, publishers=(), languages=())
    assert frame.origin <= first < frame.origin + timedelta(days=step)
    assert frame.origin + timedelta(days=frame.steps * step - 1) == last


def test_units_are_the_shortest_that_are_few_enough() -> None:
    first = date(2026, 1, 1)
    assert [unit_of(first, first + timedelta(days=days - 1), 100) for days in (1, 100, 101, 701, 99_999)] == [
        1, 1, 7, 28, 3360,
    ]  # fmt: skip


def test_labels_are_one_line_without_what_turns_or_hides_text() -> None:
    assert label("a\u202eb\u2066c\n\x00d\ud800") == "abc d"
    assert label("x" * 500) == "x" * 119 + "…"


# --------------------------------------------------------------------------- numbers


def test_an_article_counts_once_in_its_newest_version_on_the_day_it_was_first_seen(tmp_path: Path) -> None:
    root = dataset(
        tmp_path / "data",
        make_article(people=(NameMention(name="Ada", mentions=1, score=1),)),
        make_article(version=2, word_count=40, fetched_at=NOON + timedelta(days=3)),
        make_article(url="https://b.example/1", publisher="Courier", first_seen_at=NOON + timedelta(days=1)),
    )
    found = gather(root)
    assert found["frame"]["publishers"] == ["Courier", "harbour-courier.example"]
    assert cells(found["articles"], (found["frame"]["units"], 3, 2), 6) == [
        (0, 1, 0, 1, 40, 0, 0, 0, 0),
        (1, 0, 0, 1, 16, 0, 0, 0, 0),
    ]
    assert found["people"]["labels"] == []
    assert found["totals"] == {"versions": 1, "publishers": 2, "stories": 2}


def test_publishers_not_told_apart_are_counted_together(tmp_path: Path) -> None:
    rows = [make_article(url=f"https://p{i}.example/{i}", publisher=f"Paper {i:02d}") for i in range(25)]
    found = gather(dataset(tmp_path / "data", *rows))
    assert len(found["frame"]["publishers"]) == 20
    assert [cell[1:4] for cell in cells(found["articles"], (1, 21, 2), 6)][-1] == (20, 0, 5)
    assert found["totals"]["publishers"] == 25


def test_each_publisher_has_its_own_names_among_those_told_apart(tmp_path: Path) -> None:
    def mention(name: str) -> tuple[NameMention, ...]:
        return (NameMention(name=name, mentions=1, score=1.0),)

    many = [make_article(url=f"https://a.example/{i}", publisher="A", people=mention(f"P{i // 2}")) for i in range(200)]
    one = make_article(url="https://b.example/1", publisher="B", people=mention("Only Here"))
    labels = gather(dataset(tmp_path / "data", *many, one))["people"]["labels"]
    assert "Only Here" in labels
    assert len(labels) <= 65


def test_an_article_counts_once_for_a_name_it_holds_twice(tmp_path: Path) -> None:
    twins = tuple(PlaceMention(name="Springfield", country="US", geoname_id=i) for i in (1, 2))
    places = gather(dataset(tmp_path / "data", make_article(places=twins)))["places"]
    assert (places["labels"], places["values"]) == (["Springfield, US"], [1])


def test_time_is_cut_more_coarsely_when_there_are_many_days(tmp_path: Path) -> None:
    days = [NOON + timedelta(days=40 * i) for i in range(30)]
    rows = [make_article(url=f"https://a.example/{i}", first_seen_at=day) for i, day in enumerate(days)]
    frame = gather(dataset(tmp_path / "data", *rows))["frame"]
    assert (frame["unit_days"], frame["step_days"]) == (7, 28)
    assert frame["units"] * 7 == frame["steps"] * 28


def test_stories_tell_who_printed_how_many_and_the_first_copies(tmp_path: Path) -> None:
    first = make_article(agency="Coast News Agency")
    copies = [
        make_article(
            url=f"https://c{i}.example/1",
            publisher=f"Copy {i}",
            cluster_id=first.article_id,
            duplicate_of=first.article_id,
            duplicate_kind="near",
            duplicate_score=0.75,
            first_seen_at=NOON + timedelta(minutes=i + 1),
        )
        for i in range(14)
    ]
    [story] = gather(dataset(tmp_path / "data", first, *copies, make_article(url="https://d.example/")))["stories"]
    assert sum(story["counts"][3::4]) == 15
    assert len(story["copies"]) == 12
    assert story["agency"] == "Coast News Agency"
    assert story["copies"][0] | {"title": ""} == {
        "title": "", "url": first.url, "publisher": "harbour-courier.example", "at": "2026-03-01 12:00",
        "kind": None, "score": None,
    }  # fmt: skip


def test_feeds_that_fail_are_silent_or_late_are_told_first(invented: Path) -> None:
    feeds = gather(invented)["feeds"]
    assert [(feed["state"], feed["publisher"]) for feed in feeds["listed"][:3]] == [
        ("failing", "Fjordposten"), ("silent", "Kestrel Daily"), ("late", "Il Ponte Nuovo"),
    ]  # fmt: skip
    assert feeds["states"] == {"failing": 1, "silent": 1, "late": 1, "new": 0, "fine": 13}


def test_fetches_and_rejects_are_all_counted(invented: Path, db: duckdb.DuckDBPyConnection) -> None:
    found = gather(invented)
    for cube, numbers, table in (("by_outcome", 2, "fetches"), ("by_latency", 1, "fetches")):
        assert sum(found["hosts"][cube]["values"][::numbers]) == db.sql(f"FROM {table}").count("*").fetchall()[0][0]
    assert sum(found["rejects"]["values"]) == db.sql("FROM rejects").count("*").fetchall()[0][0]


# --------------------------------------------------------------------------- the page as a file


def test_the_page_names_no_address_to_load_and_allows_its_own_scripts_alone(report: Path) -> None:
    page = report.read_text()
    markup = re.sub(r"(<script[^>]*>).*?</script>", r"\1", page, flags=re.DOTALL)
    assert re.findall(r"<(?:script|link|img|iframe|object)[^>]*(?:src|href)=", markup) == []
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy
    assert policy[1].startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy[1]
    assert len(page) < 2_000_000


def test_data_cannot_end_its_element(tmp_path: Path) -> None:
    found = gather(dataset(tmp_path / "data", make_article(publisher=EVIL)))
    page = report_page(found, EVIL)
    held = page.split('<script type="application/json" id="data">')[1].split("</script>")[0]
    assert json.loads(held)["frame"]["publishers"] == [label(EVIL)]
    assert EVIL not in page


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    root = dataset(tmp_path / "data", make_article())
    damaged = next((root / "articles").glob("*/*.parquet"))
    damaged.write_bytes(b"PAR1 no more")
    with pytest.raises(QueryError, match=damaged.name):
        write_report(root, tmp_path / "report.html")
    assert not (tmp_path / "report.html").exists()


def test_the_command_writes_the_page_and_says_how_large_it_is(tmp_path: Path) -> None:
    root, output = dataset(tmp_path / "data", make_article()), tmp_path / "pages" / "report.html"
    command = [sys.executable, "-m", "pipeline", "report", str(root), "-o", str(output)]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (told.stdout, told.stderr) == (f"{output}: 1.0 MB\n", "")
    assert output.read_text().startswith("<!doctype html>")


# --------------------------------------------------------------------------- the page in a browser


def drawn(page: "Page") -> "Page":
    page.wait_for_selector("html[data-drawn=yes]", state="attached")
    return page


def choose(page: "Page", field: str, value: str) -> None:
    page.select_option(f"#{field}", label=value)
    drawn(page)


def numbers(page: "Page", plot: str) -> list[list[str]]:
    """The rows of a plot's table of numbers."""
    details = page.locator(f"#{plot} details.numbers")
    if details.get_attribute("open") is None:
        details.locator("summary").click()
    details.locator("table").wait_for()
    return [row.split("\t") for row in details.locator("tbody tr").all_inner_texts()]


def headline(page: "Page", name: str) -> str:
    return page.locator("#headlines div", has=page.locator(f"dt:text-is('{name}')")).locator("dd").inner_text()


PLOTS = (
    "articles", "map", "topics", "topics-time", "people", "organizations", "places", "wire", "copies-time", "runs",
    "rejects", "drift-words", "drift-authors", "drift-dates", "outcomes", "latency",
)  # fmt: skip


@pytest.mark.browser
@pytest.mark.parametrize(("width", "dark"), [(1400, False), (360, True)])
def test_every_plot_is_drawn_labelled_and_inside_the_window(
    browser: Browser, report: Path, width: int, dark: bool
) -> None:
    page = drawn(browser.open(file_address(report), width=width, dark=dark))
    for plot in PLOTS:
        box = page.locator(f"#{plot} svg").bounding_box()
        assert box, plot
        assert box["width"] > 150, plot
        assert box["height"] > 60, plot
        assert page.locator(f"#{plot} svg").get_attribute("aria-label"), plot
        assert page.locator(f"#{plot} svg [aria-roledescription]").count() > 2, plot
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert browser.complaints == []
    assert browser.requests == [file_address(report)]


@pytest.mark.browser
def test_the_numbers_are_those_of_the_dataset(browser: Browser, report: Path, db: duckdb.DuckDBPyConnection) -> None:
    page = drawn(browser.open(file_address(report)))
    total = db.sql("FROM articles").count("*").fetchall()[0][0]
    assert headline(page, "Articles").startswith(f"{total:,}\n")
    assert sum(int(row[2]) for row in numbers(page, "articles")) == total
    for plot, sql in (
        ("map", "SELECT primary_country, count(*) FROM articles GROUP BY 1"),
        (
            "people",
            "SELECT x.name, count(DISTINCT url) FROM (SELECT url, unnest(people) AS x FROM articles) GROUP BY 1",
        ),
        ("topics", "SELECT x.name, count(*) FROM (SELECT unnest(topics) AS x FROM articles) GROUP BY 1"),
        ("rejects", "SELECT reason, count(*) FROM rejects GROUP BY 1"),
    ):
        counted = {name: f"{n:,}" for name, n in db.execute(sql).fetchall()}
        shown = {row[-2] if plot in ("map", "people", "topics") else row[0]: row[-1] for row in numbers(page, plot)}
        assert shown
        assert shown.items() <= counted.items(), plot


@pytest.mark.browser
def test_filters_change_all_plots_of_the_content(browser: Browser, report: Path, db: duckdb.DuckDBPyConnection) -> None:
    page = drawn(browser.open(file_address(report)))
    before = {plot: numbers(page, plot) for plot in ("articles", "map", "topics", "topics-time", "people", "places")}
    choose(page, "publisher", "Harbour Courier")
    choose(page, "from", "2026-01-10")
    choose(page, "to", "2026-01-16")
    db.execute(
        "CREATE VIEW chosen AS FROM articles WHERE publisher = 'Harbour Courier'"
        " AND first_seen_at BETWEEN '2026-01-10' AND '2026-01-17'"
    )
    [(total,)] = db.execute("SELECT count(*) FROM chosen").fetchall()
    assert total > 5
    assert headline(page, "Articles").startswith(f"{total}\n")
    assert sum(int(row[2]) for row in numbers(page, "articles")) == total
    [(top, mentions)] = db.execute(
        "SELECT x.name, count(DISTINCT url) AS n FROM (SELECT url, unnest(people) AS x FROM chosen)"
        " GROUP BY 1 ORDER BY n DESC, 1 LIMIT 1"
    ).fetchall()
    assert numbers(page, "people")[0] == [top, str(mentions)]
    names = page.locator("#people svg .role-axis-label text").all()
    from_the_top = sorted(names, key=lambda name: (name.bounding_box() or {})["y"])
    assert [name.text_content() for name in from_the_top] == [row[0] for row in numbers(page, "people")[:15]]
    assert all(numbers(page, plot) != rows for plot, rows in before.items())
    choose(page, "language", "Spanish")
    assert headline(page, "Articles").startswith("0\n")
    assert page.locator("#articles .empty").is_visible()
    page.click("button[type=reset]")
    page.wait_for_function("() => document.getElementById('shown').textContent === ''")
    assert {plot: numbers(drawn(page), plot) for plot in before} == before


@pytest.mark.browser
def test_a_story_opens_to_its_copies(browser: Browser, report: Path) -> None:
    page = drawn(browser.open(file_address(report)))
    story = page.locator("#stories li").first
    story.locator("summary").click()
    assert story.locator("tbody tr").count() > 1
    assert (story.locator("tbody a").first.get_attribute("href") or "").startswith("https://")


@pytest.mark.browser
def test_hostile_texts_stay_texts(browser: Browser, tmp_path: Path) -> None:
    names = (EVIL, TURNED, "__proto__", "constructor", "${7*7}", "{{7*7}}")
    evil = {
        "publisher": EVIL,
        "title": EVIL,
        "agency": TURNED,
        "language": "<i>",
        "primary_country": "<u>",
        "countries": tuple(CountryMention(code=name, mentions=1) for name in names),
        "people": tuple(NameMention(name=name, mentions=1, score=1.0) for name in names),
        "organizations": tuple(NameMention(name=name, mentions=1, score=1.0) for name in names),
        "places": tuple(PlaceMention(name=name, country=name) for name in names),
        "topics": tuple(Topic(id=name, name=name, score=1.0) for name in names),
    }
    first = make_article(url="javascript:document.title='owned'", feed_id=EVIL, **evil)
    copy = make_article(url="https://b.example/\"onmouseover=alert(1)'", **(evil | {"publisher": TURNED}))
    root = dataset(
        tmp_path / "data",
        first,
        make_article(**{name: getattr(copy, name) for name in copy.__slots__} | {"cluster_id": first.cluster_id}),
        make_reject(feed_id=EVIL, feed_url=EVIL, detail=EVIL),
        make_fetch(host=EVIL, url=EVIL, feed_id=EVIL, kind="feed", outcome=EVIL),
        alarms=[EVIL],
    )
    write_report(root, tmp_path / "report.html")
    page = drawn(browser.open(file_address(tmp_path / "report.html")))
    page.locator("#stories summary").first.click()
    for plot in ("people", "places", "topics", "outcomes"):
        assert EVIL[:40] in numbers(page, plot)[0][0] or len(numbers(page, plot)) > 1
    page.hover("#people svg .mark-rect path >> nth=0")
    assert page.locator("img, main b:has-text('bold'), iframe").count() == 0
    assert page.locator("a[href^='javascript']").count() == 0
    assert page.title() == "newsbeam report: data"
    assert "\u202e" not in page.inner_text("body")
    assert {name for name, _ in (row for row in numbers(page, "people"))} == {label(name) for name in names}
    assert browser.complaints == []
    assert browser.requests == [file_address(tmp_path / "report.html")]


@pytest.mark.browser
def test_a_dataset_without_articles_has_a_report_too(browser: Browser, tmp_path: Path) -> None:
    write_report(dataset(tmp_path / "data"), tmp_path / "report.html")
    page = drawn(browser.open(file_address(tmp_path / "report.html")))
    assert page.inner_text("h1") == "0 articles, 0 stories"
    assert page.locator("#articles .empty").is_visible()
    assert browser.complaints == []
