import configparser
import re
from pathlib import Path

import pytest
import typer

from pipeline.cli import app

FOLDER = Path(__file__).parent.parent / "configs" / "scheduling"
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]  # a group of commands
CALL = re.compile(r"""newsbeam["',]*[ ]["']?(run|stream)\b([^\n\]|]*)""")


@pytest.mark.parametrize("path", sorted(FOLDER.iterdir()), ids=lambda path: path.name)
def test_every_option_in_the_scheduling_examples_exists(path: Path) -> None:
    calls = CALL.findall(path.read_text("utf-8"))
    assert calls or path.suffix == ".timer"
    for command, rest in calls:
        known = {option for parameter in COMMANDS[command].params for option in parameter.opts}
        assert set(re.findall(r"--[a-z-]+", rest)) <= known


def test_the_units_take_a_stopped_run_and_a_dataset_in_use_for_no_failure() -> None:
    oneshot = configparser.ConfigParser(interpolation=None)
    oneshot.read(FOLDER / "newsbeam.service")
    assert oneshot["Service"]["SuccessExitStatus"] == "75 130 143"
    stream = configparser.ConfigParser(interpolation=None)
    stream.read(FOLDER / "newsbeam-stream.service")
    assert stream["Service"]["RestartPreventExitStatus"] == "2 75"


def test_the_airflow_example_is_python() -> None:
    compile((FOLDER / "newsbeam_dag.py").read_text("utf-8"), "newsbeam_dag.py", "exec")


def test_the_table_of_exit_codes_is_the_programs() -> None:
    told = re.findall(r"^\| (\d+(?:, \d+)*) \|", (FOLDER / "README.md").read_text("utf-8"), re.MULTILINE)
    assert [int(code) for cell in told for code in cell.split(", ")] == [0, 1, 2, 3, 75, 130, 143]
