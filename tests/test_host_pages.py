"""Lines that a publisher repeats leave the text for the ledger, and nothing else does."""

import dataclasses
import random
import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config import parse_config
from pipeline.explain import explain
from pipeline.report import Report
from pipeline.run import Options, run_once
from pipeline.verify import verify
from tests.archive import Archive
from tests.arrivals import article, made_up
from tests.servers import Reply, Route, Site, html, serve
from tests.test_joins import by_joins
from transforms.assignment import Outcome, assign
from transforms.host_pages import PAGES, HostPages, page_of
from transforms.plain_text import count_words
from transforms.reading import read
from transforms.recognition import REPEATED, Unchanged
from transforms.schema import Article, Dateline
from transforms.settings import DeduplicateSettings, FetchSettings, Settings
from transforms.signatures import sign

PROMO = "Never miss a tide: have the harbour letter sent to you every morning."
SIGNS = ("Aries", "Taurus", "Gemini", "Cancer", "Leo", "Virgo", "Libra", "Scorpio", "Capricorn", "Aquarius", "Pisces")
PLACES = ("Skarholm", "Westmouth", "Pellow", "Dunmere", "Old Harrow", "Stanmoor", "Lyndale", "Corby Sands")
ENDS = ("The case continues.", "Police are asking anyone with information to call 0800 555 000.")

FEED = '<rss version="2.0"><channel><title>Coast</title>{}</channel></rss>'
Writer = Callable[[random.Random, int], tuple[str, str]]


def rows_of(stories: list[tuple[str, str]], folder: Path, host: str = "a.example") -> list[Article]:
    """The rows of stories, titles and texts, that arrive one by one at a host."""
    archive = Archive(folder)
    arrived = [article(f"https://{host}/{number}", text, number, title) for number, (title, text) in enumerate(stories)]
    rows = [row for row in assign(arrived, archive, archive.index(), DeduplicateSettings()) if isinstance(row, Article)]
    assert len(rows) == len(arrived)
    return rows


def learned(row: Article) -> list[str]:
    return [line.text for line in row.removed if line.rule == REPEATED]


def story(chance: random.Random, number: int) -> tuple[str, str]:
    """A story of its own, as a reporter may close it."""
    seed = chance.randrange(10**9)
    end = chance.choice((*ENDS, "", "", "", ""))
    paragraphs = [made_up(seed + part, sentences=3) for part in range(3)]
    return made_up(seed, sentences=1), "\n".join([*paragraphs, end]).strip()


def quake(chance: random.Random, number: int) -> tuple[str, str]:
    place, size, depth = chance.choice(PLACES), chance.randint(40, 79) / 10, chance.randint(5, 90)
    lines = (
        "Earthquake report",
        f"An earthquake of magnitude {size} struck {chance.randint(4, 80)} kilometres off {place} at"
        f" {chance.randint(0, 23)}:{chance.randint(10, 59)} local time, the survey's stations found.",
        f"Its focus lay {depth} kilometres deep. Shaking was felt in {chance.choice(PLACES)} and in"
        f" {chance.choice(PLACES)}, where people left their houses for some minutes.",
        f"In the past ten days {chance.randint(1, 9)} quakes of magnitude 3.0 or more were counted nearby.",
        "There were no immediate reports of damage. No tsunami warning was issued.",
    )
    return f"Magnitude {size} earthquake off {place}", "\n".join(lines)


def lottery(chance: random.Random, number: int) -> tuple[str, str]:
    lines = (
        "The winning numbers of the evening drawing were:",
        " ".join(str(chance.randint(1, 49)) for _ in range(6)),
        f"The jackpot stands at {chance.randint(2, 90)} million.",
        "Tickets are sold until an hour before each drawing at more than five thousand shops in the country.",
        "Prizes have to be claimed within 180 days of the drawing.",
    )
    return f"Lottery: numbers of drawing {number}", "\n".join(lines)


def horoscope(chance: random.Random, number: int) -> tuple[str, str]:
    sign = chance.choice(SIGNS)
    seed = chance.randrange(10**9)
    told = [made_up(seed + part, sentences=4) for part in range(2)]
    return f"{sign}: your horoscope for day {number}", "\n".join(
        ["What the stars say today", sign, *told, f"Your lucky number: {chance.randint(1, 4)}"]
    )


def market(chance: random.Random, number: int) -> tuple[str, str]:
    index, moved = chance.randint(9_000, 19_000), chance.randint(1, 300)
    lines = (
        "Shares at the close",
        f"The leading index {chance.choice(('rose', 'fell'))} {moved} points to {index} in {chance.choice(PLACES)},"
        f" with {chance.randint(100, 900)} million shares traded.",
        made_up(chance.randrange(10**9), sentences=3),
        f"Brent crude was at {chance.randint(50, 99)} dollars a barrel, gold at {chance.randint(1500, 2400)} an ounce.",
        "Past performance is no guide to what shares will do tomorrow.",
    )
    return f"Shares close {chance.choice(('higher', 'lower', 'little changed'))}", "\n".join(lines)


