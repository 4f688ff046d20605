"""Flink's own REST interface: which version a cluster is, ending a job there, and where a job that was stopped lies.

Beam's job server takes a cancellation and lets the job on the cluster run on; so jobs carry a name of ours, by which
they are found and ended. Addresses are `host:port` of the job manager, as in Beam's `--flink_master`.
"""

import json
import time
import urllib.request
from collections import Counter
from typing import Any
from urllib.parse import quote

TIMEOUT_S = 10.0
LOOK_S = 0.2
CAUSE_CHARS = 400
ENDED = frozenset({"FINISHED", "CANCELED", "FAILED"})


def version(master: str) -> str | None:
    """The cluster's version; None when it does not answer."""
    found = _ask(master, "/config").get("flink-version")
    return str(found) if found else None


def failures(master: str, job_name: str) -> list[str]:
    """Why the running job of that name has failed so far, the latest first; each time it is tried again."""
    for job in _running(master, job_name):
        told = _ask(master, f"/jobs/{quote(job)}/exceptions").get("exceptionHistory", {})
        return [cause_of(str(entry["stacktrace"])) for entry in told.get("entries", ())]
    return []


def cause_of(stacktrace: str) -> str:
    """What a stack trace of Java, maybe with a traceback of Python in it, is about, in a line."""
    innermost = stacktrace.rpartition("Caused by: ")[2].partition("\n\tat ")[0].strip()
    lines = [line.strip() for line in innermost.splitlines() if line.strip()] or [""]
    return (lines[-1] if "Traceback" in innermost else lines[0])[:CAUSE_CHARS]


def cores_a_slot(master: str, slots: int | None = None) -> int:
    """How many cores of its machine a task slot may keep busy, where `slots` are in use, or all; at least one.

    0 when the cluster does not tell.
    """
    cores: dict[str, int] = {}
    there: Counter[str] = Counter()
    for manager in _ask(master, "/taskmanagers").get("taskmanagers", ()):
        machine = str(manager["path"]).partition("@")[2].partition(":")[0]
        cores[machine] = int(manager["hardware"]["cpuCores"])
        there[machine] += int(manager["slotsNumber"])
    return min((max(1, cores[machine] // min(there[machine], slots or there[machine])) for machine in cores), default=0)


def cancel(master: str, job_name: str, wait_s: float = 0.0) -> int:
    """End all jobs of that name, and wait so long until they have ended; returns how many there were."""
    jobs = _running(master, job_name)
    for job in jobs:
        _ask(master, f"/jobs/{quote(job)}?mode=cancel", method="PATCH")
    ends_at = time.monotonic() + wait_s
    while time.monotonic() < ends_at and _running(master, job_name):
        time.sleep(LOOK_S)
    return len(jobs)


def savepoint(master: str, job_name: str) -> str | None:
    """Where the savepoint lies that the last job of that name was stopped with; None when it was not."""
    jobs = [job for job in _ask(master, "/jobs/overview").get("jobs", ()) if job.get("name") == job_name]
    last = max(jobs, key=lambda job: int(job["start-time"]), default=None)
    if last is None or last["state"] != "FINISHED":
        return None
    told = _ask(master, f"/jobs/{quote(last['jid'])}/checkpoints").get("latest", {}).get("savepoint") or {}
    return told.get("external_path")


def _running(master: str, job_name: str) -> list[str]:
    """Ids of the jobs of that name that have not ended."""
    return [
        job["jid"]
        for job in _ask(master, "/jobs/overview").get("jobs", ())
        if job.get("name") == job_name and job.get("state") not in ENDED
    ]


def _ask(master: str, path: str, method: str = "GET") -> dict[str, Any]:
    """What the job manager answers; nothing when it does not."""
    base = master if master.startswith(("http://", "https://")) else f"http://{master}"
    request = urllib.request.Request(f"{base}{path}", method=method)  # noqa: S310 - the scheme is http or https
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as reply:  # noqa: S310 - as above
            answer: dict[str, Any] = json.load(reply)
    except (OSError, ValueError):
        return {}
    return answer
