"""Write: rows of the three datasets in, staged part files out, and the list of what was delivered.

In: everything that entries end as: articles, rejects and fetches, which become rows, and notes beside them, which
don't. Each row is stamped with its run's id, goes to the partition of its `seen_date` and into one
part file a partition and window. Out: a `Delivery`: the part files, staged and durable, not yet visible, and the notes.
The run counts it against its books, writes the manifest and makes the files visible.

Guaranteed: the same rows under the same name give the same file at the same place, so a retried bundle overwrites its
own. Not guaranteed here: that files appear together; that is the manifest's work (`pipeline.dataset`).
Memory is bounded by the rows of one partition and window.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, Protocol

import apache_beam as beam
from apache_beam.pvalue import PCollection, TaggedOutput
from apache_beam.transforms.window import BoundedWindow, IntervalWindow
from apache_beam.utils.windowed_value import PaneInfo

from transforms.delivery import Delivery, Note, delivery_of, save
from transforms.gather import Gather
from transforms.partitions import RUN_STAMP, PartFile, part_files, partition_path, rows_of, stamp_run, write_part
from transforms.schema import Reject, Row, Settled, Spent
from transforms.settings import WriteSettings
from transforms.tally import Stopwatch

FOLDERS_AT_ONCE = 8  # whose rejects are kept at hand


class RunNames(Protocol):
    """How the run is called that a window's rows belong to, and its part files."""

    def of(self, window: BoundedWindow, pane: PaneInfo) -> tuple[str, str]:
        """The run's id, and the name of its part files."""


@dataclass(frozen=True, slots=True)
class OneRun:
    """A bounded pipeline: one run for all."""

    run_id: str
    name: str

    def of(self, window: BoundedWindow, pane: PaneInfo) -> tuple[str, str]:
        return self.run_id, self.name


@dataclass(frozen=True, slots=True)
class RunPerWindow:
    """An unbounded pipeline: a run a window, called by the window's start, so that the same window is called the same
    when it is processed again. What comes late to a window is a part of its own. `token` is of six hex digits."""

    token: str

    def of(self, window: BoundedWindow, pane: PaneInfo) -> tuple[str, str]:
        if not isinstance(window, IntervalWindow):
            raise TypeError(f"{window}: expected a window of time")
        start = window.start.to_utc_datetime(has_tz=True).astimezone(UTC)
        run_id = f"{start:{RUN_STAMP}}-{self.token}"
        return run_id, f"{run_id}-{max(0, pane.index):04d}"


@dataclass(eq=False, kw_only=True)
class Write(beam.PTransform[PCollection[Row | Note], PCollection[Delivery]]):
    """Stage rows as part files below `staging`, a folder a run. `staging` itself is never made: where it is gone,
    whoever was to commit has gone, and the pipeline fails. Rejects that `replayed_into`, a dataset root, holds already
    become notes: an archive that is replayed again adds none."""

    staging: str
    names: RunNames
    settings: WriteSettings = field(default_factory=WriteSettings)
    aside: str | None = None  # the folder of `Gather`
    replayed_into: str | None = None

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, outcomes: PCollection[Row | Note]) -> PCollection[Delivery]:
        if self.replayed_into:
            outcomes = outcomes | "SettleStored" >> beam.ParDo(SettleStoredFn(self.replayed_into))
        split = outcomes | "SplitNotes" >> beam.ParDo(split_notes).with_outputs("notes", main="rows")
        parts = (
            split.rows
            | "KeyByPartition" >> beam.WithKeys(partition_path)
            | "GroupByPartition" >> Gather(self.aside)
            | "WriteParts" >> beam.ParDo(WritePartFn(self.staging, self.names, self.settings))
        )
        return (
            (parts, split.notes)
            | "Delivered" >> beam.Flatten()
            | "KeyAlike" >> beam.WithKeys(lambda _: 0)
            | "GatherDelivery" >> Gather(self.aside)
            | "Deliver" >> beam.ParDo(DeliverFn(self.staging, self.names))
        )


def split_notes(outcome: Row | Note) -> Iterator[Row | TaggedOutput[Literal["notes"], Note]]:
    """Rows on the main output, notes beside."""
    if isinstance(outcome, Note):
        yield TaggedOutput[Literal["notes"], Note]("notes", outcome)
    else:
        yield outcome


class SettleStoredFn(beam.DoFn):
    """Passes on what is not stored yet; a reject that is, is settled."""

    def __init__(self, root: str) -> None:
        self.root = root

    def setup(self) -> None:
        self.stored = lru_cache(maxsize=FOLDERS_AT_ONCE)(stored_rejects)

    def process(self, element: Row | Note) -> Iterator[Row | Note]:
        if isinstance(element, Reject) and _reject_key(element) in self.stored(
            Path(self.root) / partition_path(element)
        ):
            yield Settled(
                how="unchanged",
                feed_id=element.feed_id or "",
                url=element.url or "",
                guid=element.guid,
                seen_at=element.seen_at,
            )
        else:
            yield element


REJECT_KEY = ("feed_id", "url", "guid", "reason", "seen_at")


def stored_rejects(folder: Path) -> set[tuple[Any, ...]]:
    """What tells the rejects of a partition apart; none where there is no such folder."""
    return {tuple(row.values()) for file in part_files(folder) for row in rows_of(file, REJECT_KEY)}


def _reject_key(reject: Reject) -> tuple[Any, ...]:
    return tuple(getattr(reject, name) for name in REJECT_KEY)


class WritePartFn(beam.DoFn):
    """Writes one partition of a window."""

    def __init__(self, staging: str, names: RunNames, settings: WriteSettings) -> None:
        self.staging, self.names, self.settings = staging, names, settings

    def process(
        self,
        element: tuple[str, Iterable[Row]],
        window: BoundedWindow = beam.DoFn.WindowParam,  # type: ignore[assignment]  # Beam's way to ask for it
        pane: PaneInfo = beam.DoFn.PaneInfoParam,  # type: ignore[assignment]
    ) -> Iterator[PartFile | Spent]:
        folder, rows = element
        watch = Stopwatch("write")
        run_id, name = self.names.of(window, pane)
        with watch.running():
            stamped = (stamp_run(row, run_id) for row in rows)
            part = write_part(stamped, _staging(self.staging, run_id), folder, name, self.settings)
        yield part
        yield watch.note()


class DeliverFn(beam.DoFn):
    """Writes down what a window delivered."""

    def __init__(self, staging: str, names: RunNames) -> None:
        self.staging, self.names = staging, names

    def process(
        self,
        element: tuple[int, Iterable[PartFile | Note]],
        window: BoundedWindow = beam.DoFn.WindowParam,  # type: ignore[assignment]  # Beam's way to ask for it
        pane: PaneInfo = beam.DoFn.PaneInfoParam,  # type: ignore[assignment]
    ) -> Iterator[Delivery]:
        run_id, name = self.names.of(window, pane)
        delivery = delivery_of(run_id, name, element[1])
        save(delivery, _staging(self.staging, run_id))
        yield delivery


def _staging(staging: str, run_id: str) -> Path:
    """Where a run's files are staged; raises FileNotFoundError when nobody is there any more to commit them."""
    if not Path(staging).is_dir():
        raise FileNotFoundError(f"{staging} is not here: who was to commit has ended, or a worker lacks that storage")
    return Path(staging) / run_id
