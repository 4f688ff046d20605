"""The Arrow schemas of the datasets, derived from the records of `transforms.schema`.

Annotations become Arrow types and columns field metadata, so that every file of a dataset has exactly the same schema,
whatever its rows hold.

Python types map to Arrow so: str string, bool bool, bytes binary, int int32, `Int64` int64, float float32, `Double`
float64, datetime timestamp[us, UTC], a dataclass a struct, tuple[X, ...] a list of X. `X | None` is X, nullable.
An empty tuple is written as an empty list: nothing found. None is written as null: unknown.
"""

import dataclasses
import types
from datetime import datetime
from functools import cache
from typing import Annotated, Any, Union, get_args, get_origin

import pyarrow as pa

from transforms.schema import DATASETS, WIDE, column_of, hints

_SCALARS: dict[Any, pa.DataType] = {
    str: pa.string(),
    bool: pa.bool_(),
    bytes: pa.binary(),
    int: pa.int32(),
    float: pa.float32(),
    datetime: pa.timestamp("us", tz="UTC"),
}
_WIDE: dict[Any, pa.DataType] = {int: pa.int64(), float: pa.float64()}


@cache
def arrow_schema(dataset: str) -> pa.Schema:
    """The Arrow schema of "articles", "rejects" or "fetches", with each column's description in its field metadata."""
    return pa.schema([_field(name, hint) for name, hint in hints(DATASETS[dataset]).items()])


def to_row(record: Any) -> dict[str, Any]:
    """A record as the plain dict that `pyarrow.Table.from_pylist` takes."""
    return {field.name: to_plain(getattr(record, field.name)) for field in dataclasses.fields(record)}


def to_plain(value: Any) -> Any:
    """A value of a record as plain lists and dicts."""
    if isinstance(value, tuple):
        return [to_plain(item) for item in value]
    return to_row(value) if dataclasses.is_dataclass(value) else value


def _field(name: str, hint: Any) -> pa.Field:
    names = {key: value for key, value in dataclasses.asdict(column_of(hint)).items() if value is not None}
    return pa.field(name, _arrow_type(hint), metadata=names)


def _arrow_type(hint: Any) -> pa.DataType:
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _WIDE[args[0]] if WIDE in args[1:] else _arrow_type(args[0])
    if origin in (Union, types.UnionType):
        return _arrow_type(next(part for part in args if part is not types.NoneType))
    if origin is tuple:
        return pa.list_(pa.field("element", _arrow_type(args[0])))  # the name Parquet gives it
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return pa.struct([pa.field(name, _arrow_type(part)) for name, part in hints(hint).items()])
    return _SCALARS[hint]
