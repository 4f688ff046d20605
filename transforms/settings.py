"""What each verb can be told: one frozen dataclass a section of the config. Every key has a default.

The config file is validated against these classes (`pipeline.config`); a transform gets its section through its
constructor and reads nothing else.
"""

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSettings:
    workers: int = 0
    batch_entries: int = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchSettings:
    user_agent: str = "newsbeam/0.1"
    contact: str = ""
    timeout_s: float = 30.0
    max_wire_bytes: int = 5_000_000
    max_page_bytes: int = 10_000_000
    max_feed_bytes: int = 15_000_000
    max_feed_entries: int = 500
    redirects: int = 10
    retries: int = 2
    per_host_connections: int = 4
    per_host_delay_s: float = 1.0
    respect_robots: bool = True
    allow_hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanSettings:
    min_words: int = 25
    timeout_s: float = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DeduplicateSettings:
    near: Literal["mark", "drop", "off"] = "mark"
    window_days: int = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class TagSettings:
    taggers: tuple[str, ...] = ("places", "names", "topics", "quotes")
    lexicons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteSettings:
    compression: Literal["zstd", "snappy", "gzip", "none"] = "zstd"
    partition_by: tuple[str, ...] = ("seen_date",)
    target_file_mb: int = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All sections together."""

    run: RunSettings = field(default_factory=RunSettings)
    fetch: FetchSettings = field(default_factory=FetchSettings)
    clean: CleanSettings = field(default_factory=CleanSettings)
    deduplicate: DeduplicateSettings = field(default_factory=DeduplicateSettings)
    tag: TagSettings = field(default_factory=TagSettings)
    write: WriteSettings = field(default_factory=WriteSettings)
