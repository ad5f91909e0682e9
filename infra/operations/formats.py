"""The forms of an export: JSON Lines to import again; CSV and Parquet, one row a session, to look into."""

from collections.abc import Mapping
from datetime import datetime
from importlib import import_module
from typing import Any, BinaryIO, Protocol

from infra.operations.errors import OperationError
from sessions import clock
from sessions.export import Cell, Exported, Kind, Row

Columns = Mapping[str, Kind]

_FORMULAS = ("=", "+", "-", "@", "\t", "\r")
"""What spreadsheets take for the beginning of a formula (OWASP, "CSV Injection")."""
_GROUP_ROWS = 50_000
_GROUP_BYTES = 16 * 1024 * 1024


class Form(Protocol):
    """What an export is written as. `close` makes it whole."""

    def write(self, exported: Exported) -> None: ...

    def close(self) -> None: ...


class JsonLines:
    """One JSON text a line, UTF-8."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out

    def write(self, exported: Exported) -> None:
        self._out.write("".join(f"{line}\n" for line in exported.lines).encode())

    def close(self) -> None:
        """It is whole after each line."""


class Csv:
    """RFC 4180, UTF-8. Texts are always quoted, so null (nothing) is not the empty text (two quotes)."""

    def __init__(self, out: BinaryIO, columns: Columns, *, for_spreadsheets: bool = False) -> None:
        self._out = out
        self._columns = columns
        self._for_spreadsheets = for_spreadsheets
        self._out.write(f"{','.join(columns)}\r\n".encode())

    def write(self, exported: Exported) -> None:
        if exported.row is not None:
            self._out.write(f"{','.join(self._cell(exported.row[name]) for name in self._columns)}\r\n".encode())

    def close(self) -> None:
        """It is whole after each row."""

    def _cell(self, value: Cell) -> str:
        match value:
            case None:
                return ""
            case bool():
                return "true" if value else "false"
            case int():
                return str(value)
            case datetime():
                return clock.milliseconds(value)
            case str():
                text = f"'{value}" if self._for_spreadsheets and value.startswith(_FORMULAS) else value
                return '"' + text.replace('"', '""') + '"'


class Parquet:
    """Apache Parquet, in groups of rows that are small enough to be held."""

    def __init__(self, out: BinaryIO, columns: Columns) -> None:
        self._arrow = _pyarrow("pyarrow")
        types = {
            "text": self._arrow.string(),
            "integer": self._arrow.int64(),
            "boolean": self._arrow.bool_(),
            "time": self._arrow.timestamp("ms", tz="UTC"),
        }
        self._schema = self._arrow.schema([(name, types[kind]) for name, kind in columns.items()])
        self._writer = _pyarrow("pyarrow.parquet").ParquetWriter(out, self._schema)
        self._rows: list[Row] = []
        self._bytes = 0

    def write(self, exported: Exported) -> None:
        if exported.row is None:
            return
        self._rows.append({name: _to_milliseconds(value) for name, value in exported.row.items()})
        self._bytes += sum(len(value) for value in exported.row.values() if isinstance(value, str))
        if len(self._rows) == _GROUP_ROWS or self._bytes > _GROUP_BYTES:
            self._flush()

    def close(self) -> None:
        if self._rows:
            self._flush()
        self._writer.close()

    def _flush(self) -> None:
        self._writer.write_table(self._arrow.Table.from_pylist(self._rows, schema=self._schema))
        self._rows, self._bytes = [], 0


def _to_milliseconds(value: Cell) -> Cell:
    return value.replace(microsecond=value.microsecond // 1000 * 1000) if isinstance(value, datetime) else value


def _pyarrow(module: str) -> Any:
    try:
        return import_module(module)
    except ImportError:
        raise OperationError("Parquet needs the package pyarrow, some 50 MB: `make parquet` installs it.") from None
