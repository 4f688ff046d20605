"""What all test files share: laws are checked without a deadline, for machines are slow at times, results are not."""

from hypothesis import settings

from tests.browser import browser, browser_of_module  # noqa: F401 - fixtures of every file
from tests.engines.fixtures import (  # noqa: F401
    _flink,
    _prism,
    _spark,
    flink,
    prism,
    pytest_runtest_makereport,
    spark,
)

settings.register_profile("newsbeam", deadline=None)
settings.load_profile("newsbeam")
