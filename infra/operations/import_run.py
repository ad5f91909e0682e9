"""One run of an import: looks at all lines, sends what is to be sent, and tells what became of them."""

import json
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any, BinaryIO, Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from infra.operations import output
from infra.operations.checkpoint import Checkpoint
from infra.operations.destination import whole_file
from infra.operations.errors import OperationError
from infra.operations.lines import Entry, Input, Reader
from infra.operations.sending import AT_ONCE, BATCH, Message, Stopped
from sessions import clock


@dataclass(slots=True)
class Counts:
    """`lines` are records where a record has several; `skipped` are about something that is no event of ours."""

    lines: int = 0
    valid: int = 0
    rejected: int = 0
    skipped: int = 0

    def add(self, entry: Entry) -> None:
        self.lines += 1
        self.valid += entry.body is not None
        self.rejected += entry.reason is not None
        self.skipped += entry.body is None and entry.reason is None


class Sends(Protocol):
    """A queue's `Sender`, or a `Restorer`."""

    @property
    def results(self) -> Mapping[str, int]: ...

    def send(self, messages: Iterable[Message], after_window: Callable[[], None]) -> None: ...


class Sending(Protocol):
    """Makes one. `note` is told the places of what arrived, in any thread, until `stopping` is set."""

    def __call__(self, *, note: Callable[[list[int]], None], stopping: Event) -> Sends: ...


class ImportRun:
    """`told` stands first in what is found; `rejects` is where lines that are rejected are told of.

    `results` are what else is counted than that something is sent, from 0 on: of sessions that are put back.
    """

    def __init__(
        self,
        told: dict[str, Any],
        inputs: Sequence[Input],
        rejects: Path,
        progress: Progress,
        results: Mapping[str, int],
    ) -> None:
        self._told = told
        self._results = results
        self._things = "sessions" if results else "events"
        self._inputs = inputs
        self._rejects = rejects
        self._progress = progress
        self._counts = Counts()
        self._sent = self._sent_already = 0
        self._seconds = 0.0
        self._checkpoint: Path | None = None

    def look(self, reader: Reader) -> Counts:
        """Counts what there is, and writes down what is rejected, if anything is."""
        self._counts = Counts()
        task = self._progress.add_task("looking", total=sum(one.size for one in self._inputs) or 1)
        with ExitStack() as stack:
            file: BinaryIO | None = None
            for given in self._inputs:
                for entry in reader.entries(given, lambda octets: self._progress.advance(task, octets)):
                    self._counts.add(entry)
                    if entry.reason is not None:
                        file = file or stack.enter_context(_replacing(self._rejects))
                        told = {"file": entry.file, "line": entry.line, "reason": entry.reason}
                        file.write(f"{json.dumps(told)}\n".encode())
        return self._counts

    def refuse_rejected(self, done: str) -> None:
        """`OperationError` where lines were rejected; `done` tells what was done all the same."""
        if self._counts.rejected:
            raise OperationError(
                f"{self._counts.rejected} of {self._counts.lines} lines cannot be imported; {done}. "
                f"Which, and why, stands in {self._rejects}.",
                found=self.found(),
            )

    def send(self, known: Checkpoint, reader: Reader, sending: Sending, *, skips_invalid: bool) -> None:
        """Sends what was not sent yet. Ctrl-C ends it once what is on its way is acknowledged."""
        self._checkpoint = known.path
        self._sent_already = known.sent
        counts = known.state["counts"]
        if counts is None or (counts["rejected"] and not self._rejects.exists()):
            known.write(counts=asdict(self.look(reader)))
        self._counts = Counts(**known.state["counts"])
        if known.state["done"]:
            output.tell(f"All of it was sent by {known.state['done']}. --again sends it again.")
            return
        if not skips_invalid:
            done = "no more was sent" if known.sent else "nothing was sent"
            self.refuse_rejected(f"{done}. --skip-invalid sends the others")
        if known.state["is_sending"]:
            output.tell(
                f"The last process was killed while it was sending: up to {AT_ONCE * BATCH} {self._things} that were "
                "on their way are sent again. What comes twice changes nothing."
            )
        if known.sent:
            before = f"{known.sent} of {self._counts.valid} {self._things}"
            output.tell(f"{before} were sent before; it goes on with the others.")
        self._send(known, reader, sending)
        self.refuse_rejected("the others were sent")

    def _send(self, known: Checkpoint, reader: Reader, sending: Sending) -> None:
        task = self._progress.add_task("sending", total=self._counts.valid, completed=known.sent)
        begin = time.monotonic()

        def note(places: list[int]) -> None:
            known.note(places)
            self._progress.advance(task, len(places))

        known.write(is_sending=True)
        with _until_interrupted() as stopping:
            sender = sending(note=note, stopping=stopping)
            try:
                sender.send(self._messages(known, reader), after_window=known.write)
            except Stopped:
                so_far = f"{known.sent} of {self._counts.valid} {self._things}"
                output.tell(f"Interrupted: {so_far} are sent. The same command goes on.")
                raise KeyboardInterrupt from None
            finally:
                known.write(is_sending=False)
                self._results = sender.results
                self._sent, self._seconds = known.sent - self._sent_already, time.monotonic() - begin
        known.write(done=clock.sortable(datetime.now(UTC)))

    def _messages(self, known: Checkpoint, reader: Reader) -> Iterator[Message]:
        place = 0
        for given in self._inputs:
            for entry in reader.entries(given, lambda _: None):
                if entry.body is None:
                    continue
                if not known.has(place):
                    yield Message(place, entry.body)
                place += 1

    def found(self) -> dict[str, Any]:
        """What became of it all, up to now."""
        return (
            self._told
            | asdict(self._counts)
            | {
                "sent": self._sent,
                "sent_already": self._sent_already,
                **self._results,
                "seconds": round(self._seconds, 1),
                "events_per_second": round(self._sent / self._seconds, 1) if self._sent else None,
                "checkpoint": None if self._checkpoint is None else str(self._checkpoint),
                "rejects": str(self._rejects) if self._counts.rejected else None,
            }
        )


def is_rejects(path: Path) -> bool:
    """Whether nothing else than such a file is there."""
    try:
        with path.open("rb") as file:
            line = file.readline(100_000)
        return not line or set(json.loads(line)) == {"file", "line", "reason"}
    except (FileNotFoundError, NotADirectoryError):
        return True
    except (OSError, ValueError, TypeError, RecursionError):
        return False


@contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """A file that takes its name's place once it is whole, and its folder, should that be missing."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OperationError(f"{path} cannot be written: {error.strerror}.") from None
    with whole_file(path, force=True) as file:
        yield file


@contextmanager
def _until_interrupted() -> Iterator[Event]:
    """An event that Ctrl-C sets, in place of what Ctrl-C does else."""
    stopping = Event()
    before = signal.signal(signal.SIGINT, lambda *_: stopping.set())
    try:
        yield stopping
    finally:
        signal.signal(signal.SIGINT, before)


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:,.0f}/s" if task.speed else "")


def showing_progress() -> Progress:
    """A bar on standard error, where that is a terminal."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        _Rate(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )
