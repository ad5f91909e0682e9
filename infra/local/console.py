"""The log on a desk: a line a fact, its data behind it, where Lambda would write JSON."""

import logging

_USUAL = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


def start() -> None:
    """Shows what somebody should look at, and is quiet while all is well."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Formatter("%(levelname)s %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("sessions").setLevel(logging.WARNING)
    logging.getLogger("uvicorn").setLevel(logging.ERROR)  # a caller's odd request is the caller's


class _Formatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line, *trace = super().format(record).split("\n", 1)
        data = [f"{name}={value}" for name, value in vars(record).items() if name not in _USUAL and value is not None]
        return "\n".join([" ".join([line, *data]), *trace])
