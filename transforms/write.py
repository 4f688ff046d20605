"""Write: rows of the three datasets in, staged part files out.

In: articles, rejects and fetches, flattened. Each row gets the run's id, goes to the partition of its `seen_date`
and into one part file a partition and bundle. Out: a `PartFile` for each file, staged and durable, not yet visible:
the run makes them visible after it has counted them against its books and written the manifest.

Guaranteed: the same rows under the same name give the same file at the same place, so a retried bundle overwrites its
own. Not guaranteed here: that files appear together; that is the manifest's work (`pipeline.commit`).
Memory is bounded by the rows of one partition and batch.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import apache_beam as beam
from apache_beam.pvalue import PCollection

from transforms.partitions import PartFile, partition_path, stamp_run, write_part
from transforms.schema import Row
from transforms.settings import WriteSettings
from transforms.tally import timed


@dataclass(eq=False, kw_only=True)
class Write(beam.PTransform[PCollection[Row], PCollection[PartFile]]):
    """Stage rows as part files named `name` below `staging`; rows are stamped with `run_id`."""

    staging: str
    name: str
    run_id: str
    settings: WriteSettings = field(default_factory=WriteSettings)

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, rows: PCollection[Row]) -> PCollection[PartFile]:
        return (
            rows
            | "StampRun" >> beam.Map(stamp_run, self.run_id)
            | "KeyByPartition" >> beam.WithKeys(partition_path)
            | "GroupByPartition" >> beam.GroupByKey()
            | "WriteParts" >> beam.ParDo(WritePartFn(self.staging, self.name, self.settings))
        )


class WritePartFn(beam.DoFn):
    """Writes one partition of a batch."""

    def __init__(self, staging: str, name: str, settings: WriteSettings) -> None:
        self.staging, self.name, self.settings = staging, name, settings

    def process(self, element: tuple[str, Iterable[Row]]) -> Iterator[PartFile]:
        folder, rows = element
        with timed("write"):
            part = write_part(list(rows), Path(self.staging), folder, self.name, self.settings)
        yield part
