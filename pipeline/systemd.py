"""Telling a service manager how the service is, by the protocol of sd_notify(3): a datagram to a unix socket.

systemd names the socket in NOTIFY_SOCKET (`Type=notify`) and the watchdog's period in WATCHDOG_USEC (`WatchdogSec=`).
Without them nothing is told. The watchdog is fed while the service waits, and while it works only as long as something
moves: a page, a poll, a batch. `WatchdogSec=` is how long nothing at all may move before the service is started anew.
"""

import os
import socket
import threading
from collections.abc import Mapping
from types import TracebackType

from transforms import interrupt, tally

BEATS = 4  # looks for movement in a watchdog's period


class Service:
    """A service under supervision while the context lasts. `STOPPING=1` is told as soon as the end is asked for."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self.address = environment.get("NOTIFY_SOCKET", "")
        mine = environment.get("WATCHDOG_PID") in (None, str(os.getpid()))
        usec = environment.get("WATCHDOG_USEC", "") if mine else ""
        self.watchdog_s = int(usec) / 1e6 if usec.isdecimal() and int(usec) else None
        self._waiting, self._moves = False, 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="systemd", daemon=True)

    def __enter__(self) -> "Service":
        if self.address:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        if self.address:
            self._thread.join()
            self._tell("STOPPING=1")

    def ready(self) -> None:
        self._tell("READY=1")

    def working(self) -> None:
        """Work has begun or has moved on."""
        self._waiting = False
        self._moves += 1

    def waiting(self, status: str) -> None:
        """There is nothing to do for now; `status` is for `systemctl status`."""
        self._waiting = True
        self._tell(f"STATUS={status}")

    def _watch(self) -> None:
        told_stopping, last = False, (-1, -1)
        while not self._ended.wait(min(1.0, (self.watchdog_s or BEATS) / BEATS)):
            if interrupt.requested.is_set() and not told_stopping:
                told_stopping = True
                self._tell("STOPPING=1\nSTATUS=finishing what is begun")
            now = (self._moves, tally.live().total())
            if self.watchdog_s and (self._waiting or now != last):
                self._tell("WATCHDOG=1")
            last = now

    def _tell(self, message: str) -> None:
        """Send it, or let it be: a supervisor that cannot be reached is no reason to end."""
        if not self.address:
            return
        address = f"\0{self.address[1:]}" if self.address.startswith("@") else self.address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                sender.sendto(message.encode(), address)
        except OSError:
            pass
