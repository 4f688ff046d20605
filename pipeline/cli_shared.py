"""What the modules of the command line share: arguments that many commands take, and errors as exit codes."""

import dataclasses
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from pipeline.errors import NewsbeamError

if TYPE_CHECKING:
    from pipeline.config import Config

EXIT_FAILED, EXIT_ALARM = 1, 3

ConfigFile = Annotated[
    Path, typer.Argument(metavar="CONFIG", help="The config file (TOML); configs/newsbeam.toml lists every key.")
]


def dataset_folder(root: str | Path) -> Path:
    """The folder to read a dataset in; that of an object store is brought up to date. A default comes as a Path."""
    with errors():
        from pipeline.stores import refreshed

        return refreshed(str(root))


DatasetRoot = Annotated[
    Path, typer.Argument(metavar="DATASET", parser=dataset_folder, help="The dataset root: a folder, s3:// or gs://.")
]
FeedFiles = Annotated[
    list[Path] | None,
    typer.Option("--feeds", metavar="FILE", help="More feeds: one address a line, or OPML. Repeatable."),
]
Assignments = Annotated[
    list[str] | None, typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Override one config key. Repeatable.")
]


def load(
    path: Path, output: str | None, feeds: list[Path] | None, assignments: list[str] | None, workers: int | None
) -> "Config":
    from pipeline.config import load_config
    from pipeline.stores import folder_of

    config = load_config(path, output=output, feed_files=feeds or (), assignments=assignments or (), workers=workers)
    return dataclasses.replace(config, output=str(folder_of(config.output)))


@contextmanager
def errors() -> Iterator[None]:
    """Turn the program's own errors into a line on standard error and an exit code."""
    try:
        yield
        sys.stdout.flush()
    except typer.Exit:
        raise
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader has seen enough
        raise typer.Exit(0) from None
    except NewsbeamError as error:
        fail(str(error), error.exit_code)
    except OSError as error:
        fail(f"{error.filename or 'input/output'}: {error.strerror or error}", EXIT_FAILED)


def fail(message: str, code: int) -> NoReturn:
    print(f"newsbeam: {message}", file=sys.stderr)
    raise typer.Exit(code)
