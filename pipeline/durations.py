"""Lengths of time as people write and read them."""

import re
from datetime import timedelta

from pipeline.errors import ConfigError


def parse_duration(text: str) -> float:
    """Seconds of "45s", "10m", "2h" or a bare number of seconds; raises `ConfigError`."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh]?)", text.strip())
    if not match or float(match[1]) <= 0:
        raise ConfigError(f"--every {text}: expected a duration such as 30s, 10m or 2h")
    return float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]]


def short(span: timedelta) -> str:
    """A length of time in its largest usual unit: 45s, 10m, 2h, 3d."""
    seconds = max(0.0, span.total_seconds())
    for unit, size_s, most in (("s", 1, 90), ("m", 60, 90), ("h", 3_600, 48)):
        if round(seconds / size_s) < most:
            return f"{round(seconds / size_s)}{unit}"
    return f"{round(seconds / 86_400)}d"
