"""What goes wrong around a run: a full disk, a limit on files, a read-only folder, a wrong clock, a second writer, a
signal. Nothing is lost or doubled, the message names the path, and the next run completes the work."""

import datetime as calendar
import json
import resource
import signal
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import pipeline.rewrite
import pipeline.run
from pipeline.dataset import Dataset, live_files
from pipeline.errors import DatasetError, DatasetLockedError, NewsbeamError
from pipeline.query import connect, newest_finished_run
from pipeline.retry import retryable_entries
from pipeline.rewrite import compact
from pipeline.verify import verify
from tests.servers import Site, serve
from tests.test_run import TOWNS, config, feed, page, rows, run, start, wait_for, wait_until_due
from transforms.memory import Memory
from transforms.settings import WriteSettings


@pytest.fixture
def site() -> Iterator[Site]:
    with serve({**{f"/{town}": page(town) for town in TOWNS}, "/feed": feed([f"/{town}" for town in TOWNS])}) as site:
        yield site


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, which `mount` can make full or read-only."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if not mounted("-t", "tmpfs", "-o", "size=200k", "tmpfs", str(disk)):
        pytest.skip("needs the right to mount")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def mounted(*arguments: str) -> bool:
    return subprocess.run(["mount", *arguments], capture_output=True, check=False).returncode == 0


def titles(root: Path) -> list[str]:
    return sorted(row["title"] for row in rows(root, "articles"))


WANTED = [f"{town} rebuilds its wall" for town in TOWNS]


def test_a_disk_that_fills_up_costs_the_batch_and_nothing_else(site: Site, small_disk: Path) -> None:
    root = small_disk / "data"
    with pytest.raises((NewsbeamError, OSError), match=r"(?i)no space|full|written to"):
        run(config(site, root, batch_entries=2))
    stored = titles(root)
    assert len(stored) == len(set(stored)) < len(TOWNS)
    assert mounted("-o", "remount,size=50m", str(small_disk))
    run(config(site, root, batch_entries=2))
    assert titles(root) == WANTED
    assert list(verify(root)) == []
    assert not list((root / "state" / "staging").iterdir())


def test_a_limit_on_the_size_of_files_is_told_and_the_next_run_completes(site: Site, tmp_path: Path) -> None:
    root = tmp_path / "data"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with pytest.raises((NewsbeamError, OSError), match=f"{root}.*(too large|full|disk I/O)"):
            run(config(site, root))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert titles(root) == []
    run(config(site, root))
    assert titles(root) == WANTED
    assert list(verify(root)) == []


def test_a_read_only_dataset_is_named(site: Site, small_disk: Path) -> None:
    assert mounted("-o", "remount,ro", str(small_disk))
    with pytest.raises(DatasetError, match=f"{small_disk}/data: cannot be written to: Read-only file system"):
        run(config(site, small_disk / "data"))


def test_a_file_in_the_way_is_named_and_what_was_committed_is_there_when_it_is_gone(site: Site, tmp_path: Path) -> None:
    (tmp_path / "articles").write_text("no folder")
    with pytest.raises(OSError, match=f"{tmp_path}/articles"):
        run(config(site, tmp_path))
    (tmp_path / "articles").unlink()
    wait_until_due()
    run(config(site, tmp_path))
    assert titles(tmp_path) == WANTED
    assert list(verify(tmp_path)) == []


def test_what_systems_and_copying_tools_leave_beside_the_files_is_no_part_of_the_dataset(
    site: Site, tmp_path: Path
) -> None:
    run(config(site, tmp_path))
    (day,) = tmp_path.glob("articles/seen_date=*")
    (part,) = day.glob("*.parquet")
    for foreign in (day / f"._{part.name}", day / ".DS_Store", day / "notes.txt", tmp_path / "runs/._x.json"):
        foreign.write_bytes(b"\x00\x05\x16\x07")
    for foreign in (tmp_path / "rejects/seen_date=unknown", tmp_path / "articles/seen_date=unknown"):
        foreign.mkdir(parents=True)
        (foreign / "a.txt").touch()
    site.routes["/feed"] = feed([f"/{town}" for town in TOWNS], "<description>It is done.</description>")
    site.routes[f"/{TOWNS[0]}"] = page(TOWNS[0], "The work has cost 40 million more than was planned.")
    wait_until_due()
    report = run(config(site, tmp_path))
    assert (report.versions, report.rejected) == (1, 0)
    assert list(verify(tmp_path)) == []
    assert connect(tmp_path).execute("SELECT count(*) FROM articles").fetchall() == [(len(TOWNS) + 1,)]
    assert connect(tmp_path).execute("SELECT count(*) FROM runs").fetchall() == [(2,)]
    assert len(compact(tmp_path, WriteSettings(), datetime.now(UTC) + timedelta(days=2))) == 2
    assert list(retryable_entries(tmp_path, (), Memory(tmp_path), datetime.now(UTC))) == []


