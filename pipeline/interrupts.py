"""SIGTERM and Ctrl-C: the first asks for a clean end with finished work kept, the second ends at once."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from transforms import interrupt

_received: list[int] = []
_SHOW_CURSOR = "\x1b[?25h"  # which a live display hides


@contextmanager
def stop_on_signals() -> Iterator[None]:
    """While inside, a signal sets `interrupt.requested` and lets the run end by itself."""

    def stop(number: int, frame: FrameType | None) -> None:
        if _received:
            _end_at_once(number)
        _received.append(number)
        interrupt.requested.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def exit_code() -> int | None:
    """128 + the signal that was received, None when none was."""
    return 128 + _received[0] if _received else None


def _end_at_once(number: int) -> None:
    """As if killed: costs the batch at work and nothing that is committed. No exception, which others might catch."""
    os.write(2, f"{_SHOW_CURSOR if sys.stderr.isatty() else ''}\nnewsbeam: ended at once, in mid-work\n".encode())
    os._exit(128 + number)
