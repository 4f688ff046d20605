"""The command line: exit codes, and what stands on which output."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.errors import ConfigError
from pipeline.stream import parse_duration
from tests.servers import Reply, serve

FEED = '<rss version="2.0"><channel><title>A</title><item><title>B</title><link>/b</link></item></channel></rss>'


def invoke(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.stdout, result.stderr


def test_a_config_that_is_not_there_is_usage_error_2_and_names_the_file() -> None:
    code, output, told = invoke("run", "absent.toml")
    assert (code, output) == (2, "")
    assert "absent.toml" in told


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
    reply = Reply(body=FEED, headers={"Content-Type": "application/rss+xml", "ETag": '"1"'})
    with serve({"/feed": reply}) as site:
        path = tmp_path / "a.toml"
        feeds = "".join(f'[[feeds]]\nurl = "{site.url(target)}"\n' for target in ("/feed", "/absent"))
        path.write_text(
            f'output = "{tmp_path / "data"}"\n[fetch]\nper_host_delay_s = 0\nallow_hosts = ["{site.host}"]\n{feeds}'
        )
        code, output, _ = invoke("check", str(path))
    assert code == 1
    assert f"ok      {site.url('/feed')}  1 entries" in output
    assert f"FAILED  {site.url('/absent')}  http-404" in output
    assert not (tmp_path / "data").exists()


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
