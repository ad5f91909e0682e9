"""What comes in through the queues: CloudEvents 1.0 in structured JSON mode, one to a message.

(source, id) names an event. Attributes we do not know are left alone; members of `data` we do not know are an
error, because they would be lost.
"""

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Strict,
    StringConstraints,
    ValidationError,
)

from sessions import clock

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_NAME = re.compile(r"[A-Za-z][\w.]{0,63}", re.ASCII)
_RFC_3339 = re.compile(r"(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:)(\d\d(?:\.\d+)?)([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def _is_rfc_3339(value: Any) -> Any:
    found = _RFC_3339.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("not an RFC 3339 date-time with an offset")
    minute, seconds, offset = found.groups()
    # A leap second has no place in a `datetime`; it is the last instant of its minute here.
    return (minute + ("59.999999" if seconds.startswith("60") else seconds) + offset).upper()


def _in_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("outside the years 1 to 9999") from None


Timestamp = Annotated[AwareDatetime, Strict(False), BeforeValidator(_is_rfc_3339), AfterValidator(_in_utc)]
"""RFC 3339 with an offset, as the event has it; UTC, to the microsecond, as we have it."""

Name = Annotated[str, StringConstraints(min_length=1, max_length=256, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")]
"""A CloudEvents string: no control characters (CloudEvents 1.0, "Type System")."""


class Data(BaseModel):
    """Event data: exact types, nothing unknown."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class CloudEvent(BaseModel):
    """The envelope. A family adds `type` and `data`."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)

    specversion: Literal["1.0"]
    id: Name
    source: Name
    time: Timestamp
    datacontenttype: Literal["application/json"] = "application/json"

    @property
    def version(self) -> str:
        """Orders saves of one thing as text: the later time, then the greater id (then the source, to be sure)."""
        return "\n".join((clock.sortable(self.time), self.id, self.source))


def written(kind: str, version: str, data: str) -> str:
    """The JSON of the event of this type and `CloudEvent.version`, with `data`, which is JSON already.

    No sender's is shorter, so what fitted into a message does so again.
    """
    moment, name, source = version.split("\n")
    time = moment.removesuffix("Z").rstrip("0").removesuffix(".") + "Z"
    envelope = {"specversion": "1.0", "id": name, "source": source, "type": kind, "time": time}
    return f'{as_json(envelope)[:-1]},"data":{data}}}'


def as_json(value: Any) -> str:
    """As short as JSON can be."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def explain(error: ValidationError, whole: str = "event") -> str:
    """What is wrong and where, without the values: they may be personal. `whole` is a word for what was looked at."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"{_where(one) or whole}: {_message(one)}" for one in found)


def _where(one: "ErrorDetails") -> str:
    """The names of the members that lead there. A sender may key by what is personal: others than ours are not told."""
    names = [str(name) if isinstance(name, int) or _NAME.fullmatch(name) else "?" for name in one["loc"]]
    for place, name in enumerate(names[1:], 1):
        if names[place - 1] == "metadata" and name != "events":  # whatever the sender notes
            names[place] = "?"
    return ".".join([*names[:-1], "?"] if one["type"] == "extra_forbidden" else names)


def _message(one: "ErrorDetails") -> str:
    """Pydantic's words, but for the one case in which they quote the event."""
    return "the type is none that this queue takes" if one["type"] == "union_tag_invalid" else one["msg"]
