"""`newsbeam feeds`: lists of feeds in and out, and the feeds of a site."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli_shared import EXIT_FAILED, ConfigFile, errors, fail

app = typer.Typer(help="Feed lists: OPML in and out, and the feeds of a site.", no_args_is_help=True)


@app.command("import")
def import_feeds(file: Annotated[Path, typer.Argument(metavar="OPML", help="A feed reader's export.")]) -> None:
    """Print the feeds of an OPML file as tables for a config."""
    with errors():
        from pipeline.feeds_command import imported

        print(imported(file))


@app.command("export")
def export_feeds(config: ConfigFile) -> None:
    """Print the feeds of a config as OPML, for feed readers."""
    with errors():
        from pipeline.feeds_command import exported

        print(exported(config))


@app.command("discover")
def discover_feeds(
    url: Annotated[str, typer.Argument(metavar="URL", help="A page of the site.")],
    allow_hosts: Annotated[
        list[str] | None, typer.Option("--allow-host", metavar="HOST:PORT", help="As fetch.allow_hosts. Repeatable.")
    ] = None,
) -> None:
    """Find the feeds of a site and print them as tables for a config; exit code 1 when there are none."""
    with errors():
        from pipeline.config_values import check_hosts
        from pipeline.feeds_command import discovered

        check_hosts(allow_hosts or (), "--allow-host")
        found = discovered(url, tuple(allow_hosts or ()))
        print(found, end="")
        if not found:
            fail(f"no feeds found at {url}", EXIT_FAILED)
