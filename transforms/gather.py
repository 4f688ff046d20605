"""Gather: values by key, as GroupByKey gives them; on an engine through files, so that no record holds them all.

An engine may make one record of all values of a key, and hold it in memory that is small and fixed: Flink's batch
runner does. Where a `folder` is given, which all workers see, the values are therefore put aside in files there, a
bundle in one, in blocks of bounded size; what is grouped is where the blocks lie. A bundle that is tried again writes
another file, and nobody asks for the first. Whoever runs the pipeline removes the folder when it has ended.

Memory of a worker is bounded by `BLOCK_BYTES`, and by the values of a block where they are read.
"""

import pickle
import secrets
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import PCollection
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.windowed_value import WindowedValue

BLOCK_BYTES = 8_000_000  # of the values of all keys that a worker holds before it writes them down


@dataclass(frozen=True, slots=True)
class Block:
    """Some values of one key: where they lie."""

    file: str
    offset: int
    size_bytes: int

    def values(self) -> Iterator[Any]:
        with Path(self.file).open("rb") as file:
            file.seek(self.offset)
            block = file.read(self.size_bytes)
        if len(block) < self.size_bytes:
            raise OSError(f"{self.file}: ends before what was put aside in it")
        stream = BytesIO(block)
        while stream.tell() < self.size_bytes:
            yield pickle.load(stream)  # noqa: S301 - our own file, written by this run


@dataclass(frozen=True, slots=True)
class Blocks:
    """All values of one key, read as they are asked for, as often as one asks."""

    blocks: tuple[Block, ...]

    def __iter__(self) -> Iterator[Any]:
        for block in self.blocks:
            yield from block.values()


@dataclass(eq=False)
class Gather(beam.PTransform[PCollection[tuple[Any, Any]], PCollection[tuple[Any, Iterable[Any]]]]):
    """(key, value) -> (key, all its values), in no order. Without `folder`, and in windows of time, it is GroupByKey.

    The folder above `folder` must be there; when it is gone, so is whoever wants the result, and the pipeline fails.
    """

    folder: str | None = None

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, pairs: PCollection[tuple[Any, Any]]) -> PCollection[tuple[Any, Iterable[Any]]]:
        if self.folder is None or not pairs.windowing.is_default():
            grouped: PCollection[tuple[Any, Iterable[Any]]] = pairs | "Group" >> beam.GroupByKey()
            return grouped
        gathered: PCollection[tuple[Any, Iterable[Any]]] = (
            pairs
            | "PutAside" >> beam.ParDo(PutAsideFn(self.folder))
            | "Group" >> beam.GroupByKey()
            | "Read" >> beam.MapTuple(all_of)
        )
        return gathered


def all_of(key: Any, blocks: Iterable[Block]) -> tuple[Any, Iterable[Any]]:
    """A key and its values."""
    return key, Blocks(tuple(blocks))


class PutAsideFn(beam.DoFn):
    """(key, value) -> (key, Block): a file a bundle, of blocks of one key each."""

    def __init__(self, folder: str) -> None:
        self.folder = Path(folder)

    def start_bundle(self) -> None:
        self.file = self.folder / f"{secrets.token_hex(16)}.pickles"
        self._hold_nothing()

    def process(self, element: tuple[Any, Any]) -> Iterator[tuple[Any, Block]]:
        key, value = element
        packed = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
        self.held[key].append(packed)
        self.held_bytes += len(packed)
        if self.held_bytes >= BLOCK_BYTES:
            yield from self._put_aside()

    def finish_bundle(self) -> Iterator[WindowedValue]:
        window = GlobalWindow()
        for placed in self._put_aside():
            yield WindowedValue(placed, window.max_timestamp(), (window,))

    def _put_aside(self) -> list[tuple[Any, Block]]:
        """Write down what is held; where it lies, key by key."""
        if not self.held:
            return []
        self.folder.mkdir(exist_ok=True)
        placed = []
        with self.file.open("ab") as file:
            for key, packed in self.held.items():
                offset = file.tell()
                placed.append((key, Block(str(self.file), offset, file.write(b"".join(packed)))))
        self._hold_nothing()
        return placed

    def _hold_nothing(self) -> None:
        self.held: defaultdict[Any, list[bytes]] = defaultdict(list)
        self.held_bytes = 0
