"""`newsbeam replay`: the pipeline over archived pages instead of the network, batch by batch like any run.

The own archive gives the same articles again; of other crawlers' WARC files the HTML pages are taken. Rows fall on the
day of the capture. The same files twice add no row.
"""

import functools
import gzip
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from apache_beam import Pipeline

from pipeline.build import Place, build_replay
from pipeline.config import Config
from pipeline.errors import UsageError
from pipeline.report import Alarm, Report
from pipeline.run import Options, Progress, Run, run_once
from transforms import interrupt
from transforms.settings import Settings
from transforms.warc import ArchivePart, archive_parts


def replay_once(config: Config, options: Options, progress: Progress, *, files: Sequence[Path]) -> Report:
    """One run over the pages of `files`; raises what `run_once` raises, and `OSError` for a file that is not there."""
    for file in files:  # a wrong name is told before anything is done
        if not _is_warc(file):
            raise UsageError(f"{file}: expected a WARC file (.warc.gz)")
    return run_once(config, options, progress, functools.partial(Replay, files))


class Replay(Run):
    """A run whose work is `files`."""

    def __init__(self, files: Sequence[Path], config: Config, options: Options, **given: Any) -> None:
        super().__init__(config, options, **given)
        self.files = files

    def _work(self) -> None:
        self._expect_work()
        for file in self.files:
            for part in archive_parts(file, self.config.settings.run.batch_entries):
                if interrupt.requested.is_set():
                    return
                if part.broken:
                    told = f"{file} breaks off after {part.first:,} pages: {part.broken}"
                    self.noticed.append(Alarm("broken-archive", told))
                else:
                    self._run_pipeline(functools.partial(_wire, part), part.count)


def _is_warc(file: Path) -> bool:
    with file.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        try:
            return (gzip.GzipFile(fileobj=raw) if packed else raw).read(5) == b"WARC/"
        except (OSError, EOFError, zlib.error):
            return False


def _wire(part: ArchivePart, pipeline: Pipeline, place: Place, settings: Settings) -> None:
    build_replay(pipeline, part, place, settings)
