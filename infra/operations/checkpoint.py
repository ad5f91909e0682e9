"""How far an import has come, in a file: so that the same command goes on where the last one ended, however it did.

The first line has the state, written anew from time to time (a new file in place of the old one). After it each batch
that SQS has acknowledged is a line with the places of its events, counted from 0 in the order of the files.
"""

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Any

from infra.operations.errors import OperationError

Identity = Mapping[str, Any]


def default_path(identity: Identity) -> Path:
    """In the user's folder for state, by what is imported and where to; the same command finds it again."""
    folder = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "sessionctl" / "imports"
    name = sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:20]
    return folder / f"{name}.checkpoint"


class Checkpoint:
    """`state` has, beside the identity: `began`, `counts` once all is validated, `done`, and `is_sending`.

    Where `is_sending` is found, a process died while it was sending.
    """

    def __init__(self, path: Path, identity: Identity, state: dict[str, Any], taken: set[int]) -> None:
        self.path = path
        self._identity = identity
        self._lock = Lock()
        self._taken = taken
        self._file = -1
        self.state = state

    @classmethod
    @contextmanager
    def opened(cls, path: Path, identity: Identity, began: str) -> Iterator["Checkpoint"]:
        """The one that is there, or a new one, for this process alone."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(path.with_name(path.name + ".lock"), os.O_CREAT | os.O_RDWR, 0o600)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise OperationError("The same import is running in another process.") from None
            found = cls(path, identity, *_read(path, identity, began))
            try:
                yield found
            finally:
                found.close()
        finally:
            os.close(lock)

    @property
    def sent(self) -> int:
        """How many events SQS has acknowledged."""
        return int(self.state["sent"]) + len(self._taken)

    def has(self, place: int) -> bool:
        """Whether SQS has acknowledged the event at this place."""
        return place < self.state["sent"] or place in self._taken

    def begin_again(self) -> None:
        """As if nothing had been sent. Events keep the moment of the first time, and so are the same events."""
        self._taken.clear()
        self.write(sent=0, done=None, is_sending=False)

    def note(self, places: Iterable[int]) -> None:
        """Remembers events that SQS has acknowledged, even if this process is killed now. Any thread may call it."""
        noted = list(places)
        with self._lock:
            os.write(self._file, f"{json.dumps(noted)}\n".encode())
            self._taken.update(noted)

    def write(self, **changes: Any) -> None:
        """Changes the state, and writes it so that there is always a whole one."""
        with self._lock:
            self.state |= changes
            while self.state["sent"] in self._taken:
                self._taken.discard(self.state["sent"])
                self.state["sent"] += 1
            partial = self.path.with_name(self.path.name + ".partial")
            file = os.open(partial, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_APPEND, 0o600)
            text = f"{json.dumps({'import': self._identity} | self.state)}\n{json.dumps(sorted(self._taken))}\n"
            os.write(file, text.encode())
            os.fsync(file)
            partial.replace(self.path)
            self.close()
            self._file = file

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def _read(path: Path, identity: Identity, began: str) -> tuple[dict[str, Any], set[int]]:
    try:
        head, *lines = path.read_text().split("\n")
        state = json.loads(head)
        known = state.pop("import")
    except FileNotFoundError:
        return {"began": began, "counts": None, "sent": 0, "is_sending": False, "done": None}, set()
    except (OSError, ValueError, KeyError, AttributeError):
        raise OperationError(f"{path} is not a checkpoint that can be read.") from None
    if known != json.loads(json.dumps(identity)):
        raise OperationError(
            f"{path} is the checkpoint of another import: of other files, options, or to another place."
        )
    taken: set[int] = set()
    for line in lines:
        with suppress(ValueError):  # the last one, cut off with the process that wrote it
            taken.update(json.loads(line))
    return state, {place for place in taken if place >= state["sent"]}
