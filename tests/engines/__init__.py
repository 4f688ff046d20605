"""Real Beam engines on loopback, for tests and for trying: Prism, standalone Flink and Spark.

    make engines                       fetches what they need, once (fetch.py names the versions)
    python -m tests.engines prism      runs one and prints the Beam options that reach it, until Ctrl-C
    python -m tests.engines flink
    python -m tests.engines spark

In tests, ask for the fixture `prism`, `flink` or `spark` (fixtures.py) and mark the test alike.
"""
