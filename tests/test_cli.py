"""The command line: exit codes, and what stands on which output."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.dataset import Dataset
from pipeline.durations import parse_duration
from pipeline.errors import ConfigError
from pipeline.state import FeedMemory
from tests.servers import Reply, Route, serve
from transforms.polling import FeedState

FEED = '<rss version="2.0"><channel><title>A</title><item><title>B</title><link>/b</link></item></channel></rss>'
ROBOTS = "User-agent: *\nDisallow: /no"


def invoke(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.stdout, result.stderr


def test_a_config_that_is_not_there_is_usage_error_2_and_names_the_file() -> None:
    code, output, told = invoke("run", "absent.toml")
    assert (code, output) == (2, "")
    assert "absent.toml" in told


def test_the_demo_goes_into_the_current_folder_unless_told_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, output, told = invoke("demo", "--json")
    assert code == 0, told
    assert json.loads(output)["stored"] == len(list((tmp_path / "data/demo/articles").glob("*/*.parquet"))) * 39


@pytest.mark.parametrize("name", ["~other", "file:a", "s:3"])
def test_a_folder_may_be_called_what_libraries_take_for_something_else(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.toml").write_text(f'output = "{name}"\n[[feeds]]\nurl = "http://127.0.0.1:9/"\n')
    assert invoke("run", "a.toml")[0] == 0
    assert invoke("verify", name)[0] == 0
    assert '"n": 1' in invoke("query", name, "SELECT count(*) AS n FROM rejects", "--format", "json")[1]
    assert (tmp_path / name / "rejects").is_dir()


def test_a_tilde_is_the_home_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.toml").write_text('output = "~/news"\n[[feeds]]\nurl = "http://127.0.0.1:9/"\n')
    assert invoke("run", "a.toml")[0] == 0
    assert (tmp_path / "home/news/runs").is_dir()
    assert not (tmp_path / "~").exists()


def test_a_path_that_is_too_long_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('output = "data"\n[[feeds]]\nurl = "http://127.0.0.1:9/"\n')
    code, _, told = invoke("run", str(tmp_path / "a.toml"), "--output", str(tmp_path / "/".join(["x" * 200] * 3)))
    assert code == 1
    assert "too long a path" in told


def test_an_unknown_key_or_runner_is_usage_error_2(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text(f'output = "{tmp_path}"\n[fetch]\ntimeout = 3\n')
    code, _, told = invoke("run", str(path))
    assert code == 2
    assert "fetch.timeout: unknown key; did you mean fetch.timeout_s?" in told
    path.write_text(f'output = "{tmp_path}"\n[[feeds]]\nurl = "https://a.example/"\n')
    code, _, told = invoke("run", str(path), "--runner", "abacus")
    assert code == 2
    assert "expected one of direct" in told


@pytest.mark.parametrize("command", ["run", "stream", "check"])
def test_a_config_without_feeds_is_usage_error_2(command: str, tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text(f'output = "{tmp_path / "data"}"\n')
    code, _, told = invoke(command, str(path))
    assert code == 2
    assert "no feeds: expected [[feeds]]" in told
    assert not (tmp_path / "data").exists()


def test_an_output_that_cannot_be_written_is_failure_1_and_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    path = tmp_path / "a.toml"
    path.write_text(f'output = "{tmp_path / "file"}"\n[[feeds]]\nurl = "https://a.example/"\n')
    code, _, told = invoke("run", str(path))
    assert code == 1
    assert str(tmp_path / "file") in told


def test_strict_turns_an_alarm_into_3(tmp_path: Path) -> None:
    with serve({}) as site:
        path = tmp_path / "a.toml"
        path.write_text(
            f'output = "{tmp_path / "data"}"\n[fetch]\nallow_hosts = ["{site.host}"]\n'
            f'[[feeds]]\nurl = "{site.url("/absent")}"\ninterval_s = 1\n'
        )
        code, output, _ = invoke("run", str(path), "--strict", "--json", "--quiet")
    assert code == 3
    assert json.loads(output)["alarms"] == ["1 of 1 feeds failed"]


def test_check_tells_each_feed_in_a_line_and_writes_nothing(tmp_path: Path) -> None:
    headers = {"Content-Type": "application/rss+xml", "ETag": '"1"'}
    published = (datetime.now(UTC) - timedelta(hours=2)).isoformat()
    item = {"url": "/full", "date_published": published, "content_html": f"<p>{'The whole story. ' * 99}</p>"}
    routes: dict[str, Route] = {
        "/feed": Reply(body=FEED, headers=headers),
        "/full": Reply(body=json.dumps({"version": "https://jsonfeed.org/version/1.1", "items": [item]})),
        "/no": Reply(body=FEED),
        "/robots.txt": Reply(body=ROBOTS),
    }
    with serve(routes) as site:
        path = tmp_path / "a.toml"
        feeds = "".join(f'[[feeds]]\nurl = "{site.url(target)}"\n' for target in ("/feed", "/full", "/absent", "/no"))
        path.write_text(
            f'output = "{tmp_path / "data"}"\n[fetch]\nper_host_delay_s = 0\nallow_hosts = ["{site.host}"]\n{feeds}'
        )
        code, output, _ = invoke("check", str(path))
    assert code == 1
    facts = "rss 1 entries, no dates, links; robots ok, validators, every ~"
    assert f"ok      {site.url('/feed')}  {facts}" in output
    facts = "json 1 entries, newest 2h, full text; robots ok, no validators, every ~30m; hint: it carries whole"
    assert re.sub(r"~(2[789]|3[0123])m", "~30m", output).count(f"ok      {site.url('/full')}  {facts}") == 1
    assert f"FAILED  {site.url('/absent')}  http-404; hint: not there, see `newsbeam feeds discover`\n" in output
    assert f"FAILED  {site.url('/no')}  robots-disallowed; hint: robots.txt forbids it, ask the publisher\n" in output
    assert output.endswith("4 feeds, 2 failed\n")
    assert len(output.splitlines()) == 5
    assert "polled" not in output
    assert not (tmp_path / "data").exists()


def test_check_tells_what_runs_know_of_each_feed_and_leaves_it_alone(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    dataset = Dataset(tmp_path / "data")
    dataset.state.mkdir(parents=True)
    reply = Reply(body=FEED, headers={"ETag": '"1"'})
    with serve({"/feed": reply, "/mended": reply}) as site:
        path = tmp_path / "a.toml"
        feeds = "".join(
            f'[[feeds]]\nurl = "{site.url(target)}"\n' for target in ("/feed", "/absent", "/new", "/mended")
        )
        path.write_text(
            f'output = "{dataset.root}"\n[fetch]\nper_host_delay_s = 0\nallow_hosts = ["{site.host}"]\n{feeds}'
        )
        assert "never polled" in invoke("check", str(path))[1]
        assert list(dataset.state.iterdir()) == []
        times = {
            "last_polled_at": (now - timedelta(minutes=10)).isoformat(),
            "next_poll_at": (now + timedelta(hours=3)).isoformat(),
        }
        known = FeedState(feed_id="a", url=site.url("/feed"), **times)
        failing = FeedState(feed_id="b", url=site.url("/absent"), failures=2.5, last_reason="http-404", **times)
        mended = FeedState(feed_id="c", url=site.url("/mended"), failures=0.5, last_reason="http-5xx", **times)
        FeedMemory(dataset).save_feeds([(state.url, state) for state in (known, failing, mended)])
        before = (dataset.state / "feeds.sqlite3").read_bytes()
        told = {line.split()[1]: line for line in invoke("check", str(path))[1].splitlines()}
    assert told[known.url].endswith("robots ok, validators, every ~3h, polled 10m ago, next in 3h")
    assert len(told[known.url]) <= 130
    assert ", polled 10m ago, next in 3h, failures 2.5; hint: not there" in told[failing.url]
    assert told[mended.url].endswith(", polled 10m ago, next in 3h, failures 0.5 (http-5xx)")
    assert ", never polled; hint" in told[site.url("/new")]
    assert [file.name for file in dataset.state.iterdir()] == ["feeds.sqlite3"]
    assert (dataset.state / "feeds.sqlite3").read_bytes() == before


def test_schema_is_markdown_or_json() -> None:
    assert "| `article_id` | string |" in invoke("schema")[1]
    tables = json.loads(invoke("schema", "--json")[1])
    assert tables["datasets"]["articles"][0]["name"] == "article_id"
    assert "http-404" in tables["reasons"]


@pytest.mark.parametrize(("text", "seconds"), [("30s", 30), ("10m", 600), ("2h", 7200), ("1.5", 1.5)])
def test_durations_are_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "-1s", "0", "5d"])
def test_what_is_no_duration_is_a_usage_error(text: str) -> None:
    with pytest.raises(ConfigError, match="--every"):
        parse_duration(text)
