"""Deliveries: what a bounded pipeline, or a window of an unbounded one, hands over to be committed.

A delivery is a file beside the staged part files it lists, written last and in one step. It carries as data what the
books need beside the rows: entries that ended without one, and polls. An engine's own counters would not do: they count
a bundle again that was retried.
"""

import dataclasses
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from transforms.partitions import PartFile
from transforms.schema import Polled, Settled

Note = Settled | Polled
SUFFIX = ".delivery.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """`parts` are staged under the run's folder; `settled` entries and `polls` have no rows."""

    run_id: str
    name: str
    parts: tuple[PartFile, ...]
    settled: tuple[Settled, ...] = ()
    polls: tuple[Polled, ...] = ()


def save(delivery: Delivery, folder: Path) -> None:
    """Write the delivery into `folder`, in one step."""
    folder.mkdir(parents=True, exist_ok=True)
    staged = folder / f".{delivery.name}.tmp"
    staged.write_text(json.dumps(dataclasses.asdict(delivery), default=_text), "utf-8")
    staged.replace(folder / f"{delivery.name}{SUFFIX}")


def load(folder: Path, name: str) -> Delivery:
    """The delivery `name` of a run staged in `folder`; raises OSError or ValueError when it cannot be read."""
    told = json.loads((folder / f"{name}{SUFFIX}").read_text("utf-8"))
    return Delivery(
        run_id=told["run_id"],
        name=told["name"],
        parts=tuple(PartFile(**part) for part in told["parts"]),
        settled=tuple(
            Settled(**{**settled, "seen_at": datetime.fromisoformat(settled["seen_at"])}) for settled in told["settled"]
        ),
        polls=tuple(
            Polled(**{**poll, "seen": tuple((key, print_) for key, print_ in poll["seen"])}) for poll in told["polls"]
        ),
    )


def found(staging: Path) -> Iterator[tuple[Path, str]]:
    """Folder and name of the deliveries of all runs staged below `staging`, the oldest first."""
    for file in sorted(staging.glob(f"*/*{SUFFIX}"), key=lambda file: file.name):
        yield file.parent, file.name.removesuffix(SUFFIX)


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(type(value))
