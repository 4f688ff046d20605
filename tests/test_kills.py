"""Killed at the worst moments, beside a reader: the short form of `tests.benchmarks.kills`."""

import random
from pathlib import Path

from tests.benchmarks.kills import trial


def test_runs_and_compactions_killed_beside_a_reader_break_no_promise(tmp_path: Path) -> None:
    with trial(tmp_path / "data", pages=40, history=300) as ground:
        assert ground.kill_runs(2, random.Random(1), moments=("manifest", "recovery")).total() == 2
        assert ground.kill_compactions(2, random.Random(1)).total() == 2
        assert ground.faults() == []
        assert ground.reader.looks > 20
