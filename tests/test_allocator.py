"""What threads of a long run no longer use goes back to the system."""

import subprocess
import sys

import pytest

from transforms.allocator import hand_back_memory

TURNS = """
import os, sys, threading
from transforms.allocator import hand_back_memory

def resident_mb():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

def work(turns):
    for turn in turns:
        [bytes(300_000 + number % 7 * 50_000) for number in range(200)]  # some 80 MB
        kept.append(bytes(3_000))  # what stays behind a large block is what keeps its heap from shrinking

if sys.argv[1] == "yes":
    hand_back_memory()
kept, before = [], resident_mb()
for _ in range(8):
    threads = [threading.Thread(target=work, args=(range(3),)) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
print(resident_mb() - before, os.environ.get("ARROW_DEFAULT_MEMORY_POOL"))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc has these settings")
def test_heaps_of_many_threads_are_handed_back() -> None:
    done = subprocess.run([sys.executable, "-c", TURNS, "yes"], capture_output=True, text=True, check=True)
    held, pool = done.stdout.split()
    assert float(held) < 40
    assert pool == "system"


def test_the_program_and_its_children_set_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline import cli

    called = []
    monkeypatch.setattr(cli, "hand_back_memory", lambda: called.append(True))
    monkeypatch.setattr(cli, "app", lambda prog_name: None)
    cli.main()
    assert called
    assert hand_back_memory() in (True, False)
