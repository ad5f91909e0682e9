"""What this family asks of the platform, and its settings."""

from dataclasses import dataclass

from functions.knowledge.session import TABLE
from sessions.deployment import Family, Function, Right


@dataclass(frozen=True)
class Settings:
    """Where a default does not suit an environment, `infra/settings.py` says so."""

    session_seconds: int = 30 * 24 * 3600
    """How long a session lives after its last PUT or POST."""
    response_wrapped: bool = False
    """Whether SessionInfo comes as `{"response": …}`, as the vendor's later version answers."""
    allowed_origins: tuple[str, ...] = ("*",)
    """Origins whose pages may call this API; `*` means any, without credentials."""


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
