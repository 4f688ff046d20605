"""The values of an answer in the forms it is printed in: JSON, CSV, and text for a terminal."""

import json
import math
from collections.abc import Sequence
from datetime import date, time
from decimal import Decimal
from typing import Any

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # how a cell begins that a spreadsheet would run


def distinct(names: Sequence[str]) -> list[str]:
    """Names of columns, each once: of two alike the second is called `name_1`, as DuckDB does it elsewhere."""
    told: list[str] = []
    for name in names:
        number = 0
        while (unlike := f"{name}_{number}" if number else name) in told:
            number += 1
        told.append(unlike)
    return told


def as_json(value: Any) -> Any:
    """A value of SQL as one of JSON: instants and days in ISO 8601, binary in hex; what is no number is null."""
    match value:
        case None | bool() | int() | str():
            return value
        case float() | Decimal():
            return float(value) if math.isfinite(value) else None
        case bytes():
            return value.hex()
        case date() | time():
            return value.isoformat()
        case dict():
            return {key if isinstance(key, str) else str(as_json(key)): as_json(part) for key, part in value.items()}
        case list() | tuple():
            return [as_json(part) for part in value]
    return str(value)


def as_cell(value: Any) -> Any:
    """A cell of CSV that no spreadsheet takes for a formula. Lists and structs are JSON."""
    if isinstance(value, str) and value.startswith(FORMULA):
        return "'" + value
    if isinstance(value, bytes):
        return value.hex()
    return json.dumps(as_json(value), ensure_ascii=False) if isinstance(value, (list, dict, tuple)) else value


def as_text(value: Any) -> str:
    """Text from the web without the control characters that steer a terminal."""
    text = value.hex() if isinstance(value, bytes) else str(value)
    return "".join(char if char.isprintable() or char == "\n" else " " for char in text)
