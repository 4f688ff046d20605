"""`python -m tests.engines prism|flink|spark`: runs an engine until Ctrl-C and prints how to reach it."""

import signal
import sys
import tempfile
from pathlib import Path

from tests.engines.flink import FlinkCluster
from tests.engines.prism import Prism
from tests.engines.processes import EngineError
from tests.engines.spark import SparkCluster

ENGINES = {"prism": Prism, "flink": FlinkCluster, "spark": SparkCluster}


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or arguments[0] not in ENGINES:
        print(f"usage: python -m tests.engines {'|'.join(ENGINES)}", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that ending this ends the engine too
    with tempfile.TemporaryDirectory(prefix="newsbeam-engine-") as folder:
        try:
            with ENGINES[arguments[0]](Path(folder)) as engine:
                print(" ".join(engine.options()))
                print(f"Logs are in {folder}. Ctrl-C ends it.", file=sys.stderr, flush=True)
                signal.pause()
        except KeyboardInterrupt:
            return 0
        except (EngineError, OSError) as error:
            print(f"{arguments[0]} did not start; `make engines` fetches it: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
