"""Deliveries: what a bounded pipeline, or a window of an unbounded one, hands over to be committed.

A delivery is a file beside the staged part files it lists, written last and in one step. It carries as data what the
books need beside the rows: entries that ended without one, polls, and what time the stages took. An engine's own
counters would not do: they count a bundle again that was retried.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from transforms.partitions import PartFile
from transforms.schema import Kept, Polled, Settled, Spent

Note = Settled | Polled | Spent | Kept
SUFFIX = ".delivery.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """`parts` are staged under the run's folder; the notes beside have no rows."""

    run_id: str
    name: str
    parts: tuple[PartFile, ...]
    settled: tuple[Settled, ...] = ()
    polls: tuple[Polled, ...] = ()
    spent: tuple[Spent, ...] = ()
    kept: tuple[Kept, ...] = ()


_DELIVERY = TypeAdapter(Delivery)


def delivery_of(run_id: str, name: str, delivered: Iterable[PartFile | Note]) -> Delivery:
    """The delivery of these part files and notes."""
    items = list(delivered)
    return Delivery(
        run_id=run_id,
        name=name,
        parts=tuple(sorted((item for item in items if isinstance(item, PartFile)), key=lambda part: part.path)),
        settled=tuple(item for item in items if isinstance(item, Settled)),
        polls=tuple(item for item in items if isinstance(item, Polled)),
        spent=tuple(item for item in items if isinstance(item, Spent)),
        kept=tuple(item for item in items if isinstance(item, Kept)),
    )


def save(delivery: Delivery, folder: Path) -> None:
    """Write the delivery into `folder`, in one step."""
    folder.mkdir(parents=True, exist_ok=True)
    staged = folder / f".{delivery.name}.tmp"
    staged.write_bytes(_DELIVERY.dump_json(delivery))
    staged.replace(folder / f"{delivery.name}{SUFFIX}")


def load(folder: Path, name: str) -> Delivery:
    """The delivery `name` of a run staged in `folder`; raises OSError or ValueError when it cannot be read."""
    return _DELIVERY.validate_json((folder / f"{name}{SUFFIX}").read_bytes())


def found(staging: Path) -> Iterator[tuple[Path, str]]:
    """Folder and name of the deliveries of all runs staged below `staging`, the oldest first."""
    for file in sorted(staging.glob(f"*/*{SUFFIX}"), key=lambda file: file.name):
        yield file.parent, file.name.removesuffix(SUFFIX)
