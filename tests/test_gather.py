"""Gather gives what GroupByKey gives, through files as well as without."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that, equal_to
from apache_beam.transforms.window import FixedWindows, TimestampedValue

from transforms import gather
from transforms.gather import Block, Blocks, Gather, PutAsideFn

PAIRS = [(number % 3, f"value {number}") for number in range(100)]


def sorted_values(key: int, values: Iterable[str]) -> tuple[int, list[str]]:
    return key, sorted(values)


EXPECTED = [(key, sorted(value for number, value in PAIRS if number == key)) for key in range(3)]


@pytest.mark.parametrize("through_files", [False, True])
def test_all_values_of_a_key_come_together(through_files: bool, tmp_path: Path) -> None:
    folder = str(tmp_path / "aside") if through_files else None
    with beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions([])) as pipeline:
        found = pipeline | beam.Create(PAIRS) | Gather(folder) | beam.MapTuple(sorted_values)
        assert_that(found, equal_to(EXPECTED))
    assert (tmp_path / "aside").exists() == through_files


def test_windows_of_time_are_grouped_by_the_engine(tmp_path: Path) -> None:
    with beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions([])) as pipeline:
        found = (
            pipeline
            | beam.Create(PAIRS)
            | beam.Map(lambda pair: TimestampedValue(pair, pair[0]))
            | beam.WindowInto(FixedWindows(1))
            | Gather(str(tmp_path / "aside"))
            | beam.MapTuple(sorted_values)
        )
        assert_that(found, equal_to(EXPECTED))
    assert not (tmp_path / "aside").exists()


def put_aside(pairs: Iterable[tuple[int, Any]], folder: Path) -> list[tuple[int, Block]]:
    fn = PutAsideFn(str(folder))
    fn.start_bundle()
    blocks = [block for pair in pairs for block in fn.process(pair)]
    return blocks + [windowed.value for windowed in fn.finish_bundle()]


def test_a_worker_holds_no_more_than_a_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gather, "BLOCK_BYTES", 200)
    placed = put_aside(PAIRS, tmp_path)
    assert len(placed) > 15
    assert max(block.size_bytes for _, block in placed) < 200 + 100
    everything = Blocks(tuple(block for key, block in placed if key == 1))
    assert sorted(everything) == EXPECTED[1][1]
    assert sorted(everything) == EXPECTED[1][1]


def test_a_bundle_without_values_leaves_no_file(tmp_path: Path) -> None:
    assert put_aside([], tmp_path / "aside") == []
    assert list(tmp_path.iterdir()) == []


def test_a_bundle_that_is_tried_again_takes_another_file(tmp_path: Path) -> None:
    first, second = (put_aside([(1, "a")], tmp_path)[0][1] for _ in range(2))
    assert first.file != second.file
    assert list(first.values()) == list(second.values()) == ["a"]


def test_where_nobody_waits_for_the_result_it_fails(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        put_aside([(1, "a")], tmp_path / "gone" / "aside")


def test_a_file_that_was_cut_off_is_an_error(tmp_path: Path) -> None:
    ((_, block),) = put_aside([(1, "a")], tmp_path)
    Path(block.file).write_bytes(b"\x80")
    with pytest.raises(OSError, match="ends before"):
        list(block.values())
