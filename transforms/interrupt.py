"""The wish to end early, process-wide: the run sets it on SIGTERM, whoever would wait long looks at it."""

import threading

requested = threading.Event()