def dressed(write: Writer, rate: float = 1.0) -> Writer:
    """With the publisher's promo below so many of the texts."""

    def written(chance: random.Random, number: int) -> tuple[str, str]:
        title, text = write(chance, number)
        return title, f"{text}\n{PROMO}" if chance.random() < rate else text

    return written


def chunks(arrived: list[Article], runs: int) -> list[list[Article]]:
    size = -(-len(arrived) // runs)
    return [arrived[begin : begin + size] for begin in range(0, len(arrived), size)]


def written(write: Writer, count: int, seed: int = 1) -> list[tuple[str, str]]:
    chance = random.Random(seed)
    return [write(chance, number) for number in range(count)]


def mixed(*writers: Writer) -> Writer:
    return lambda chance, number: chance.choice(writers)(chance, number)


def test_a_line_is_learned_from_five_other_stories(tmp_path: Path) -> None:
    rows = rows_of(written(dressed(story), 60), tmp_path)
    assert [number for number, row in enumerate(rows) if learned(row) != [PROMO]] == list(range(5))
    for number, (title, text) in enumerate(written(dressed(story), 60)):
        row = rows[number]
        assert row.text.split("\n") + learned(row) == text.split("\n")
        assert row.title == title and row.word_count == len(row.text.split())


@pytest.mark.parametrize("series", [quake, lottery, horoscope, market])
def test_what_a_series_says_again_and_again_stays(series: Writer, tmp_path: Path) -> None:
    assert not any(map(learned, rows_of(written(series, 120), tmp_path / "alone")))
    assert not any(map(learned, rows_of(written(mixed(series, story), 120), tmp_path / "mixed")))
    assert not any(map(learned, rows_of(written(mixed(quake, lottery, horoscope, market), 120), tmp_path / "all")))
    gone = [
        line for row in rows_of(written(mixed(dressed(series), dressed(story)), 120), tmp_path) for line in learned(row)
    ]
    assert set(gone) == {PROMO} and len(gone) > 50


def test_how_reporters_close_their_stories_stays(tmp_path: Path) -> None:
    assert not any(map(learned, rows_of(written(story, 400), tmp_path)))


@pytest.mark.parametrize("runs", [1, 7])
def test_runs_joins_and_windows_agree(runs: int, tmp_path: Path) -> None:
    stories = {host: written(mixed(*[dressed(story, 0.9)] * 4, quake), 60, seed=host) for host in range(3)}
    arrived = [
        article(
            f"https://h{host}.example/{number}", stories[host][number][1], 3 * number + host, stories[host][number][0]
        )
        for number in range(60)
        for host in range(3)
    ]
    archives = {name: Archive(tmp_path / name) for name in ("runs", "joins", "windows")}
    told: dict[str, list[str]] = {name: [] for name in archives}
    pending: list[Article] = []
    for batch in chunks(arrived, runs):
        for name, archive in archives.items():
            if name == "joins":
                found = by_joins(batch, archive, archive.index())
            else:
                known = pending if name == "windows" else ()
                found = list(assign(batch, archive, archive.index(), DeduplicateSettings(), known))
            told[name] += map(repr, found)
            rows = [row for row in found if isinstance(row, Article)]
            if name == "windows":  # committed a window late
                archive.store(pending)
                pending = rows
            else:
                archive.store(rows)
    assert sorted(told["runs"]) == sorted(told["joins"]) == sorted(told["windows"])
    assert sum("repeated-by-publisher" in row for row in told["runs"]) > 60


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 60)), max_size=120), st.randoms())
def test_the_latest_pages_are_the_same_in_whatever_order_they_came(
    names: list[tuple[int, int]], chance: random.Random
) -> None:
    def pages(order: list[tuple[int, int]]) -> HostPages:
        kept = HostPages()
        for seen_us, number in order:
            kept.add(page_of(f"{number:032x}", seen_us, f"Story {number}", sign(read(f"Told {number}\nat the end"))))
            kept = HostPages.from_bytes(kept.to_bytes())
        return kept

    first = pages(names)
    assert first == pages(chance.sample(names, len(names)))
    assert len(first.latest) == min(PAGES, len(set(names)))


