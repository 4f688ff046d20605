"""Standard streams, closed, broken, full or of an odd locale: none ends a run, and JSON and CSV are always UTF-8."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pages import html as page
from tests.servers import Reply, html, serve

HEADLINE = "Überfahrt nach Łódź wird teurer – 12 €"
FEED = (
    f"<rss version='2.0'><channel><title>A</title><item><title>{HEADLINE}</title><link>/b</link></item></channel></rss>"
)
COMMAND = f"'{sys.executable}' -m pipeline"


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of one article, committed by a run that nobody could read a word of."""
    folder = tmp_path_factory.mktemp("streams")
    with serve({"/feed.xml": Reply(body=FEED), "/b": html(page(title=HEADLINE))}) as site:
        (folder / "a.toml").write_text(
            f'output = "data"\n[run]\nworkers = 1\n[fetch]\nallow_hosts = ["{site.host}"]\nrespect_robots = false\n'
            f'[[feeds]]\nurl = "{site.url("/feed.xml")}"\n'
        )
        code, _, _ = shell(f"{COMMAND} run a.toml 2> >(exit 0)", folder)
    assert code == 0
    assert json.loads(next((folder / "data/runs").glob("*.json")).read_text())["finished_at"]
    return folder / "data"


def shell(line: str, folder: Path, **environment: str) -> tuple[int, bytes, bytes]:
    """Exit code, output and errors of a line of bash."""
    python_path = str(Path(__file__).parents[1])
    ended = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {line}"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": python_path, **environment},
        capture_output=True,
        timeout=60,
        check=False,
    )
    return ended.returncode, ended.stdout, ended.stderr


def test_a_run_whose_log_nobody_reads_any_more_commits_and_ends_with_0(dataset: Path) -> None:
    assert len(list(dataset.glob("articles/*/*.parquet"))) == 1


@pytest.mark.parametrize("streams", ["<&-", ">&-", "<&- >&- 2>&-", "2>/dev/full"])
def test_closed_streams_are_no_errors(streams: str, dataset: Path) -> None:
    for command in ("query data 'FROM articles' --format json", "verify data"):
        assert shell(f"{COMMAND} {command} {streams}", dataset.parent)[0] == 0


@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_a_reader_who_has_seen_enough_is_no_error(form: str, dataset: Path) -> None:
    code, _, told = shell(
        f"{COMMAND} query data 'FROM articles, range(2000)' --format {form} | head -1", dataset.parent
    )
    assert (code, told) == (0, b"")


@pytest.mark.parametrize("encoding", ["ascii", "iso-8859-1"])
@pytest.mark.parametrize("form", ["json", "csv"])
def test_what_is_printed_into_a_file_is_utf_8_whatever_the_locale_says(form: str, encoding: str, dataset: Path) -> None:
    code, output, told = shell(
        f"{COMMAND} query data 'FROM articles' --format {form}",
        dataset.parent,
        LC_ALL="C",
        PYTHONUTF8="0",
        PYTHONCOERCECLOCALE="0",
        PYTHONIOENCODING=encoding,
    )
    assert (code, told) == (0, b"")
    assert HEADLINE in output.decode("utf-8")


def test_an_output_that_is_full_is_told_in_a_line(dataset: Path) -> None:
    code, _, told = shell(f"{COMMAND} schema > /dev/full", dataset.parent)
    assert code == 1
    assert told.decode().count("\n") == 1
    assert "No space left on device" in told.decode()
