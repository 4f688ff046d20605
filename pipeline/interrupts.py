"""SIGTERM and Ctrl-C: the first asks for a clean end with finished work kept, the second ends at once.

A thread of its own listens: Python runs handlers on the main thread alone, which may be waiting for a page, and the
kernel may hand a second signal to any thread.
"""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from transforms import interrupt

_NUMBERS = (signal.SIGTERM, signal.SIGINT)
_received: list[int] = []
_SHOW_CURSOR = "\x1b[?25h"  # which a live display hides


@contextmanager
def stop_on_signals() -> Iterator[None]:
    """While inside, a signal sets `interrupt.requested` and lets the run end by itself. For the main thread."""
    heard, told = os.pipe()
    os.set_blocking(told, False)
    handlers = {number: signal.signal(number, lambda number, frame: None) for number in _NUMBERS}
    wakeup = signal.set_wakeup_fd(told)  # where the number of each signal is written, whatever the main thread does
    listener = threading.Thread(target=_listen, args=(heard,), name="newsbeam-signals", daemon=True)
    listener.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(wakeup)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        os.close(told)
        listener.join()
        os.close(heard)


def exit_code() -> int | None:
    """128 + the signal that was received, None when none was."""
    return 128 + _received[0] if _received else None


def _listen(heard: int) -> None:
    while number := os.read(heard, 1):
        if number[0] in _NUMBERS:
            if _received:
                _end_at_once(number[0])
            _received.append(number[0])
            interrupt.requested.set()


def _end_at_once(number: int) -> None:
    """As if killed: costs the batch at work and nothing that is committed. No exception, which others might catch."""
    os.write(2, f"{_SHOW_CURSOR if sys.stderr.isatty() else ''}\nnewsbeam: ended at once, in mid-work\n".encode())
    os._exit(128 + number)
