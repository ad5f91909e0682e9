"""Where an export goes: to standard output, or to a file that is there once it is whole."""

import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from infra.operations.errors import OperationError


class StandardOutput:
    """Counts what goes by: a pipe does not tell."""

    def __init__(self) -> None:
        self._bytes = 0

    def write(self, data: bytes) -> int:
        self._bytes += len(data)
        return sys.stdout.buffer.write(data)

    def tell(self) -> int:
        return self._bytes


@contextmanager
def whole_file(path: Path, *, force: bool) -> Iterator[BinaryIO]:
    """A file that comes to be under its name when it is whole, for its owner's eyes; if anything fails, it does not."""
    target = Path(os.path.realpath(path))
    try:
        _check_place(target, path, force=force)
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=".export-", suffix=".part")
    except OSError as error:
        raise OperationError(f"{path} cannot be written: {error.strerror}.") from None
    try:
        with os.fdopen(descriptor, "wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        _check_place(target, path, force=force)
        Path(name).replace(target)
    except OSError as error:
        raise OperationError(f"{path} cannot be written: {error.strerror}.") from None
    finally:
        with suppress(OSError):
            Path(name).unlink()


def _check_place(target: Path, path: Path, *, force: bool) -> None:
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(mode):
        raise OperationError(f"{path} is no file. `--output -` is standard output.")
    if not force:
        raise OperationError(f"{path} is there already; --force replaces it.")
