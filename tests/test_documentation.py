"""What users read is complete: every option, key, column and reason stands where it should, and the examples run."""

import dataclasses
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from typer.main import get_command

from pipeline.cli import app
from pipeline.config import load_config
from pipeline.dictionary import as_markdown
from pipeline.query import DERIVED_VIEWS
from tests.articles import make_article, make_fetch, make_reject
from transforms.partitions import write_parts
from transforms.schema import Feed
from transforms.settings import Settings, WriteSettings

ROOT = Path(__file__).parent.parent
DICTIONARY = ROOT / "data" / "README.md"
ALL_KEYS = ROOT / "configs" / "newsbeam.toml"
README = ROOT / "README.md"


def defaults() -> dict[str, object]:
    """Every section.key with its default."""
    return {
        f"{section.name}.{key}": list(value) if isinstance(value, tuple) else value
        for section in dataclasses.fields(Settings)
        for key, value in dataclasses.asdict(getattr(Settings(), section.name)).items()
    }


def test_the_config_file_that_lists_every_key_does_so_at_the_defaults() -> None:
    document = tomllib.loads(ALL_KEYS.read_text())
    listed = {
        f"{section}.{key}": value
        for section, keys in document.items()
        if section != "output"
        for key, value in keys.items()
    }
    assert listed == defaults()


def test_every_key_of_a_feed_is_explained() -> None:
    text = ALL_KEYS.read_text()
    assert [field.name for field in dataclasses.fields(Feed) if not re.search(rf"#? *{field.name}\b", text)] == []


@pytest.mark.parametrize("path", sorted((ROOT / "configs").glob("*.toml")), ids=lambda path: path.name)
def test_every_shipped_config_is_valid(path: Path) -> None:
    load_config(path)


def test_the_data_dictionary_is_the_schema_as_it_is_now() -> None:
    assert as_markdown() in DICTIONARY.read_text(), "run: make dictionary"


def test_every_command_and_option_stands_in_the_readme() -> None:
    text = README.read_text()
    missing = []

    def visit(name: str, command: Any) -> None:
        for sub_name, sub in getattr(command, "commands", {}).items():
            visit(f"{name} {sub_name}", sub)
        if not hasattr(command, "commands"):
            missing.extend([] if name in text else [name])
            missing.extend(
                option
                for parameter in command.params
                for option in parameter.opts
                if option.startswith("--") and option not in text
            )

    visit("newsbeam", get_command(app))
    assert sorted(set(missing) - {"--help"}) == []


# --------------------------------------------------------------------------- the examples of the data dictionary


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which `data/news` is a small dataset: two articles, one of them in two versions."""
    folder = tmp_path_factory.mktemp("reading")
    root = folder / "data" / "news"
    rows = [
        make_article(run_id="r"),
        make_article(version=2, title="Ferry line reopens at last", run_id="r"),
        make_article(url="https://b.example/2", publisher_domain="b.example", run_id="r"),
        make_reject(),
        make_fetch(),
    ]
    write_parts(rows, root, "r", WriteSettings())
    (root / "runs").mkdir()
    (root / "runs" / "r.json").write_text('{"run_id": "r", "finished_at": "2026-03-01"}')
    (root / "runs" / "s.json").write_text('{"run_id": "s", "finished_at": null}')
    return folder


def examples() -> dict[str, str]:
    """The Python examples of the data dictionary by the heading they stand under."""
    found = re.findall(r"### (\w+)\n(?:(?!###).)*?```python\n(.*?)```", DICTIONARY.read_text(), re.DOTALL)
    return dict(found)


@pytest.mark.parametrize("engine", ["pyarrow", "pandas", "Polars", "DuckDB", "Spark", "Incremental"])
def test_the_shown_example_reads_the_dataset(engine: str, dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if engine == "Spark":
        pytest.importorskip("pyspark")
        if not shutil.which("java"):
            pytest.skip("Spark needs a Java runtime, and there is none here")
    monkeypatch.chdir(dataset)
    names: dict[str, object] = {}
    exec(examples()[engine], names)  # noqa: S102 - our own documentation
    assert (names["articles_count"], names["current_count"]) == (3, 2)


def test_the_shown_duckdb_views_are_those_of_newsbeam_query() -> None:
    shown = " ".join(examples()["DuckDB"].split())
    assert [name for name, sql in DERIVED_VIEWS.items() if f"VIEW {name} AS {sql};" not in shown] == []


def test_every_part_file_carries_the_descriptions_of_its_columns(dataset: Path) -> None:
    for path in (dataset / "data" / "news").rglob("*.parquet"):
        assert all(field.metadata[b"description"] for field in pq.read_schema(path))


def test_help_needs_neither_beam_nor_arrow() -> None:
    program = (
        "import sys, pipeline.cli; sys.exit(bool({'apache_beam', 'pyarrow', 'pydantic', 'duckdb'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)
