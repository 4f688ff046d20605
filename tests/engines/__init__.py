"""Real Beam engines on loopback, for tests and for trying: Prism, and a standalone Flink cluster.

    make engines                       fetches what they need, once (fetch.py names the versions)
    python -m tests.engines prism      runs one and prints the Beam options that reach it, until Ctrl-C
    python -m tests.engines flink

In tests, ask for the fixture `prism` or `flink` (fixtures.py) and mark the test alike.
"""
