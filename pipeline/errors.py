"""The errors the program raises on purpose, each with the exit code it ends in."""


class NewsbeamError(Exception):
    """Base of the errors whose message is all a user needs: what, where, what to do."""

    exit_code = 1


class ConfigError(NewsbeamError):
    """The config or the usage is wrong; the message names file, key and what was expected."""

    exit_code = 2


class UsageError(NewsbeamError):
    """The command line asks for something that cannot be."""

    exit_code = 2


class RunnerError(NewsbeamError):
    """The runner is not known or not to be had."""

    exit_code = 2


class FeedError(NewsbeamError):
    """No feed is to be had; the message says why."""


class DatasetLockedError(NewsbeamError):
    """Another run holds the dataset; the message says which."""

    exit_code = 75


class DatasetError(NewsbeamError):
    """The dataset cannot be used; the message names the path."""


class NoDatasetError(DatasetError):
    """There is no dataset where one is to be read."""

    exit_code = 2


class RunFailedError(NewsbeamError):
    """The run failed; nothing of the failing batch was committed."""


class StoppedError(RunFailedError):
    """The run was to end, and the engine did not let go of its batch: nothing of that was committed."""


class BooksError(RunFailedError):
    """The rows on disk do not add up to the entries that went in."""


class QueryError(NewsbeamError):
    """The query cannot be answered; the message is the engine's."""

    exit_code = 2
