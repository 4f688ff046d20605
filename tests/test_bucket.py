"""A dataset in an object store: a real S3 server on loopback, several machines, killed at every request."""

import itertools
import json
import logging
import os
import shutil
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pyarrow.parquet as pq
import pytest
from moto.server import ThreadedMotoServer
from typer.testing import CliRunner

from pipeline import commit_log, stores
from pipeline.cli import app
from pipeline.config import load_config
from pipeline.dataset import Dataset, live_files
from pipeline.errors import DatasetError, DatasetLockedError, UsageError
from pipeline.objects import Objects
from pipeline.rewrite import compact, forget_url
from pipeline.run import Options, run_once
from pipeline.state import FeedMemory
from pipeline.verify import verify
from tests.benchmarks.history import FIRST_DAY, articles, ingest
from tests.benchmarks.synthetic import synthetic_pages
from tests.pages import page
from tests.rolling_site import rolling_sites
from tests.servers import HTML, Reply, serve
from transforms.polling import FeedState
from transforms.settings import WriteSettings
from transforms.warc import ArchiveWriter, read_pages

LONG_AFTER = FIRST_DAY + timedelta(days=400)
KNOWN = FeedState(feed_id="a", url="https://a.example/feed", etag='"7"')
BUCKETS = itertools.count(1)
STEP = int(os.environ.get("NEWSBEAM_KILL_STEP", "3"))  # every third request is enough for the suite; 1 tries them all


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def url(server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of a dataset nobody has written to yet."""
    for name, value in {
        "AWS_ENDPOINT_URL": server,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    bucket = f"bucket-{next(BUCKETS)}"
    boto3.client("s3", endpoint_url=server, region_name="us-east-1").create_bucket(Bucket=bucket)
    return f"s3://{bucket}/news/world"


class Machines:
    """Machines that share a dataset, each with a cache of its own."""

    def __init__(self, url: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.url, self._folder, self._patch = url, folder, monkeypatch

    def __getitem__(self, name: str) -> Path:
        """The folder of the dataset on the machine, as it was left."""
        self._patch.setenv("XDG_CACHE_HOME", str(self._folder / name))
        return stores.folder_of(self.url)

    def reader(self) -> Path:
        """The folder on a machine that only reads, up to date."""
        folder = self["reader"]
        stores.store_of(folder).refresh()
        return folder

    def objects(self) -> list[str]:
        """The names of all objects."""
        return [stat.key for stat in Objects(self.url).list("")]


@pytest.fixture
def machines(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machines:
    return Machines(url, tmp_path, monkeypatch)


def stored(folder: Path) -> list[str]:
    """The ids of all stored articles, as any reader of Parquet finds them."""
    return sorted(
        article_id
        for file in folder.glob("articles/*/*.parquet")
        for article_id in pq.read_table(file, columns=["article_id"], partitioning=None)["article_id"].to_pylist()
    )


def assert_sound(machines: Machines, wanted: list[str]) -> None:
    """Each wanted article is there once, every promise is kept, and the store holds what counts and nothing else."""
    folder = machines.reader()
    assert stored(folder) == sorted(wanted)
    assert list(verify(folder)) == []
    assert [key for key in machines.objects() if key.startswith("state/staging/")] == []
    assert {key for key in machines.objects() if key.endswith(".parquet")} == set(
        live_files(Dataset(folder).manifests())
    )


class Killed(BaseException):
    """The process dies at a request, which is not made."""


@pytest.fixture
def kill_at(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function that lets a number of requests pass; none afterwards. It tells how many were made."""
    made = [0]
    real = Objects._request

    def set_limit(limit: float) -> int:
        before, made[0] = made[0], 0

        def request(self: Objects, *arguments: Any, **options: Any) -> Any:
            made[0] += 1
            if made[0] > limit:
                raise Killed
            return real(self, *arguments, **options)

        monkeypatch.setattr(Objects, "_request", request)
        return before

    return set_limit


def test_what_one_machine_commits_another_reads_and_goes_on_with(machines: Machines) -> None:
    rows = list(articles(60, days=3))
    ingest(machines["one"], rows[:40])
    assert_sound(machines, [row.article_id for row in rows[:40]])
    ingest(machines["two"], rows[20:])  # half of it is known
    ingest(machines["one"], rows)
    assert_sound(machines, [row.article_id for row in rows])


@pytest.mark.prism
def test_what_an_engine_brings_goes_to_the_store_as_any(prism: list[str], machines: Machines, tmp_path: Path) -> None:
    """Its workers see the copy alone, and need no key to the store."""
    config = tmp_path / "config.toml"
    with rolling_sites(articles=6) as site:
        config.write_text(site.config(machines["starter"]))
        run_once(load_config(config), Options(runner="prism", beam_arguments=prism), lambda *_: None)
    wanted = stored(machines["starter"])
    assert len(wanted) == 6
    assert_sound(machines, wanted)


def test_killed_at_any_request_of_a_run_the_next_on_any_machine_completes_it(machines: Machines, kill_at: Any) -> None:
    source = articles(2_000, days=20)
    wanted: list[str] = []
    others = itertools.cycle(("one", "two"))
    for limit in itertools.count(1, STEP):
        rows = list(itertools.islice(source, 12))
        folder = machines["one"]
        kill_at(limit)
        died = False
        try:
            ingest(folder, rows)
        except Killed:
            died = True
        kill_at(float("inf"))
        wanted += [row.article_id for row in rows]
        reader = stored(machines.reader())
        assert len(reader) == len(set(reader))
        assert set(reader) <= set(wanted)
        assert set(wanted[:-12]) <= set(reader)
        with suppress_age():
            ingest(machines[next(others)], rows)
        assert_sound(machines, wanted)
        if not died:
            break
    assert limit > 12  # or the test has stopped killing


def test_killed_at_any_request_of_a_compaction_every_row_is_there_once(machines: Machines, kill_at: Any) -> None:
    source = articles(2_000, days=20)
    wanted: list[str] = []
    others = itertools.cycle(("one", "two"))
    for limit in itertools.count(3, STEP):
        for _ in range(2):
            rows = list(itertools.islice(source, 5))
            wanted += [row.article_id for row in rows]
            ingest(machines["one"], rows)
        folder = machines["one"]
        kill_at(limit)
        died = False
        try:
            compact(folder, WriteSettings(), LONG_AFTER)
        except Killed:
            died = True
        kill_at(float("inf"))
        assert stored(machines.reader()) == sorted(wanted)
        with suppress_age():
            assert machines[next(others)]
            compact(stores.refreshed(machines.url), WriteSettings(), LONG_AFTER)
        assert_sound(machines, wanted)
        if not died:
            break
    assert limit > 12


def test_a_dataset_is_held_by_one_writer_and_the_other_is_told_by_whom(machines: Machines) -> None:
    one = Dataset(machines["one"])
    with one.lock("the first", FIRST_DAY):
        two = Dataset(machines["two"])
        with (
            pytest.raises(DatasetLockedError, match=r"held by the first, process \d+ on .*free in \d+ s"),
            two.lock("the second", FIRST_DAY),
        ):
            pass
    with two.lock("the second", FIRST_DAY):
        pass


def test_a_writer_that_was_given_up_on_commits_nothing_more(machines: Machines) -> None:
    rows = list(articles(20, days=1))
    one = Dataset(machines["one"])
    with pytest.raises(DatasetError, match="another writer has taken over"), one.lock("a run", FIRST_DAY) as run_id:
        with suppress_age():
            ingest(machines["two"], rows)
        one.write_manifest({"run_id": run_id, "files": [], "finished_at": None})
    assert_sound(machines, [row.article_id for row in rows])


def test_erased_rows_leave_the_store_and_every_copy(machines: Machines) -> None:
    rows = list(articles(30, days=2))
    ingest(machines["one"], rows)
    ingest(machines["two"], rows)
    assert forget_url(machines["one"], rows[3].url, WriteSettings(), LONG_AFTER)
    two = machines["two"]
    stores.store_of(two).refresh()
    assert rows[3].article_id not in stored(two)
    assert not (two / "state" / "articles.sqlite3").exists()
    assert rows[3].article_id not in stored(machines.reader())


def test_what_feeds_told_is_known_on_the_next_machine(machines: Machines) -> None:
    one = Dataset(machines["one"])
    with one.lock("a run", FIRST_DAY):
        feeds = FeedMemory(one)
        feeds.save_feeds([(KNOWN.url, KNOWN)])
        feeds.close()
    two = Dataset(machines["two"])
    with two.lock("a run", FIRST_DAY):
        feeds = FeedMemory(two)
        assert feeds._state(KNOWN.url) == KNOWN
        feeds.close()


def test_a_cache_may_be_deleted(machines: Machines) -> None:
    rows = list(articles(30, days=2))
    ingest(machines["one"], rows)
    shutil.rmtree(machines["one"])
    ingest(machines["one"], rows)
    assert_sound(machines, [row.article_id for row in rows])


def test_archived_pages_are_forgotten_in_the_store_too(machines: Machines, tmp_path: Path) -> None:
    rows = list(articles(3, days=1))
    ingest(machines["one"], rows)
    forgotten, kept = page("<p>Forgotten", url=rows[0].url), page("<p>Kept", url=rows[1].url)
    with ArchiveWriter(tmp_path / "a.warc.gz", "archive/a.warc.gz") as archive:
        archive.add(forgotten)
        archive.add(kept)
    objects = Objects(machines.url)
    objects.put("archive/a.warc.gz", tmp_path / "a.warc.gz")
    stores.store_of(machines["two"]).refresh()
    forget_url(machines["two"], rows[0].url, WriteSettings(), LONG_AFTER)
    (tmp_path / "b.warc.gz").write_bytes(objects.get("archive/a.warc.gz") or b"")
    assert [found.body for found in read_pages(tmp_path / "b.warc.gz")] == [kept.body]


def test_objects_that_are_lost_are_told_of(machines: Machines) -> None:
    rows = list(articles(30, days=2))
    ingest(machines["one"], rows)
    lost = next(key for key in machines.objects() if key.endswith(".parquet"))
    Objects(machines.url).delete([lost])
    assert any(lost in sentence for sentence in verify(machines.reader()))


@pytest.mark.parametrize("output", ["s3://", "ftp://a/b", "s3:/a"])
def test_other_addresses_are_refused(output: str) -> None:
    if output == "s3:/a":
        assert stores.folder_of(output) == Path("s3:/a").absolute()  # a folder of that name
        return
    with pytest.raises(UsageError, match="expected a folder, s3://BUCKET/PREFIX"):
        stores.folder_of(output)


@pytest.mark.parametrize("name", ["no-such-bucket", "refused"])
def test_a_store_that_cannot_be_read_is_named(url: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    address = f"s3://{name}/x"
    with pytest.raises(DatasetError, match=address):
        list(Objects(address).list("runs"))


class suppress_age:  # noqa: N801
    """Inside, a lease counts as old at once."""

    def __enter__(self) -> None:
        self._before, commit_log.LEASE_S = commit_log.LEASE_S, 0.0

    def __exit__(self, *_: object) -> None:
        commit_log.LEASE_S = self._before


def test_every_command_takes_the_address(machines: Machines, tmp_path: Path) -> None:
    pages = {f"/story-{number}": Reply(body=page, headers=HTML) for number, page in enumerate(synthetic_pages(4))}
    items = "".join(f"<item><title>{path}</title><link>{path}</link></item>" for path in pages)
    feed = Reply(body=f'<rss version="2.0"><channel>{items}</channel></rss>', headers={"ETag": '"1"'})
    with serve({**pages, "/feed": feed}) as site:
        config = tmp_path / "bucket.toml"
        config.write_text(
            f'output = "{machines.url}"\n[run]\nworkers = 1\n[fetch]\nper_host_delay_s = 0\narchive = true\n'
            f'allow_hosts = ["{site.host}"]\n[[feeds]]\nurl = "{site.url("/feed")}"\ninterval_s = 1\n'
        )

        def on(machine: str, *arguments: str) -> str:
            assert machines[machine]
            done = CliRunner().invoke(app, arguments)
            assert done.exit_code == 0, (arguments, done.output)
            return done.stdout

        assert json.loads(on("one", "run", str(config), "--json", "--quiet"))["stored"] == 4
        time.sleep(1.1)
        again = json.loads(on("two", "run", str(config), "--json", "--quiet"))
        assert (again["feeds"]["polled"], again["feeds"]["unchanged"], again["entries"]) == (1, 1, 0)
        assert "sound" in on("three", "verify", machines.url)
        assert on("three", "compact", machines.url) == "0 partitions compacted\n"
        assert "2 rows erased" in on("two", "forget", machines.url, site.url("/story-3"))
        count = "SELECT count(*) AS articles FROM articles"
        assert on("one", "query", machines.url, count, "--format", "csv").split() == ["articles", "3"]
        on("one", "retry", str(config), "--quiet")
        archived = next((machines["one"] / "archive").iterdir())
        assert archived.name in {Path(key).name for key in machines.objects()}
        replayed = json.loads(on("two", "replay", str(config), str(archived), "--json", "--quiet"))
        assert (replayed["unchanged"], replayed["stored"]) == (3, 1)
        assert "sound" in on("four", "verify", machines.url)
