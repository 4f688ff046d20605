"""Values of a config: each of the type that is expected and of no other. "30" is no number, and 1 is not true.

Raises `ConfigError`, which names file, key and what was expected.
"""

import difflib
import json
import re
from collections.abc import Iterable
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from pipeline.errors import ConfigError

T = TypeVar("T")
EXPECTED = {  # by the first word of pydantic's types of errors
    "float": "a number",
    "int": "a whole number",
    "bool": "true or false",
    "string": 'a text in "quotes"',
    "tuple": "a list in [brackets]",
}
_HOST_AND_PORT = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[^\s/@:*\[\]]+):([0-9]{1,5})")


def validate(kind: type[T], value: dict[str, Any], name: str, prefix: str) -> T:
    """`value` as the dataclass `kind`; `name` is the file, and `prefix` leads to its keys there."""
    try:
        return TypeAdapter(kind).validate_json(json.dumps(value, default=_no_json), strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        key = prefix + ".".join(str(part) for part in first["loc"])
        wanted = EXPECTED.get(first["type"].partition("_")[0])
        told = f"expected {wanted}" if wanted else f"{first['msg'][0].lower()}{first['msg'][1:]}"
        raise ConfigError(f"{name}: {key}: {told}, got {first['input']!r}") from error


def forbid_unknown(table: dict[str, Any], known: set[str], name: str, prefix: str) -> None:
    for key in table:
        if key not in known:
            close = difflib.get_close_matches(key, known, 1)
            hint = f"; did you mean {prefix}{close[0]}?" if close else f"; known: {', '.join(sorted(known))}"
            raise ConfigError(f"{name}: {prefix}{key}: unknown key{hint}")


def check_hosts(hosts: Iterable[str], where: str) -> None:
    """Hosts that may be asked though their address is not public; another spelling would allow nothing, and not say."""
    for host in hosts:
        found = _HOST_AND_PORT.fullmatch(host)
        if not found or int(found[1]) > 65_535:
            raise ConfigError(f'{where}: expected "host:port", as in "127.0.0.1:8080", got {host!r}')


def _no_json(value: object) -> dict[str, str]:
    """A date or a time, which no key takes."""
    return {type(value).__name__: str(value)}
