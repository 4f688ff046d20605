"""Pages taken out of archives for good: what they filled is overwritten with nothing, so that others stay in place.

An archive is a row of gzip members, and rows tell pages by their offsets in it. A member without content, padded in its
header to any length (RFC 1952, FEXTRA), is nothing to a reader of WARC files.
"""

import os
import shutil
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from transforms.schema import Page
from transforms.warc import offsets

STAGED = ".erasing"  # how files end that take the place of others
_EMPTY = zlib.compressobj(wbits=-zlib.MAX_WBITS).flush() + struct.pack("<II", 0, 0)
_HEAD = struct.Struct("<2sBBIBBH")
_LEAST = _HEAD.size + len(_EMPTY)
_MOST = _LEAST + 0xFFFF


def erase_pages(path: Path, is_wanted: Callable[[Page], bool]) -> int:
    """Overwrite the wanted pages of one of our own archives, and the entries they were fetched for. Returns how many
    there were; the file is replaced in one step, and left alone when there were none."""
    pages = list(offsets(path, is_wanted))
    ends = [offset for offset, _ in pages[1:]] + [path.stat().st_size]
    wanted = [(offset, end) for (offset, found), end in zip(pages, ends, strict=True) if found]
    if not wanted:
        return 0
    staged = path.with_name(f".{path.name}{STAGED}")
    shutil.copyfile(path, staged)
    with staged.open("r+b") as file:
        for start, end in wanted:
            file.seek(start)
            file.writelines(nothing(end - start))
        file.flush()
        os.fsync(file.fileno())
    staged.replace(path)
    return len(wanted)


def nothing(length: int) -> Iterator[bytes]:
    """Gzip members without content, `length` bytes together; no record of WARC is too short for them."""
    while length:
        size = length if length <= _MOST else min(_MOST, length - _LEAST)
        padding = size - _LEAST
        yield _HEAD.pack(b"\x1f\x8b", 8, 4, 0, 0, 255, padding) + bytes(padding) + _EMPTY
        length -= size