@pytest.mark.parametrize("years", [-1, 1])
def test_a_run_whose_clock_is_a_year_off_loses_and_doubles_nothing(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, years: int
) -> None:
    class Wrong(calendar.datetime):
        @classmethod
        def now(cls, tz: calendar.tzinfo | None = None) -> calendar.datetime:  # type: ignore[override]  # a plain one
            return calendar.datetime.now(tz) + timedelta(days=365 * years)

    def told_since(run_id: str | None) -> set[str]:
        return {title for (title,) in connect(tmp_path, run_id).execute("SELECT title FROM articles").fetchall()}

    site.routes["/feed"] = feed([f"/{town}" for town in TOWNS[:2]])
    run(config(site, tmp_path))
    first = newest_finished_run(tmp_path)
    site.routes["/feed"] = feed([f"/{town}" for town in TOWNS[:4]])
    with monkeypatch.context() as patch:
        patch.setattr(pipeline.run, "datetime", Wrong)
        wait_until_due()
        run(config(site, tmp_path))
    second = newest_finished_run(tmp_path)
    assert compact(tmp_path, WriteSettings(), datetime.now(UTC) + timedelta(days=800)) is not None
    site.routes["/feed"] = feed([f"/{town}" for town in TOWNS])
    wait_until_due()
    run(config(site, tmp_path))
    assert titles(tmp_path) == WANTED
    assert (told_since(first), told_since(second)) == (set(WANTED[2:]), set(WANTED[4:]))
    there = {path.relative_to(tmp_path).as_posix() for path in tmp_path.glob("*/*/*.parquet")}
    assert set(live_files(Dataset(tmp_path).manifests())) == there
    assert list(verify(tmp_path)) == []


def test_a_run_beside_a_compaction_is_turned_away_and_so_is_a_second_compaction(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(config(site, tmp_path, batch_entries=2))
    at_work, go_on = threading.Event(), threading.Event()
    write = pipeline.rewrite.write_table

    def held(*arguments: object) -> None:
        at_work.set()
        assert go_on.wait(30)
        write(*arguments)  # type: ignore[arg-type]  # handed on as they came

    monkeypatch.setattr(pipeline.rewrite, "write_table", held)
    later = datetime.now(UTC) + timedelta(days=3)
    compaction = threading.Thread(target=compact, args=(tmp_path, WriteSettings(), later))
    compaction.start()
    assert at_work.wait(30)
    files = sorted(tmp_path.glob("*/*/*.parquet"))
    with pytest.raises(DatasetLockedError, match="held by newsbeam compact, process"):
        run(config(site, tmp_path))
    with pytest.raises(DatasetLockedError):
        compact(tmp_path, WriteSettings(), later)
    assert sorted(tmp_path.glob("*/*/*.parquet")) == files
    go_on.set()
    compaction.join(30)
    assert len(list(tmp_path.glob("articles/*/*.parquet"))) == 1
    assert titles(tmp_path) == WANTED
    assert list(verify(tmp_path)) == []


def test_sigterm_between_many_batches_keeps_those_that_were_finished(site: Site, tmp_path: Path) -> None:
    paths = [f"/{town}-{number}" for number in range(20) for town in TOWNS]
    site.routes |= {path: page(path[1:]) for path in paths} | {"/feed": feed(paths)}
    root = tmp_path / "data"
    process = start(site, root, "--json", batch_entries=4)
    wait_for(lambda: len(list(root.glob("articles/*/*.parquet"))) >= 2)
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 143
    report = json.loads(output)
    assert 0 < report["stored"] == len(rows(root, "articles")) < len(paths)
    assert list(verify(root)) == []
    run(config(site, root))
    stored = titles(root)
    assert len(stored) == len(set(stored)) == len(paths)
    assert list(verify(root)) == []
