"""The examples of configs/scheduling and the image: checked by their schedulers' own tools where these are here."""

import configparser
import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import typer

from pipeline.cli import app

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "configs" / "scheduling"
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]  # a group of commands
CALL = re.compile(r"""newsbeam["',]*[ ]["']?(run|stream)\b([^\n\]|]*)""")
CODES = [0, 1, 2, 3, 75, 130, 143]


@pytest.mark.parametrize("path", sorted(FOLDER.iterdir()), ids=lambda path: path.name)
def test_every_option_in_the_scheduling_examples_exists(path: Path) -> None:
    calls = CALL.findall(path.read_text("utf-8"))
    assert calls or path.suffix == ".timer"
    for command, rest in calls:
        known = {option for parameter in COMMANDS[command].params for option in parameter.opts}
        ours = rest.partition("podman stop")[0]
        assert set(re.findall(r"(?<![\w-])--[a-z-]+", ours)) - {"--read-only", "--tmpfs"} <= known


def test_the_table_of_exit_codes_is_the_programs() -> None:
    told = re.findall(r"^\| (\d+(?:, \d+)*) \|", (FOLDER / "README.md").read_text("utf-8"), re.MULTILINE)
    assert [int(code) for cell in told for code in cell.split(", ")] == CODES


# --------------------------------------------------------------------------- cron


@pytest.mark.parametrize("code", CODES)
def test_cron_mails_what_somebody_has_to_know_and_nothing_else(code: int, tmp_path: Path) -> None:
    (line,) = re.findall(r"^\*/10 \* \* \* \* +(.*)$", (FOLDER / "crontab").read_text("utf-8"), re.MULTILINE)
    assert "%" not in line  # cron would take it for a new line
    program = tmp_path / ".venv" / "bin" / "newsbeam"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\n[ {code} -eq 0 ] || echo 'newsbeam: told' >&2\nexit {code}\n")
    program.chmod(program.stat().st_mode | stat.S_IEXEC)
    command = line.replace("/srv/newsbeam", shlex.quote(str(tmp_path)))
    mailed = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=False)
    assert (mailed.stdout + mailed.stderr == "") == (code in (0, 75))


# --------------------------------------------------------------------------- systemd


def unit(name: str) -> configparser.ConfigParser:
    parsed = configparser.ConfigParser(interpolation=None, delimiters=("=",))
    parsed.optionxform = str  # type: ignore[assignment,method-assign]  # names as they are
    parsed.read(FOLDER / name)
    return parsed


def test_the_units_take_a_stopped_run_and_a_dataset_in_use_for_no_failure() -> None:
    assert unit("newsbeam.service")["Service"]["SuccessExitStatus"] == "75 130 143"
    stream = unit("newsbeam-stream.service")["Service"]
    assert stream["RestartPreventExitStatus"] == "2 75"
    assert (stream["Type"], stream["Restart"]) == ("notify", "on-failure")
    assert {"30s", "45"} & {stream["TimeoutStopSec"]}


def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("needs systemd-analyze")
    files = []
    for path in sorted(FOLDER.glob("newsbeam*.*")):
        if path.suffix in (".service", ".timer"):
            text = path.read_text("utf-8").replace("/srv/newsbeam/.venv/bin/newsbeam", sys.executable)
            files.append(tmp_path / path.name)
            files[-1].write_text(text.replace("User=newsbeam", "User=root"))
    checked = subprocess.run(["systemd-analyze", "verify", *files], capture_output=True, text=True, check=False)
    assert [line for line in checked.stderr.splitlines() if "newsbeam" in line] == []
    assert checked.returncode == 0


# --------------------------------------------------------------------------- Kubernetes


@pytest.mark.parametrize("name", ["cronjob.yaml", "deployment.yaml"])
@pytest.mark.parametrize("version", ["1.31", "1.37"])
def test_kubernetes_accepts_the_manifests(name: str, version: str) -> None:
    validate = pytest.importorskip("kubernetes_validate")
    import yaml

    validate.validate(yaml.safe_load((FOLDER / name).read_text("utf-8")), version, strict=True)


def test_the_pods_write_nowhere_but_where_the_image_allows_it() -> None:
    yaml = pytest.importorskip("yaml")
    user = re.search(r"^USER (\d+)$", (ROOT / "Containerfile").read_text("utf-8"), re.MULTILINE)
    for name in ("cronjob.yaml", "deployment.yaml"):
        spec = yaml.safe_load((FOLDER / name).read_text("utf-8"))["spec"]
        pod = (spec.get("jobTemplate", {}).get("spec") or spec)["template"]["spec"]
        (container,) = pod["containers"]
        assert container["securityContext"]["readOnlyRootFilesystem"]
        assert user
        assert container["securityContext"]["runAsUser"] == pod["securityContext"]["fsGroup"] == int(user[1])
        assert {mount["mountPath"] for mount in container["volumeMounts"]} == {"/etc/newsbeam", "/data", "/tmp"}  # noqa: S108
        assert pod["terminationGracePeriodSeconds"] > 30


