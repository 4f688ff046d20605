"""`newsbeam browse`: a local web page to search and read a dataset.

It reads only, and serves on loopback only: whoever may use this machine may read it, nobody else.

Goes in: a dataset root. A thread keeps the search index in step with what runs commit while the page is looked at.
"""

import os
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from werkzeug.serving import WSGIRequestHandler, make_server

from pipeline.browse_articles import StoredArticles
from pipeline.browse_index import SearchIndex
from pipeline.browse_pages import make_app
from pipeline.dataset import require_dataset
from pipeline.errors import NewsbeamError, UsageError
from pipeline.interrupts import stop_on_signals
from transforms import interrupt

ADDRESS = "127.0.0.1"
LOOK_EVERY_S = 1.0  # for manifests of new runs
IDLE_S = 30.0  # after which a connection that asks nothing is closed


def browse(root: Path, port: int, *, open_page: bool, announce: Callable[[str], None]) -> None:
    """Serve the dataset on loopback until a signal comes. `port` 0 takes a free one.

    Raises `NoDatasetError` and `UsageError` for a port that cannot be had.
    """
    with stop_on_signals(), serving(root, port) as server:
        if not server.keeper.index.is_kept:
            announce(f"{root}/state cannot be written to: the search index is built anew each time")
        announce(f"{server.address}   (Ctrl-C ends it)")
        if open_page and _has_desktop():
            webbrowser.open(server.address)
        interrupt.requested.wait()


@dataclass(frozen=True, slots=True)
class Serving:
    """A dataset being served."""

    address: str
    keeper: "IndexKeeper"


@contextmanager
def serving(root: Path, port: int = 0) -> Iterator[Serving]:
    """Serve the dataset while inside; on the way out threads have ended and nothing is left open."""
    require_dataset(root)
    with closing(SearchIndex(root)) as index, closing(StoredArticles(root)) as stored:
        keeper = IndexKeeper(index)
        try:
            with socket.create_server((ADDRESS, port)) as listening:
                port = listening.getsockname()[1]
                app, file = make_app(index, keeper, stored), listening.fileno()
                server = make_server(ADDRESS, port, app, threaded=True, request_handler=_Handler, fd=file)
        except OSError as error:
            raise UsageError(f"--port {port}: {error.strerror or error}; leave it out for a free one") from error
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        keeper.start()
        try:
            yield Serving(f"http://{ADDRESS}:{port}/", keeper)
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
            keeper.end()


class IndexKeeper(threading.Thread):
    """Takes in what runs commit. `error` is what stands in the way, None when nothing does."""

    def __init__(self, index: SearchIndex) -> None:
        super().__init__(daemon=True)
        self.index = index
        self.is_busy = True
        self.error: str | None = None
        self._stop_asked = threading.Event()
        self._again = threading.Event()
        self._is_doubtful = False

    def run(self) -> None:
        seen: object = None
        while not self._stop_asked.is_set():
            now = self._fingerprint()
            if now != seen or self._again.is_set():
                self._again.clear()
                self.is_busy = True
                self._refresh()
                self.is_busy = False
                seen = now
            self._stop_asked.wait(LOOK_EVERY_S)

    def look_again(self, *, is_index_doubtful: bool) -> None:
        """Something was not where the index says, or the index not readable: see what is there now."""
        self._is_doubtful |= is_index_doubtful
        self._again.set()

    def _refresh(self) -> None:
        try:
            if self._is_doubtful:
                self.index.mend()
                self._is_doubtful = False
            self.index.refresh(self._stop_asked)
            self.error = None
        except (NewsbeamError, OSError) as error:
            self.error = str(error)

    def end(self) -> None:
        """Ask the thread to end, and wait for it; a part file half taken in is left out."""
        self._stop_asked.set()
        self.join(timeout=10)

    def _fingerprint(self) -> object:
        """Changes with every commit, and when the index is deleted."""
        runs = self.index.dataset.runs
        try:
            files = [runs, *runs.glob("*.json"), self.index.path]
            return [
                (file.name, file.stat().st_mtime_ns if file.suffix == ".json" else file.stat().st_ino) for file in files
            ]
        except OSError:
            return object()


class _Handler(WSGIRequestHandler):
    timeout = IDLE_S

    def version_string(self) -> str:
        return "newsbeam"

    def log(self, type: str, message: str, *args: object) -> None:
        """Requests are no news; errors are on the page."""


def _has_desktop() -> bool:
    """Whether a browser would open in a window, not in this terminal."""
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
