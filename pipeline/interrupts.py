"""SIGTERM and Ctrl-C: the first asks for a clean end with finished work kept, the second ends at once."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from transforms import interrupt

_received: list[int] = []


@contextmanager
def stop_on_signals() -> Iterator[None]:
    """While inside, a signal sets `interrupt.requested` and lets the run end by itself."""

    def stop(number: int, frame: FrameType | None) -> None:
        if _received:
            raise KeyboardInterrupt
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
