"""Who may write to a dataset in an object store, and what was committed last: one log of numbered objects.

    state/log/000000000041.json    a writer's lease, and the manifest it committed with this entry

An entry is created only where none is, which every store does in one step; that is all the protocol asks of it.

- The last entry holds the dataset until it is released, or old: its writer renews it by writing it anew.
- A writer enters by creating the next entry, when the last holds no more: of two that try one succeeds.
- A commit is the creation of the next entry, with the manifest in it. A writer that was away for so long that another
  entered finds its number taken, and has committed nothing: the number is the fencing token.

How old an entry is, is told by the store's clock alone. What follows a commit (the manifest's own object, the files'
places) is done again from the last entry by the writer that enters next.
"""

import json
import os
import secrets
import socket
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from pipeline.errors import DatasetError, DatasetLockedError
from pipeline.objects import Objects, Stat

LEASE_S = 120.0
RENEW_S = 30.0
LOG = "state/log/"
CLOCK = "state/clock/"
KEPT = timedelta(days=7)  # entries; a writer away for nearly as long gives up, so it never finds its number free again


class CommitLog:
    """A writer's hold on the dataset, from `enter` to `leave`. `machine` names the copy that it works in: no two
    writers share one, so an entry of our own machine that was never released is a dead writer's."""

    def __init__(self, objects: Objects, machine: str) -> None:
        self._objects, self._machine = objects, machine
        self._turn = threading.Lock()  # renewals and commits take turns
        self._left = threading.Event()

    def enter(self, writer: str, now: datetime) -> Mapping[str, Any] | None:
        """Take the dataset; the manifest committed by the last entry before, if any. Raises `DatasetLockedError`."""
        stats = list(self._objects.list(LOG))
        last: Mapping[str, Any] = self._read(stats[-1]) if stats else {"released": True}
        if not last.get("released") and last["machine"] != self._machine:
            age_s = self._age_s(stats[-1])
            if age_s < LEASE_S:
                told = f"held by {last['holder']}; if that is dead, free in {LEASE_S - age_s:.0f} s"
                raise DatasetLockedError(f"{self._objects.url}: {told}")
        since = f"{now:%Y-%m-%d %H:%M:%S} UTC"
        holder = f"{writer}, process {os.getpid()} on {socket.gethostname()}, since {since}"
        self._entry = {"holder": holder, "machine": self._machine, "released": False}
        self._number = _number(stats[-1]) if stats else 0
        if not self._created(last.get("manifest")):
            raise DatasetLockedError(f"{self._objects.url}: another run has just taken it")
        self._objects.delete(stat.key for stat in stats[:-1] if stats[-1].modified_at - stat.modified_at > KEPT)
        threading.Thread(target=self._renew, name="lease", daemon=True).start()
        manifest: Mapping[str, Any] | None = last.get("manifest")
        return manifest

    def append(self, manifest: Mapping[str, Any] | None) -> None:
        """Commit `manifest`. Raises `DatasetError` when somebody else has entered since; nothing is committed then."""
        with self._turn:
            if time.monotonic() - self._renewed > KEPT.total_seconds() / 2 or not self._created(manifest):
                raise DatasetError(
                    f"{self._objects.url}: another writer has taken over, since this one was not heard of for"
                    f" {LEASE_S:.0f} s; nothing of the batch was committed, run again"
                )

    def is_ours(self) -> bool:
        """Whether nobody has entered since; true a moment ago is all that can be told."""
        return self._objects.get(_key(self._number + 1)) is None

    def leave(self) -> None:
        """Give the dataset free. The manifest stays in the entry: what follows its commit may have failed."""
        self._left.set()
        with self._turn, suppress(DatasetError):  # else it ends by itself
            self._write(self._entry | {"released": True})

    def _created(self, manifest: Mapping[str, Any] | None) -> bool:
        """Create the next entry, ours; False when somebody else did."""
        entry = self._entry | {"manifest": manifest, "nonce": secrets.token_hex(8)}
        key = _key(self._number + 1)
        if not self._objects.create(key, _json(entry)):
            there = json.loads(self._objects.get(key) or b"{}")
            if there.get("nonce") != entry["nonce"]:  # else it is ours: the first answer got lost
                return False
        self._number, self._entry, self._renewed = self._number + 1, entry, time.monotonic()
        return True

    def _renew(self) -> None:
        while not self._left.wait(RENEW_S):
            with self._turn, suppress(DatasetError):  # a commit will tell whether the dataset is still ours
                if not self._left.is_set():
                    self._write(self._entry)
                    self._renewed = time.monotonic()

    def _write(self, entry: Mapping[str, Any]) -> None:
        self._objects.put(_key(self._number), _json(entry))

    def _read(self, stat: Stat) -> dict[str, Any]:
        entry: dict[str, Any] = json.loads(self._objects.get(stat.key) or b'{"released": true}')
        return entry

    def _age_s(self, stat: Stat) -> float:
        """How long ago an object was written, by the store's clock."""
        self._objects.put(f"{CLOCK}now", b"")
        newest = max(found.modified_at for found in self._objects.list(CLOCK))
        return (newest - stat.modified_at).total_seconds()


def _key(number: int) -> str:
    return f"{LOG}{number:012d}.json"


def _number(stat: Stat) -> int:
    return int(stat.key.rpartition("/")[2].removesuffix(".json"))


def _json(entry: Mapping[str, Any]) -> bytes:
    return json.dumps(entry, ensure_ascii=False).encode("utf-8")
