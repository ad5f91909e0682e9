"""Time, as the families use it: aware `datetime`s in UTC, and the fixed-width text that sorts as time does."""

from datetime import UTC, datetime


def now() -> datetime:
    """The present instant, in UTC. Handlers read it once and pass it on; nothing below them asks again."""
    return datetime.now(UTC)


def sortable(moment: datetime) -> str:
    """Fixed-width RFC 3339 text in UTC with microseconds: its order as text is the order in time.

    >>> sortable(datetime(2026, 1, 2, 3, 4, 5, 60, tzinfo=UTC))
    '2026-01-02T03:04:05.000060Z'
    """
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def parse(text: str) -> datetime:
    """The instant that `sortable` wrote."""
    return datetime.fromisoformat(text)


def milliseconds(moment: datetime) -> str:
    """RFC 3339 in UTC with exactly three digits of a second, cut and not rounded: `2026-01-02T03:04:05.678Z`."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
