"""What stands in the files of an import: events, or sessions of a family without a queue; and why a line is none."""

import gzip
import json
import os
import shutil
import stat
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import file_digest, sha256
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO, cast

import typer
from pydantic import TypeAdapter, ValidationError

from infra.operations.errors import OperationError
from infra.settings import QUEUE_MESSAGE_BYTES
from sessions.events import explain

JSON_LINES = "json-lines"
RADIUS_DETAIL = "radius-detail"
SOURCE = "/sessionctl/import"
"""The `source` of events that are made about lines of data alone."""

_GZIP = b"\x1f\x8b"
_UTF_8_MARK = b"\xef\xbb\xbf"
_TOO_LARGE = f"larger than {QUEUE_MESSAGE_BYTES} octets, which is the most that the queue takes"
# JSON may have them, SQS's messages may not. In JSON they can only stand in a text, where they can be written so.
_NOT_IN_SQS = {0xFFFE: "\\ufffe", 0xFFFF: "\\uffff"}


@dataclass(frozen=True, slots=True)
class Entry:
    """A line, or a record of several that begins there: the message to send, or the reason why there is none.

    With neither it is about something else.
    """

    file: str
    line: int
    body: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Input:
    """A file as it was when it was first read. `size` and `digest` are of what is stored, gzip or not."""

    name: str
    path: Path
    size: int
    changed: int
    digest: str

    @classmethod
    def of(cls, name: str, folder: Path) -> "Input":
        """The file of this name; standard input, or what can be read only once, by a copy in the folder."""
        try:
            if name == "-" or not stat.S_ISREG(os.stat(name).st_mode):  # noqa: PTH116 (`Path` would hide what it is)
                copy = folder / f"{len(list(folder.iterdir()))}"
                with copy.open("wb") as out, _once(name) as given:
                    shutil.copyfileobj(given, out)
                path = copy
            else:
                path = Path(name)
            with path.open("rb") as file:
                digest = file_digest(file, "sha256").hexdigest()
                found = os.fstat(file.fileno())
        except OSError as error:
            raise typer.BadParameter(f"{name} cannot be read: {error.strerror}", param_hint="FILE") from None
        return cls(name, path, found.st_size, found.st_mtime_ns, digest)

    def lines(self, read: Callable[[int], None]) -> Iterator[tuple[int, bytes]]:
        """Its lines with their numbers, without what ends them; one that is too large is cut.

        `read` is told of octets that were read, from time to time.
        """
        number = told = 0
        with self.path.open("rb") as file:
            found = os.fstat(file.fileno())
            if (found.st_size, found.st_mtime_ns) != (self.size, self.changed):
                raise OperationError(f"{self.name} changes while it is imported. Try again once it is whole.")
            is_gzip = file.read(2) == _GZIP
            file.seek(0)
            plain = cast(BinaryIO, gzip.GzipFile(fileobj=file)) if is_gzip else file
            try:
                while line := plain.readline(QUEUE_MESSAGE_BYTES + 2):
                    number += 1
                    rest = line
                    while rest and not rest.endswith(b"\n"):
                        rest = plain.readline(QUEUE_MESSAGE_BYTES)
                    yield number, line.removeprefix(_UTF_8_MARK if number == 1 else b"").rstrip(b"\r\n")
                    if number % 500 == 0:
                        read(file.tell() - told)
                        told = file.tell()
            except (EOFError, zlib.error, gzip.BadGzipFile) as error:
                raise OperationError(f"{self.name} is damaged after line {number}: {error}") from None
        read(self.size - told)


def _once(name: str) -> BinaryIO:
    return os.fdopen(os.dup(sys.stdin.fileno()), "rb") if name == "-" else Path(name).open("rb")