# --------------------------------------------------------------------------- Airflow

AIRFLOW = """
import sys, warnings
warnings.simplefilter("ignore")
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

bag = DagBag(sys.argv[1])
assert not bag.import_errors, bag.import_errors
(dag,) = bag.dags.values()
task = dag.get_task("run")
assert (task.retries, dag.max_active_runs, dag.catchup) == (2, 1, False)
told = {}
for code in map(int, sys.argv[2].split()):
    program = f"print('{{\\"alarms\\": [\\"told\\"], \\"stored\\": 7}}'); raise SystemExit({code})"
    task.python_callable.__globals__.update(COMMAND=[sys.executable, "-c", program], HOME="/")
    try:
        told[code] = f"stored {task.python_callable()['stored']}"
    except AirflowSkipException:
        told[code] = "skipped"
    except AirflowFailException:
        told[code] = "failed"
    except Exception as error:
        told[code] = "retried"
print("TOLD", told)
"""


def test_airflow_takes_each_exit_code_as_the_table_says(tmp_path: Path) -> None:
    python = os.environ.get("NEWSBEAM_AIRFLOW_PYTHON")
    if not python:
        pytest.skip("set NEWSBEAM_AIRFLOW_PYTHON to a Python that has apache-airflow 3")
    done = subprocess.run(
        [python, "-c", AIRFLOW, str(FOLDER / "newsbeam_dag.py"), " ".join(map(str, CODES))],
        env=os.environ | {"AIRFLOW_HOME": str(tmp_path), "PYTHONPATH": ""}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    (told,) = re.findall(r"^TOLD (.*)$", done.stdout, re.MULTILINE) or [done.stderr]
    assert told == str(
        {0: "stored 7", 1: "retried", 2: "failed", 3: "failed", 75: "skipped", 130: "retried", 143: "retried"}
    )


def test_the_airflow_example_is_python() -> None:
    compile((FOLDER / "newsbeam_dag.py").read_text("utf-8"), "newsbeam_dag.py", "exec")


# --------------------------------------------------------------------------- the image


def pins(name: str) -> dict[str, tuple[str, frozenset[str]]]:
    """Version and hashes of each package that a lock pins."""
    found = re.findall(r"^([\w.-]+)==(\S+) \\\n((?: +--hash=\S+.*\n)+)", (ROOT / name).read_text("utf-8"), re.MULTILINE)
    return {package: (version, frozenset(re.findall(r"sha256:\w+", rest))) for package, version, rest in found}


def test_the_image_installs_what_was_tested_and_nothing_for_development() -> None:
    image, tested = pins("configs/image.lock"), pins("requirements.lock")
    assert image.items() <= tested.items(), "run: make lock"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = {re.split(r"[^\w.-]", told, maxsplit=1)[0].lower() for told in project["dependencies"]}
    assert wanted <= image.keys(), "run: make lock"
    assert not {"pytest", "mypy", "ruff", "pyspark"} & image.keys()


def test_the_containerfile_passes_the_linter() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    if not hadolint.exists():
        pytest.skip("needs hadolint")
    checked = subprocess.run([hadolint, ROOT / "Containerfile"], capture_output=True, text=True, check=False)
    assert checked.stdout == ""
    assert checked.returncode == 0


def test_the_image_takes_every_file_it_is_built_from_and_what_it_ignores_is_not_among_them() -> None:
    text = (ROOT / "Containerfile").read_text("utf-8")
    lines = re.findall(r"^COPY (?!--from)(.*) \S+$", text, re.MULTILINE)
    copied = {source for line in lines for source in line.split()}
    assert [source for source in copied if not (ROOT / source).exists()] == []
    allowed = set(re.findall(r"^!(\S+)$", (ROOT / ".containerignore").read_text("utf-8"), re.MULTILINE))
    assert copied == allowed
    beam = re.search(r"^ARG BEAM=.*_sdk:(\S+)$", text, re.MULTILINE)
    assert beam
    assert pins("configs/image.lock")["apache-beam"][0] == beam[1]


@pytest.mark.parametrize("name", ["flink", "dataflow"])
def test_the_options_of_the_configs_for_engines_are_beams(name: str, caplog: pytest.LogCaptureFixture) -> None:
    from apache_beam.options.pipeline_options import PipelineOptions

    from pipeline.config import load_config

    given = load_config(ROOT / "configs" / f"{name}.toml").settings.run.beam_options
    with caplog.at_level("WARNING"):
        told = PipelineOptions([*given]).get_all_options(drop_default=True)
    assert [record.message for record in caplog.records if "unparseable" in record.message] == []
    assert len(told) == len(given)
