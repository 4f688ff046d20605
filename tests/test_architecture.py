"""The layout's rules: who may import what, and who may look at the clock."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
VERBS = {"fetch", "clean", "deduplicate", "tag", "write"}
BESIDE_VERBS = {"gather", "joined", "tally", "watch"}
BEAM_ALLOWED = {f"transforms.{name}" for name in VERBS | BESIDE_VERBS}
ONLY_IN = {
    "feedparser": {"transforms.feeds"},
    "trafilatura": {"transforms.extraction"},
    "aiohttp": {"transforms.http_client"},
    "tomllib": {"pipeline.config", "transforms.lexicons"},
    "obstore": {"pipeline.objects"},
}
CLOCKS = {"now", "utcnow", "today", "time"}
CLOCK_ALLOWED = {
    "pipeline.cli",
    "pipeline.cli_data",
    "pipeline.run",
    "pipeline.stream",
    "pipeline.check",
    "pipeline.feeds_command",
    "transforms.http_client",
    "transforms.watch",
}


def modules() -> dict[str, ast.Module]:
    files = [path for package in ("pipeline", "transforms") for path in (ROOT / package).rglob("*.py")]
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): ast.parse(path.read_text())
        for path in files
    }


MODULES = modules()


def imported(tree: ast.Module) -> set[str]:
    """Every module that `tree` imports, anywhere in it, with the names imported from packages of ours."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def packages(tree: ast.Module) -> set[str]:
    return {name.split(".", 1)[0] for name in imported(tree)}


@pytest.mark.parametrize("name", [name for name in MODULES if name.startswith("transforms")])
def test_transforms_never_import_the_pipeline(name: str) -> None:
    assert "pipeline" not in packages(MODULES[name])


@pytest.mark.parametrize("name", [name for name in MODULES if name.startswith("transforms")])
def test_nouns_import_neither_beam_nor_verbs(name: str) -> None:
    if name not in BEAM_ALLOWED:
        assert "apache_beam" not in packages(MODULES[name])
        assert not {f"transforms.{verb}" for verb in VERBS} & imported(MODULES[name])


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_verbs_never_import_each_other(verb: str) -> None:
    assert not {f"transforms.{other}" for other in VERBS - {verb}} & imported(MODULES[f"transforms.{verb}"])


@pytest.mark.parametrize("library", sorted(ONLY_IN))
def test_each_library_has_its_one_place(library: str) -> None:
    users = {name for name, tree in MODULES.items() if library in packages(tree)}
    assert users <= ONLY_IN[library]


@pytest.mark.parametrize("name", sorted(set(MODULES) - CLOCK_ALLOWED))
def test_only_the_run_and_the_http_client_look_at_the_clock(name: str) -> None:
    for node in ast.walk(MODULES[name]):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CLOCKS:
            owner = node.func.value
            assert not (isinstance(owner, ast.Name) and owner.id in {"datetime", "date", "time"}), ast.dump(node)


def test_nothing_imports_the_command_line() -> None:
    importers = {name for name, tree in MODULES.items() if "pipeline.cli" in imported(tree)}
    assert importers == {"pipeline.__main__"}
    parts = {name for name, tree in MODULES.items() if any("pipeline.cli_" in module for module in imported(tree))}
    assert parts <= {"pipeline.cli", "pipeline.cli_data", "pipeline.cli_feeds"}


def test_the_index_of_transforms_names_every_module() -> None:
    index = set(re.findall(r"\w+", ast.get_docstring(MODULES["transforms"]) or ""))
    names = {name.split(".")[1] for name in MODULES if name.startswith("transforms.")}
    assert names - index == set()
