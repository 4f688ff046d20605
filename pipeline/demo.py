"""`newsbeam demo`: the sample site, served on loopback, as a config like any other."""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.config import Config, load_config
from pipeline.errors import ConfigError
from pipeline.sample_site import sample_folder, serve_sample

CONFIG = Path("configs/sample.toml")


@contextmanager
def demo_config(output: Path) -> Iterator[Config]:
    """While inside, the sample is served, and the config's feeds and allowed hosts are those of the running site."""
    try:
        folder = sample_folder()
    except FileNotFoundError as error:
        raise ConfigError(str(error)) from error
    config = load_config(folder.parent.parent / CONFIG, output=str(output))
    with serve_sample(folder) as site:
        if (output / "runs").is_dir():
            site.advance()  # a second demo shows what has changed: a correction, a mended feed, a new story
        fetch = dataclasses.replace(config.settings.fetch, allow_hosts=site.hosts)
        yield dataclasses.replace(config, feeds=site.feeds, settings=dataclasses.replace(config.settings, fetch=fetch))
