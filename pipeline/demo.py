"""`newsbeam demo`: the sample site, served on loopback, as a config like any other."""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.config import Config, load_config
from pipeline.errors import ConfigError
from pipeline.sample_site import serve_sample

CONFIG = Path("configs/sample.toml")
SAMPLE = Path("data/sample")


@contextmanager
def demo_config(output: Path) -> Iterator[Config]:
    """While inside, the sample is served, and the config's feeds and allowed hosts are those of the running site."""
    home = Path(__file__).resolve().parent.parent
    if not (home / SAMPLE).is_dir():
        raise ConfigError(f"{home / SAMPLE}: the sample site is part of the repository, not of the installed package")
    config = load_config(home / CONFIG, output=str(output))
    with serve_sample(home / SAMPLE) as site:
        if (output / "runs").is_dir():
            site.advance()  # a second demo shows what has changed: a correction, a mended feed, a new story
        fetch = dataclasses.replace(config.settings.fetch, allow_hosts=site.hosts)
        yield dataclasses.replace(config, feeds=site.feeds, settings=dataclasses.replace(config.settings, fetch=fetch))