class Reader:
    """Makes events of lines: one of a family, by what was said on the command line. Sessions stay as they are."""

    def __init__(
        self, family: str, *, form: str, event_type: str | None, moment: str, iccid_attribute: str | None
    ) -> None:
        """`moment` is the time of events about data alone."""
        types = event_types(family)
        self._whole: TypeAdapter[Any] = (
            import_module(f"functions.{family}.events").EVENTS if types else restoring(family).SESSIONS
        )
        self._types = types if event_type is None else {event_type: types[event_type]}
        self._moment = moment
        self._form: Any = None if form == JSON_LINES else import_module(_module(family, form))
        self._options = {"iccid_attribute": iccid_attribute or getattr(self._form, "ICCID_ATTRIBUTE", None)}

    def entries(self, given: Input, read: Callable[[int], None]) -> Iterator[Entry]:
        """All that is in the file, but for empty lines, in its order; the same each time."""
        lines = given.lines(read)
        if self._form is None:
            for number, line in lines:
                if text := line.strip():
                    yield Entry(given.name, number, *self._message(text))
            return
        decoded = ((number, line.decode(errors="surrogateescape")) for number, line in lines)
        yield from self._records(given.name, decoded)

    def _records(self, file: str, lines: Iterable[tuple[int, str]]) -> Iterator[Entry]:
        for number, found in self._form.events(lines, **self._options):
            match found:
                case None:
                    yield Entry(file, number)
                case str():
                    yield Entry(file, number, reason=found)
                case _:
                    yield Entry(file, number, *self._checked(json.dumps(found)))

    def _message(self, line: bytes) -> tuple[str | None, str | None]:
        if len(line) > QUEUE_MESSAGE_BYTES:
            return None, _TOO_LARGE
        try:
            text = line.decode()
        except UnicodeDecodeError:
            return None, "not UTF-8"
        body, reason = self._checked(text)
        if reason is None or not self._types or not _is_data(text):
            return body, reason
        faults: dict[str, ValidationError] = {}
        for name, model in self._types.items():
            try:
                model.model_validate_json(text)
            except ValidationError as error:
                faults[name] = error
        fitting = [name for name in self._types if name not in faults]
        if len(fitting) > 1:
            return None, f"the data of any of several events; --type says which: {', '.join(fitting)}"
        if not fitting:
            nearest = min(faults, key=lambda name: faults[name].error_count())
            return None, f"neither an event nor the data of one; of {nearest}: {explain(faults[nearest])}"
        return self._checked(self._about(fitting[0], text))

    def _about(self, event_type: str, data: str) -> str:
        """The event that has this data: named by it, so that the same line is the same event."""
        name = sha256(f"{event_type}\n{data}".encode()).hexdigest()[:32]
        envelope = {"specversion": "1.0", "id": name, "source": SOURCE, "type": event_type, "time": self._moment}
        return f'{json.dumps(envelope)[:-1]}, "data": {data}}}'

    def _checked(self, text: str) -> tuple[str | None, str | None]:
        """The message, or why the queue's recorder would not take it."""
        try:
            self._whole.validate_json(text)
        except ValidationError as error:
            return None, explain(error, "event" if self._types else "session")
        body = text.translate(_NOT_IN_SQS)
        return (None, _TOO_LARGE) if len(body.encode()) > QUEUE_MESSAGE_BYTES else (body, None)


def is_form(family: str, form: str) -> bool:
    """Whether the family can read such files."""
    return form == JSON_LINES or (form == RADIUS_DETAIL and find_spec(_module(family, form)) is not None)


def event_types(family: str) -> dict[str, Any]:
    """What the family's events have as their data, by their types; of a family without a queue none."""
    if find_spec(f"functions.{family}.events") is None:
        return {}
    types: dict[str, Any] = import_module(f"functions.{family}.events").DATA
    return types


def restoring(family: str) -> Any:
    """What puts sessions of a family without a queue back."""
    return import_module(f"functions.{family}.restore")


def _module(family: str, form: str) -> str:
    return f"functions.{family}.{form.replace('-', '_')}"


def _is_data(text: str) -> bool:
    """Whether it is an object that is not meant as an event."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and not {"specversion", "data"} & found.keys()