def test_a_line_that_was_learned_makes_no_version(tmp_path: Path) -> None:
    stories = written(dressed(story), 12)
    archive = Archive(tmp_path)

    def outcomes(changed: dict[int, str], at: int) -> list[Outcome]:
        arrived = [
            article(f"https://a.example/{number}", changed.get(number, text), at + number, title)
            for number, (title, text) in enumerate(stories)
        ]
        found = list(assign(arrived, archive, archive.index(), DeduplicateSettings()))
        archive.store(found)
        return found

    outcomes({}, 0)
    first, last = stories[0][1], stories[-1][1]
    assert all(isinstance(outcome, Unchanged) for outcome in outcomes({}, 100))
    without = outcomes({0: first.removesuffix(PROMO), 11: last.removesuffix(PROMO)}, 200)
    assert [isinstance(outcome, Unchanged) for outcome in without] == [False, *[True] * 11]  # the first row has it
    more = "The board of Skarholm said on Tuesday that 17 boats were lost."
    told = outcomes({11: f"{last.removesuffix(PROMO)}{more}\n{PROMO}"}, 300)[11]
    assert isinstance(told, Article) and told.version == 2 and told.changes and learned(told) == [PROMO]
    assert [change.text for change in told.changes] == [more]


def test_lines_stay_where_they_are_asked_to_and_datelines_always(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    place = "SKARHOLM, Coast News"
    arrived = [
        dataclasses.replace(
            article(f"https://a.example/{number}", f"{place}\n{text}", number, title),
            dateline=Dateline(text=place, place="Skarholm") if number % 2 else None,
        )
        for number, (title, text) in enumerate(written(dressed(story), 40))
    ]
    kept = list(assign(arrived, archive, archive.index(), DeduplicateSettings(repeated_lines="keep")))
    assert [row.text for row in kept if isinstance(row, Article)] == [row.text for row in arrived]
    rows = [row for row in assign(arrived, archive, archive.index(), DeduplicateSettings()) if isinstance(row, Article)]
    assert [learned(row) for row in rows[-2:]] == [[place, PROMO], [PROMO]]
    nowhere = [dataclasses.replace(row, publisher_domain="") for row in arrived]  # hosts without a name are no host
    rows = [row for row in assign(nowhere, archive, archive.index(), DeduplicateSettings()) if isinstance(row, Article)]
    assert not any(map(learned, rows))


def page_with_promo(number: int) -> str:
    title, text = written(story, number + 1, seed=3)[-1]
    body = "".join(f"<p>{line}</p>" for line in [*text.split("\n"), PROMO])
    return f"<html lang=en><title>{title}</title><article><h1>{title}</h1>{body}</article></html>"


def coast(numbers: range) -> dict[str, Route]:
    """A site of so many stories with a promo that no list knows."""
    pages: dict[str, Route] = {f"/{number}": html(page_with_promo(number)) for number in numbers}
    items = "".join(f"<item><link>/{number}</link><guid>{number}</guid></item>" for number in numbers)
    return pages | {"/feed": Reply(body=FEED.format(items), headers={"Content-Type": "application/rss+xml"})}


@pytest.mark.parametrize("forgets", [False, True])
def test_two_runs_learn_a_line_and_a_lost_state_changes_nothing(forgets: bool, tmp_path: Path) -> None:
    def run(site: Site) -> Report:
        config = {
            "output": str(tmp_path),
            "run": {"workers": 1},
            "fetch": {"allow_hosts": [site.host], "per_host_delay_s": 0},
            "feeds": [{"url": site.url("/feed"), "interval_s": 1}],
        }
        return run_once(parse_config(config, "test"), Options(), lambda phase, report, to_do: None)

    def rows() -> list[dict[str, Any]]:
        files = sorted((tmp_path / "articles").glob("*/*.parquet"))
        found = [row for file in files for row in pq.read_table(file, partitioning=None).to_pylist()]
        return sorted(found, key=lambda row: row["first_seen_at"])

    with serve(coast(range(4))) as site:
        assert run(site).stored == 4
        if forgets:
            shutil.rmtree(tmp_path / "state")
        site.routes |= coast(range(20))
        time.sleep(1.1)  # the feed's interval_s
        report = run(site)
        assert (report.stored, report.versions, report.rejected) == (16, 0, 0)
        assert report.entries == report.unchanged + report.stored
        gone = [{"text": PROMO, "rule": REPEATED}]
        assert [row["removed"] == gone for row in rows()] == [False] * 5 + [True] * 15
        assert [PROMO in row["text"] for row in rows()] == [True] * 5 + [False] * 15
        assert all(row["word_count"] == count_words(row["text"]) for row in rows())
        if forgets:
            shutil.rmtree(tmp_path / "state")
        time.sleep(1.1)
        assert (run(site).stored, len(rows())) == (0, 20)
        assert not list(verify(tmp_path))
        settings = Settings(fetch=FetchSettings(allow_hosts=(site.host,), per_host_delay_s=0))
        (tmp_path / "new.html").write_text(page_with_promo(20))
        for target, url in ((rows()[-1]["source_url"], None), (str(tmp_path / "new.html"), site.url("/20"))):
            told = explain(target, settings, datetime.now(UTC), url=url, dataset=tmp_path)
            assert [line.rule for line in told.lines if line.removed == PROMO] == [REPEATED]
