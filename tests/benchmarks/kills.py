"""Runs and compactions killed at random moments while somebody reads: nothing torn, nothing twice, nothing lost.

    python -m tests.benchmarks.kills [--kills 30] [--compaction-kills 10] [--seed 1]

`newsbeam run` reads a site of synthetic pages on loopback in small batches and is killed with all its children, by
turns at any moment, as soon as files are staged, as soon as a manifest is replaced, and while it takes up what the one
before left behind. Then `newsbeam compact` is killed in the same way. All the while a reader lists the dataset every
50 ms and reads every new file whole. At the end one more run must complete the set, and `newsbeam verify` be content.
"""

import argparse
import glob
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.parquet as pq

from tests.benchmarks.history import articles, ingest
from tests.benchmarks.synthetic import synthetic_pages
from tests.servers import HTML, Reply, Route, Site, serve
from transforms.urls import article_id

MOMENTS = ("any", "staged", "manifest", "staged", "recovery")
Key = tuple[str, int]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--kills", type=int, default=30)
    arguments.add_argument("--compaction-kills", type=int, default=10)
    arguments.add_argument("--seed", type=int, default=1)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder, trial(Path(folder) / "data", given.kills * 30) as ground:
        outcome = ground.kill_runs(given.kills, random.Random(given.seed))
        print(f"{outcome.total()} runs killed: {dict(outcome)}", flush=True)
        outcome = ground.kill_compactions(given.compaction_kills, random.Random(given.seed))
        print(f"{outcome.total()} compactions killed: {dict(outcome)}", flush=True)
        faults = ground.faults()
        print(f"reader: {ground.reader.told()}")
        for fault in faults[:20]:
            print(f"FAULT {fault}")
        print("all promises kept" if not faults else f"{len(faults)} promises broken")


@dataclass
class Reader:
    """Lists the articles every 50 ms and reads each file once, whole; notes what must never be seen."""

    root: Path
    looks: int = 0
    relisted: int = 0
    seen: set[Key] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)
    _files: dict[tuple[str, int], Counter[Key]] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def told(self) -> str:
        return f"{self.looks:,} looks, {len(self._files):,} files, {len(self.seen):,} keys, {self.relisted} listed anew"

    def look(self) -> None:
        """One look at everything."""
        try:
            found: Counter[Key] = Counter()
            for path in self.root.glob("articles/*/*.parquet"):
                found += self._keys(path)
        except FileNotFoundError:  # compaction replaced a file that was listed just before
            self.relisted += 1
            return
        except Exception as error:
            self.faults.append(f"unreadable: {error}")
            return
        self.looks += 1
        self.faults += [f"twice: {key}" for key, times in found.items() if times > 1]
        self.faults += [f"lost: {key}" for key in self.seen - set(found)]
        self.seen |= set(found)

    def _keys(self, path: Path) -> Counter[Key]:
        identity = (str(path), path.stat().st_ino)
        if identity not in self._files:
            rows = pq.read_table(path, partitioning=None).select(["article_id", "version"]).to_pylist()
            self._files[identity] = Counter((row["article_id"], row["version"]) for row in rows)
        return self._files[identity]

    def _watch(self) -> None:
        while not self._stop.wait(0.05):
            self.look()


