"""What this family asks of the platform, and its settings."""

import re
from dataclasses import dataclass

from functions.knowledge.session import TABLE
from sessions.deployment import Family, Function, Right

_ORIGIN = re.compile(r"\*|https?://[^\s/,?#]+")


@dataclass(frozen=True)
class Settings:
    """Where a default does not suit an environment, `infra/settings.py` says so."""

    session_seconds: int = 30 * 24 * 3600
    """How long a session lives after its last PUT or POST."""
    response_wrapped: bool = False
    """Whether SessionInfo comes as `{"response": …}`, as the vendor's later version answers."""
    allowed_origins: tuple[str, ...] = ("*",)
    """Origins whose pages may call this API; `*` means any, without credentials."""

    def __post_init__(self) -> None:
        if self.session_seconds < 1:
            raise ValueError("session_seconds must be at least 1")
        if not self.allowed_origins or not all(map(_ORIGIN.fullmatch, self.allowed_origins)):
            raise ValueError("allowed_origins must be origins like https://example.com, or *")


FAMILY = Family(
    name="knowledge",
    tables=(TABLE,),
    settings=Settings(),
    endpoints=(
        Function(module="create_session", rights=(Right(("PutItem",), TABLE),)),
        Function(module="get_session", rights=(Right(("GetItem",), TABLE),)),
        Function(module="associate_session", rights=(Right(("PutItem", "UpdateItem"), TABLE),)),
    ),
)
