"""What each verb can be told: one frozen dataclass a section of the config. Every key has a default.

The config file is validated against these classes (`pipeline.config`); a transform gets its section through its
constructor and reads nothing else.
"""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le

MOST = 2**31 - 1
DAY_S = 86_400.0
AtLeastOne = Annotated[int, Ge(1), Le(MOST)]
NotNegative = Annotated[int, Ge(0), Le(MOST)]
Seconds = Annotated[float, Gt(0), Le(DAY_S)]
Share = Annotated[float, Ge(0), Le(1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSettings:
    workers: Annotated[int, Ge(0), Le(1_024)] = 0
    batch_entries: AtLeastOne = 2000
    beam_options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchSettings:
    user_agent: str = "newsbeam/0.1"
    contact: str = ""
    timeout_s: Seconds = 30.0
    max_wire_bytes: AtLeastOne = 5_000_000
    max_page_bytes: AtLeastOne = 10_000_000
    max_feed_bytes: AtLeastOne = 15_000_000
    max_feed_entries: AtLeastOne = 500
    redirects: NotNegative = 10
    retries: NotNegative = 2
    per_host_connections: AtLeastOne = 4
    per_host_delay_s: Annotated[float, Ge(0), Le(DAY_S)] = 1.0
    respect_robots: bool = True
    archive: bool = False
    allow_hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanSettings:
    min_words: NotNegative = 25
    timeout_s: Seconds = 20.0
    boilerplate: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeduplicateSettings:
    near: Literal["mark", "drop", "off"] = "mark"
    window_days: Annotated[int, Ge(1), Le(92)] = 14  # the index of signatures keeps 92 days
    repeated_lines: Literal["remove", "keep"] = "remove"
    arrangement: Literal["one-worker", "joins"] = "one-worker"

    def __post_init__(self) -> None:
        if self.arrangement == "joins" and self.near == "drop":
            raise ValueError('arrangement = "joins" cannot drop copies; expected near = "mark" or "off"')


@dataclass(frozen=True, slots=True, kw_only=True)
class TagSettings:
    taggers: tuple[str, ...] = ("places", "names", "topics", "quotes", "keywords", "reading")
    lexicons: tuple[str, ...] = ()
    topic_model: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteSettings:
    compression: Literal["zstd", "snappy", "gzip", "none"] = "zstd"
    partition_by: tuple[Literal["seen_date"]] = ("seen_date",)
    target_file_mb: AtLeastOne = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmSettings:
    rejected_share: Share = 0.5
    failed_feeds_share: Share = 0.5
    failed_pages_share: Share = 0.5
    failing_polls: Annotated[float, Ge(0)] = 3.0
    silent_gaps: Annotated[float, Ge(0)] = 3.0
    silent_hours: Annotated[float, Ge(0)] = 24.0
    drift: Share = 0.5
    drift_articles: AtLeastOne = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsSettings:
    prometheus_file: str = ""
    json_file: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All sections together."""

    run: RunSettings = field(default_factory=RunSettings)
    fetch: FetchSettings = field(default_factory=FetchSettings)
    clean: CleanSettings = field(default_factory=CleanSettings)
    deduplicate: DeduplicateSettings = field(default_factory=DeduplicateSettings)
    tag: TagSettings = field(default_factory=TagSettings)
    write: WriteSettings = field(default_factory=WriteSettings)
    alarms: AlarmSettings = field(default_factory=AlarmSettings)
    metrics: MetricsSettings = field(default_factory=MetricsSettings)
