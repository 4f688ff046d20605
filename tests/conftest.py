"""What all test files share: laws are checked without a deadline, for machines are slow at times, results are not."""

from hypothesis import settings

from tests.browser import browser, browser_of_module  # noqa: F401 - fixtures of every file
from tests.engines.fixtures import _flink, _prism, flink, prism, pytest_runtest_makereport  # noqa: F401

settings.register_profile("newsbeam", deadline=None)
settings.load_profile("newsbeam")
