"""`make engines`: brings the engines into `.engines/` (or $NEWSBEAM_ENGINES), each once.

Prism is built by Go, Flink's distribution comes from the Python index, Beam's job servers for Flink and Spark are put
together by Maven from Beam's released runners, that for Spark with all of Spark. Each tool uses whatever registry it is
configured for. What cannot be had is said, with the reason, and doesn't hinder the others: tests that need it are
skipped. Everything is first made beside its place and then moved there, so an interrupted fetch leaves nothing half
there.

The versions are here and nowhere else. Prism is of the very Beam release that is installed. Flink's and Spark's are the
newest pairs that Maven held whole when this was written: Beam promises nothing about a Python SDK newer than the job
server, so the tests marked `flink` and `spark` are what says that the pairs work.
"""

import importlib.metadata
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock

FLINK_LINE = "1.19"  # of those Beam's Python SDK names
FLINK_VERSION = "1.19.3"
SPARK_VERSION = "3.5.7"
RUNNER_VERSION = "2.62.0"  # the Beam release whose runners for Flink and Spark are used

HERE = Path(__file__).parent
FOLDER = Path(os.environ.get("NEWSBEAM_ENGINES") or HERE.parent.parent / ".engines").resolve()
BEAM_VERSION = importlib.metadata.version("apache-beam")

PRISM = FOLDER / f"prism-{BEAM_VERSION}"
FLINK = FOLDER / f"flink-{FLINK_VERSION}"
FLINK_JOB_SERVER = FOLDER / f"flink-{FLINK_LINE}-job-server-{RUNNER_VERSION}.jar"
SPARK_JOB_SERVER = FOLDER / f"spark-{SPARK_VERSION}-job-server-{RUNNER_VERSION}.jar"  # and all of Spark

MAVEN = Lock()
DEADLINE_S = 600  # for one engine: a first build of Prism takes some minutes


class NotFetchedError(Exception):
    """An engine could not be had; the text says why."""


def main() -> None:
    """Fetches what is missing and says of each engine where it is, or why it isn't there. Never fails."""
    wanted = {
        PRISM: fetch_prism,
        FLINK: fetch_flink,
        FLINK_JOB_SERVER: fetch_flink_job_server,
        SPARK_JOB_SERVER: fetch_spark_job_server,
    }
    with ThreadPoolExecutor(len(wanted)) as threads:
        for path, said in zip(wanted, threads.map(fetch_once, wanted, wanted.values()), strict=True):
            print(f"{path.name}: {said}", flush=True)


def fetch_once(path: Path, fetch: Callable[[Path, Path], None]) -> str:
    """Has `fetch(path, work)` make `path` unless it exists; `work` is a scratch folder. Returns a line to print."""
    if path.exists():
        return "there"
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix="fetching-") as work:
        try:
            fetch(path, Path(work))
        except (NotFetchedError, OSError) as error:
            return f"not fetched: {error}"
    return "fetched"


def fetch_prism(path: Path, work: Path) -> None:
    """Builds Prism of the installed Beam's version with Go."""
    module = f"github.com/apache/beam/sdks/v2/go/cmd/prism@v{BEAM_VERSION}"
    run("go", "install", module, env={"GOBIN": str(work)})
    (work / "prism").rename(path)


def fetch_flink(path: Path, work: Path) -> None:
    """Takes the jars of a standalone Flink out of the distribution on the Python index."""
    wanted = f"apache-flink-libraries=={FLINK_VERSION}"
    run(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(work), wanted)
    archive = next(work.glob("*.tar.gz"), None)
    if archive is None:
        raise NotFetchedError(f"pip downloaded no source archive of {wanted}")
    with tarfile.open(archive) as tar:
        tar.extractall(work, filter="data")
    jars = work / "jars"
    jars.mkdir()
    for jar in work.glob("*/deps/lib/*.jar"):
        if not jar.name.startswith(("flink-table", "flink-cep", "flink-csv", "flink-json", "flink-scala")):
            jar.rename(jars / jar.name)
    jars.rename(path)


def fetch_flink_job_server(path: Path, work: Path) -> None:
    """Has Maven merge Beam's Flink runner and all it needs into one jar."""
    runner = f"beam-runners-flink-{FLINK_LINE}"
    merge_job_server(path, work, runner, "org.apache.beam.runners.flink.FlinkJobServerDriver")


def fetch_spark_job_server(path: Path, work: Path) -> None:
    """Has Maven merge Beam's Spark runner, all it needs and Spark into one jar."""
    spark = ("--activate-profiles", "spark", f"-Dspark.version={SPARK_VERSION}")
    merge_job_server(path, work, "beam-runners-spark-3", "org.apache.beam.runners.spark.SparkJobServerDriver", *spark)


def merge_job_server(path: Path, work: Path, runner: str, main: str, *more: str) -> None:
    """Has Maven make the jar (pom.xml); one at a time, for both write into Maven's own store."""
    shutil.copy(HERE / "pom.xml", work)
    told = (f"-Drunner={runner}", f"-Dbeam.version={RUNNER_VERSION}", f"-Dmain={main}", *more)
    with MAVEN:
        run("mvn", "--batch-mode", "--quiet", "--file", str(work / "pom.xml"), "package", *told)
    (work / "target" / "job-server-1.jar").rename(path)


def run(*command: str, env: dict[str, str] | None = None) -> None:
    """Runs one tool; raises NotFetchedError with the tool's last words where it is absent, fails or takes too long."""
    if not shutil.which(command[0]):
        raise NotFetchedError(f"{command[0]} is not installed")
    try:
        done = subprocess.run(
            command,
            env=os.environ | (env or {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise NotFetchedError(f"{command[0]} took more than {DEADLINE_S} s") from error
    if done.returncode:
        lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
        said = next((line for line in lines if "ERROR" in line), lines[-1] if lines else "no output")
        raise NotFetchedError(f"{command[0]} failed: {said}")


if __name__ == "__main__":
    main()
