"""What a family asks of the platform that runs it: tables, functions with their rights, a queue, settings.

Each family describes itself with these in its `deployment.py`; `infra` builds exactly that, in the cloud and on a
desk. Routes and gateway answers are not here: they are the family's `openapi.yaml`.
"""

from dataclasses import dataclass, fields

from sessions.tables import Index, Table


@dataclass(frozen=True, slots=True)
class Right:
    """What a function may do with a table, or with one index of it: DynamoDB's actions without their prefix."""

    actions: tuple[str, ...]
    table: Table
    index: Index | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A Lambda function: the module of the family whose `handler` it runs, and its rights."""

    module: str
    rights: tuple[Right, ...]
    memory: int = 1024
    """MB, and with them a part of a processor: chosen by docs/function-memory.md."""
    timeout: int = 10  # seconds
    tells_of_pages: bool = False
    """Whether it logs what each page of a listing took, as `log.measured` does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """`settings` is a frozen dataclass of plain values, each handed to every function of the family.

    `local_settings` are those of the local platform, where they are others.
    """

    name: str
    tables: tuple[Table, ...]
    endpoints: tuple[Function, ...]
    authorizer: Function | None = None
    recorder: Function | None = None
    settings: object | None = None
    local_settings: object | None = None
    has_api_keys: bool = False

    @property
    def functions(self) -> tuple[Function, ...]:
        return (*self.endpoints, *(one for one in (self.authorizer, self.recorder) if one is not None))

    @property
    def dead_letter_variable(self) -> str:
        """The environment variable with the address of the recorder's dead-letter queue."""
        return f"{self.name.upper()}_DEAD_LETTER_QUEUE_URL"

    def variables(self) -> dict[str, str]:
        """The settings as environment variables: `KNOWLEDGE_SESSION_SECONDS` is the field `session_seconds`."""
        if self.settings is None:
            return {}
        values = {field.name: getattr(self.settings, field.name) for field in fields(self.settings)}  # type: ignore[arg-type]
        return {f"{self.name}_{name}".upper(): _variable(value) for name, value in values.items()}


def _variable(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
