"""The data dictionary, generated from the schema and the list of reasons: as Markdown and as plain tables."""

import json
import sys
from pathlib import Path
from typing import Any

from pipeline.errors import UsageError
from transforms.arrow_schema import arrow_schema
from transforms.reject import REASONS
from transforms.schema import DATASETS, SCHEMA_VERSION, columns


def as_tables() -> dict[str, Any]:
    """Every dataset's columns with type and field metadata, and every reason a reject can have."""
    return {
        "schema_version": SCHEMA_VERSION,
        "datasets": {
            dataset: [
                {"name": field.name, "type": str(field.type), **_metadata(field.metadata)}
                for field in arrow_schema(dataset)
            ]
            for dataset in DATASETS
        },
        "reasons": {
            name: {"stage": reason.stage, "retryable": reason.retryable, "description": reason.description}
            for name, reason in REASONS.items()
        },
    }


def as_markdown() -> str:
    """The dictionary as data/README.md carries it."""
    parts = [f"Schema version {SCHEMA_VERSION}. Empty means null: unknown, never an empty string.\n"]
    for dataset, record in DATASETS.items():
        parts.append(f"### {dataset}\n\n{(record.__doc__ or '').strip()}\n")
        parts.append("| column | type | meaning | unit | schema.org | IPTC | GDELT |\n|---|---|---|---|---|---|---|")
        types = {field.name: str(field.type) for field in arrow_schema(dataset)}
        for name, column in columns(dataset).items():
            cells = [f"`{name}`", _type(types[name]), column.description]
            cells += [cell or "" for cell in (column.unit, column.schema_org, column.iptc, column.gdelt)]
            parts.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        parts.append("")
    parts.append("### Reasons of rejects\n")
    parts.append("| reason | stage | may succeed later | meaning |\n|---|---|---|---|")
    for name, reason in REASONS.items():
        again = "yes" if reason.retryable else "no"
        parts.append(f"| `{name}` | {reason.stage} | {again} | {reason.description} |")
    return "\n".join(parts) + "\n"


def read_tables(path: Path) -> dict[str, Any]:
    """What `newsbeam schema --json` printed into `path`; raises `UsageError` for anything else."""
    try:
        tables = json.loads(path.read_text(encoding="utf-8"))
        columns = [column for columns in tables["datasets"].values() for column in columns]
        if all(isinstance(column["name"], str) and isinstance(column["type"], str) for column in columns):
            return dict(tables)
    except (ValueError, TypeError, KeyError, AttributeError):
        pass
    raise UsageError(f"{path}: expected what `newsbeam schema --json` printed")


def compare(old: dict[str, Any], new: dict[str, Any]) -> tuple[list[str], list[str]]:
    """What `new` adds to `old`, and what in it breaks a reader of `old`: a column gone, or of another type."""
    added, broken = [], []
    for dataset, columns_then in old["datasets"].items():
        then = {column["name"]: column["type"] for column in columns_then}
        now = {column["name"]: column["type"] for column in new["datasets"].get(dataset, ())}
        broken += [f"{dataset}.{name}: gone" for name in then if name not in now]
        broken += [
            f"{dataset}.{name}: was {then[name]}, is {now[name]}"
            for name in then
            if name in now and now[name] != then[name]
        ]
        added += [f"{dataset}.{name}: added" for name in now if name not in then]
    return added, broken


def _type(arrow_type: str) -> str:
    return arrow_type.replace("element: ", "").replace("[us, tz=UTC]", "[us, UTC]")


def _metadata(metadata: dict[bytes, bytes]) -> dict[str, str]:
    return {key.decode(): value.decode() for key, value in metadata.items()}


def update(path: Path) -> None:
    """Replace the generated part of `path`, which begins at the heading "## Columns"."""
    head, heading, _ = path.read_text(encoding="utf-8").partition("## Columns\n")
    path.write_text(f"{head}{heading}\n{as_markdown()}", encoding="utf-8")


if __name__ == "__main__":
    update(Path(sys.argv[1]))