@dataclass
class Trial:
    """A site, a config that reads it into `root`, and a reader of `root`."""

    root: Path
    config: Path
    site: Site
    wanted: set[str]
    reader: Reader

    def kill_runs(self, kills: int, source: random.Random, moments: tuple[str, ...] = MOMENTS) -> Counter[str]:
        """Start and kill `kills` runs; what each kill left behind, counted."""
        left: Counter[str] = Counter()
        for moment in itertools.islice(itertools.cycle(moments), kills):
            left[f"{moment}: {self._killed('run', str(self.config), moment, source)}"] += 1
        return left

    def kill_compactions(self, kills: int, source: random.Random) -> Counter[str]:
        left: Counter[str] = Counter()
        for moment in itertools.islice(itertools.cycle(("staged", "manifest", "recovery")), kills):
            left[f"{moment}: {self._killed('compact', str(self.root), moment, source)}"] += 1
        return left

    def faults(self) -> list[str]:
        """Complete the work, and tell of every promise that was broken."""
        told = []
        for command in (("run", str(self.config), "--quiet"), ("compact", str(self.root)), ("verify", str(self.root))):
            done = subprocess.run(_command(*command), capture_output=True, text=True, check=False)
            if done.returncode:
                told.append(f"{command[0]} ended in {done.returncode}: {(done.stdout + done.stderr)[-1000:]}")
        self.reader.stop()
        self.reader.look()
        missing = self.wanted - {key for key, _ in self.reader.seen}
        left = list((self.root / "state" / "staging").glob("*"))
        return [
            *told,
            *self.reader.faults,
            *(f"never stored: {key}" for key in missing),
            *(f"left behind: {path}" for path in left),
        ]

    def _killed(self, command: str, target: str, moment: str, source: random.Random) -> str:
        before = self._marks()
        process = subprocess.Popen(
            _command(command, target), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        try:
            _wait(lambda: process.poll() is not None or self._marks()["lock"] != before["lock"])
            if moment == "any":
                time.sleep(source.uniform(0.0, 2.0))
            elif moment == "recovery":
                time.sleep(source.uniform(0.0, 0.01))
            else:
                turn = source.randint(1, 3)  # of the batches, so that not always the first is hit
                for _ in range(turn):
                    mark = self._marks()[moment]
                    _wait(lambda mark=mark: process.poll() is not None or self._marks()[moment] not in (mark, ""))
                time.sleep(source.uniform(0.0, 0.003))
        finally:
            ended = process.poll() is not None
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # it and its children, all at one moment
            process.wait()
        return "ended before" if ended else self._left()

    def _marks(self) -> dict[str, str]:
        """What shows how far a writer has come; each changes when it takes that step."""
        staged = sorted(glob.glob(f"{self.root}/state/staging/*/*/*/*.parquet"))  # noqa: PTH207 - folders may vanish
        return {
            "lock": _text(self.root / "state" / "lock"),
            "staged": staged[0] if staged else "",
            "manifest": str((self.root / "runs").stat().st_mtime_ns) if (self.root / "runs").exists() else "",
        }

    def _left(self) -> str:
        """In which phase of the commit a writer died, by what it left behind."""
        staging = self.root / "state" / "staging"
        staged = {path.relative_to(path.parents[2]).as_posix(): path for path in staging.glob("*/*/*/*.parquet")}
        told = {
            path
            for folder in staging.glob("*")
            for manifest in [_text(self.root / "runs" / f"{folder.name}.json")]
            if manifest
            for path in json.loads(manifest)["files"]
        }
        if staged.keys() & told:
            return "between manifest and rename"
        if any(not _is_whole(path) for path in staged.values()):
            return "within a file"
        return "files staged" if staged else "between batches"


@contextmanager
def trial(root: Path, pages: int, batch_entries: int = 10, history: int = 2_000) -> Iterator[Trial]:
    """A site of `pages` synthetic pages, and a dataset that has `history` articles of earlier days in small files."""
    rows = articles(history, days=10)
    while batch := list(itertools.islice(rows, 50)):
        ingest(root, batch)
    routes: dict[str, Route] = {
        f"/story-{number}": Reply(body=page, headers=HTML) for number, page in enumerate(synthetic_pages(pages))
    }
    paths = list(routes)
    with ExitStack() as stack:
        site = stack.enter_context(serve(routes))
        wanted = {article_id(site.url(path)) for path in paths}
        feeds = []
        for start in range(0, pages, 100):  # what one feed may list is limited
            items = "".join(f"<item><title>{path}</title><link>{path}</link></item>" for path in paths[start:][:100])
            routes[f"/feed-{start}"] = Reply(body=f'<rss version="2.0"><channel>{items}</channel></rss>')
            feeds.append(f"[[feeds]]\nurl = {json.dumps(site.url(f'/feed-{start}'))}\ninterval_s = 1\n")
        config = root.parent / "kills.toml"
        config.write_text(
            f"output = {json.dumps(str(root))}\n[run]\nworkers = 2\nbatch_entries = {batch_entries}\n[fetch]\n"
            f"per_host_delay_s = 0\nallow_hosts = [{json.dumps(site.host)}]\n" + "".join(feeds)
        )
        reader = Reader(root)
        reader.look()
        reader.start()
        stack.callback(reader.stop)
        yield Trial(root, config, site, wanted | {key for key, _ in reader.seen}, reader)


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "pipeline", *arguments]


def _wait(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.0005)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""


def _is_whole(path: Path) -> bool:
    try:
        pq.read_metadata(path)
    except (OSError, ValueError):
        return False
    return True


if __name__ == "__main__":
    main()
