"""Bodies off the wire: in memory while they are small, else in a file without a name, so that slow ones cost none."""

from tempfile import TemporaryFile
from typing import IO

SMALL_BYTES = 524_288


class Received:
    """The bytes of one body as they come, `size` so far. A context manager: at its end they are gone."""

    __slots__ = ("_file", "_parts", "size")

    def __init__(self) -> None:
        self.size = 0
        self._parts: list[bytes] = []
        self._file: IO[bytes] | None = None

    def __enter__(self) -> "Received":
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, part: bytes) -> None:
        """Add what came; raises OSError when the disk is full."""
        self.size += len(part)
        self._parts.append(part)
        if self.size > SMALL_BYTES:
            self._file = self._file or TemporaryFile()  # noqa: SIM115 - closed with the whole
            self._file.writelines(self._parts)
            self._parts.clear()

    def take(self, most: int) -> bytes:
        """The first bytes, `most` at most."""
        if self._file is not None:
            self._file.seek(0)
            return self._file.read(most)
        return (self._parts[0] if len(self._parts) == 1 else b"".join(self._parts))[:most]
