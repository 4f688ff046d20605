"""What people get wrong: every message says what, where and what to do, in a line, and never with a traceback."""

import fcntl
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.cli import app
from tests.servers import Reply, Site, serve
from tests.test_run import TOWNS, config, feed, page, rows, run, start, wait_for

FEED = '[[feeds]]\nurl = "http://a.example/feed"\n'
GOOD = f'output = "data"\n{FEED}'


def newsbeam(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stderr


CONFIGS = [
    ('output = "x\n', "a.toml: not valid TOML"),
    ("\udcff", "a.toml: not valid TOML: it is no UTF-8 text"),
    (f'[fetchh]\na = 1\n{FEED}', "a.toml: fetchh: unknown key; did you mean fetch?"),
    (f'output = "data"\n[fetch]\ntimeout = 3\n{FEED}', "a.toml: fetch.timeout: unknown key; did you mean fetch.timeout_s?"),
    (f'output = "data"\n[fetch]\ntimeout_s = "soon"\n{FEED}', "a.toml: fetch.timeout_s: expected a number, got 'soon'"),
    (f'output = "data"\n[fetch]\nretries = 1.5\n{FEED}', "a.toml: fetch.retries: expected a whole number, got 1.5"),
    (f'output = "data"\n[fetch]\nrespect_robots = "perhaps"\n{FEED}', "a.toml: fetch.respect_robots: expected true or false"),
    (f'output = "data"\n[fetch]\nallow_hosts = "a:1"\n{FEED}', "a.toml: fetch.allow_hosts: expected a list in [brackets]"),
    (f'output = "data"\n[fetch]\nuser_agent = 3\n{FEED}', 'a.toml: fetch.user_agent: expected a text in "quotes", got 3'),
    (f'output = "data"\n[fetch]\ntimeout_s = -1\n{FEED}', "a.toml: fetch.timeout_s: input should be greater than 0, got -1"),
    (f'output = "data"\nfetch = 3\n{FEED}', "a.toml: fetch: expected a table, [fetch]"),
    (f"output = 3\n{FEED}", 'a.toml: output: expected the folder of the dataset, as in output = "data/news"'),
    ('output = "x"\n', "no feeds: expected [[feeds]] tables in the config, or --feeds FILE"),
    ('output = "x"\nfeeds = "http://a.example/"\n', "a.toml: feeds: expected [[feeds]] tables, got"),
    ('output = "x"\n[[feeds]]\nurl = "www.a.example/feed"\n', "a.toml: feeds[0].url: expected an http or https address"),
    ('output = "x"\n[[feeds]]\nurl = "http://[::1/feed"\n', "a.toml: feeds[0].url: expected an http or https address"),
    (f"{GOOD}intervall_s = 3\n", "a.toml: feeds[0].intervall_s: unknown key; did you mean feeds[0].interval_s?"),
    (f'output = "data"\n[metrics]\njson_file = "none/a.json"\n{FEED}', "a.toml: metrics.json_file: expected a file in a folder"),
    (f'output = "data"\n[tag]\ntaggers = ["plaices"]\n{FEED}', "a.toml: tag.taggers: expected some of"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "told"), CONFIGS, ids=[told for _, told in CONFIGS])
def test_a_wrong_config_is_told_with_its_file_key_and_what_was_expected(
    text: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.toml").write_bytes(text.encode(errors="surrogateescape"))
    code, message = newsbeam("run", "a.toml")
    assert code == 2
    assert message.startswith(f"newsbeam: {told}")
    assert message.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a.toml"]


ARGUMENTS = [
    (["run", "none.toml"], 2, "none.toml: No such file or directory: expected a config; the README begins with one"),
    (["run", "."], 2, ".: Is a directory: expected a config"),
    (["run", "a.toml", "--feeds", "none.txt"], 2, "none.txt: No such file or directory: expected a list of feeds"),
    (["run", "a.toml", "--feeds", "empty.opml"], 2, "empty.opml: no feed in it: expected one address a line, or OPML"),
    (["run", "a.toml", "--set", "fetch.timeout_s"], 2, "--set fetch.timeout_s: expected section.key=value"),
    (["run", "a.toml", "--set", "fetch.timeout=3"], 2, "a.toml: fetch.timeout: unknown key; did you mean"),
    (["run", "a.toml", "--runner", "abacus"], 2, "--runner abacus: expected one of direct"),
    (["run", "a.toml", "b.toml"], 2, "b.toml: expected nothing more; options for Beam stand after --"),
    (["run", "a.toml", "--", "--runner=flink"], 2, "--runner is no option for Beam here: expected it before --"),
    (["run", "a.toml", "--output", "/proc/none"], 1, "/proc/none: cannot be written to:"),
    (["stream", "a.toml", "--every", "soon"], 2, "--every soon: expected a duration such as 30s, 10m or 2h"),
    (["replay", "a.toml", "none.warc.gz"], 1, "none.warc.gz: No such file or directory"),
    (["replay", "a.toml", "a.toml"], 2, "a.toml: expected a WARC file (.warc.gz)"),
    (["query", "none", "FROM articles"], 2, "none: no dataset: there is no runs/ folder; run `newsbeam run CONFIG` first"),
    (["compact", "none"], 2, "none: no dataset: there is no runs/ folder; run `newsbeam run CONFIG` first"),
    (["compact", "none", "--dry-run"], 2, "none: no dataset: there is no runs/ folder"),
    (["forget", "none", "--older-than", "9"], 2, "none: no dataset: there is no runs/ folder"),
    (["retag", "none"], 2, "none: no dataset: there is no runs/ folder"),
    (["schema", "--diff", "a.toml"], 2, "a.toml: expected what `newsbeam schema --json` printed"),
    (["feeds", "import", "none.opml"], 2, "none.opml: No such file or directory: expected an OPML file"),
    (["feeds", "import", "empty.opml"], 2, "empty.opml: no feed in it"),
    (["feeds", "discover", "http://127.0.0.1:9/"], 1, "no feeds found at http://127.0.0.1:9/: blocked-address: 127.0.0.1"),
    (["feeds", "discover", "http://127.0.0.1:9/", "--allow-host", "127.0.0.1"], 2, '--allow-host: expected "host:port"'),
    (["verify", "none"], 2, "none: no dataset: there is no runs/ folder"),
    (["report", "none", "-o", "r.html"], 2, "none: no dataset: there is no runs/ folder"),
    (["fit-topics", "none", "-o", "m"], 2, "none: no dataset: there is no runs/ folder"),
    (["browse", "none", "--no-open"], 2, "none: no dataset: there is no runs/ folder"),
    (["forget", "none"], 2, "forget: expected either an address or --older-than DAYS"),
    (["explain", "none.html"], 2, "none.html: expected an http or https address, or a file that is there"),
    (["feeds", "import", "a.toml"], 2, "a.toml: no OPML"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "code", "told"), ARGUMENTS, ids=[" ".join(given) for given, _, _ in ARGUMENTS])
def test_wrong_arguments_are_told_in_a_line(
    arguments: list[str], code: int, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.toml").write_text(GOOD)
    Path("empty.opml").write_text("<opml version='2.0'><body></body></opml>")
    found, message = newsbeam(*arguments)
    assert found == code
    assert message.startswith(f"newsbeam: {told}")
    assert message.count("\n") == 1


# --------------------------------------------------------------------------- datasets that are not what they were


@pytest.fixture
def site() -> Iterator[Site]:
    routes = {f"/{town}": page(town) for town in TOWNS[:2]}
    with serve(routes | {"/feed": feed([f"/{town}" for town in TOWNS[:2]])}) as running:
        yield running


def test_damaged_state_is_built_again_and_damaged_files_are_named(site: Site, tmp_path: Path) -> None:
    root = tmp_path / "data"
    run(config(site, root))
    for file in ("feeds", "articles"):
        (root / "state" / f"{file}.sqlite3").write_bytes(os.urandom(4096))
    assert run(config(site, root)).stored == 0
    (part,) = (root / "articles").glob("*/*.parquet")
    part.write_bytes(part.read_bytes()[:2000])
    (root / "state" / "articles.sqlite3").unlink()
    path = tmp_path / "a.toml"
    path.write_text(f'output = "{root}"\n{FEED}')
    code, message = newsbeam("run", str(path))
    assert code == 1
    assert part.name in message
    assert f"`newsbeam verify {root}` lists what is damaged" in message
    assert newsbeam("verify", str(root))[0] == 1


def test_a_manifest_that_cannot_be_read_is_named(site: Site, tmp_path: Path) -> None:
    root = tmp_path / "data"
    run(config(site, root))
    (manifest,) = (root / "runs").iterdir()
    manifest.write_text("{")
    (root / "state" / "articles.sqlite3").unlink()
    path = tmp_path / "a.toml"
    path.write_text(f'output = "{root}"\n{FEED}')
    code, message = newsbeam("run", str(path))
    assert code == 1
    assert message.startswith(f"newsbeam: {manifest}: no readable manifest: ")


def test_a_busy_dataset_is_75_for_a_run_and_for_a_stream_that_begins(site: Site, tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text(
        f'output = "{tmp_path}/data"\n[fetch]\nallow_hosts = ["{site.host}"]\n[[feeds]]\nurl = "{site.url()}"\n'
    )
    (tmp_path / "data" / "state").mkdir(parents=True)
    with (tmp_path / "data" / "state" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write("a compaction, process 7 on b")
        lock.flush()
        for command in ("run", "stream"):
            code, message = newsbeam(command, str(path))
            assert (code, message) == (75, f"newsbeam: {tmp_path}/data: held by a compaction, process 7 on b\n")


# --------------------------------------------------------------------------- impatience


def test_a_second_signal_ends_at_once_without_a_traceback(site: Site, tmp_path: Path) -> None:
    site.routes["/Accra"] = Reply(body=page("Accra").body, headers=page("Accra").headers, delay_s=20)
    process = start(site, tmp_path / "data", "--quiet")
    wait_for(lambda: "/Accra" in site.asked)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    _, told = process.communicate(timeout=60)  # for a machine at work: it takes no time by itself
    assert process.returncode in (130, 143)  # the kernel may hand them over in any order
    assert told.strip() == "newsbeam: ended at once, in mid-work"
    site.routes["/Accra"] = page("Accra")
    run(config(site, tmp_path / "data"))
    assert len(rows(tmp_path / "data", "articles")) == 2


def test_json_stays_json_when_an_alarm_fires(site: Site, tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text(
        f'output = "{tmp_path}/data"\n[fetch]\nallow_hosts = ["{site.host}"]\n[[feeds]]\nurl = "{site.url("/no")}"\n'
    )
    result = CliRunner().invoke(app, ["run", str(path), "--json", "--strict"])
    assert result.exit_code == 3
    assert json.loads(result.stdout)["alarms"] == ["1 of 1 feeds failed"]
    assert "  alarm     1 of 1 feeds failed\n" in result.stderr
