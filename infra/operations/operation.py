"""What all commands share: where they work, how they answer, and how they fail."""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any

import typer

from infra import environments
from infra.environments import SettingsError
from infra.families import names
from infra.operations import deployment, output
from infra.operations.deployment import Deployment
from infra.operations.errors import OperationError


def _family(name: str) -> str:
    if name not in names():
        raise typer.BadParameter(f"There is no family {name!r}; there are: {', '.join(names())}.")
    return name


def _families(incomplete: str) -> list[str]:
    return [name for name in names() if name.startswith(incomplete)]


def _environments(incomplete: str) -> list[str]:
    try:
        return [name for name in environments.load() if name.startswith(incomplete)]
    except SettingsError:
        return []  # the command itself will tell


FamilyName = Annotated[
    str,
    typer.Argument(callback=_family, autocompletion=_families, help=f"One of {', '.join(names())}.", metavar="FAMILY"),
]
AccountId = Annotated[str, typer.Argument(metavar="ACCOUNT", help="The account's id.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]

_Local = Annotated[
    bool, typer.Option("--local", help="The platform that `make run` has started.", envvar="SESSIONCTL_LOCAL")
]
_EnvironmentName = Annotated[
    str,
    typer.Option(
        "--environment",
        help="The environment that is deployed.",
        autocompletion=_environments,
        envvar="SESSIONCTL_ENVIRONMENT",
    ),
]
_AsJson = Annotated[bool, typer.Option("--json", help="JSON on standard output.")]


def operation(run: Callable[..., output.Found | output.Beside | None]) -> Callable[..., None]:
    """Makes a command of a function whose first parameter is the deployment, and which returns what it found."""

    @wraps(run)
    def command(*, context: typer.Context, local: bool, environment: str, as_json: bool, **given: Any) -> None:
        try:
            found = run(_deployment(context, local, environment), **given)
        except OperationError as error:
            if error.found is not None:
                output.show(error.found, as_json=as_json)
            raise
        if found is not None:
            output.show(found, as_json=as_json)

    own = list(inspect.signature(run).parameters.values())[1:]
    shared = [
        inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context),
        _option("local", _Local, default=False),
        _option("environment", _EnvironmentName, default="dev"),
        _option("as_json", _AsJson, default=False),
    ]
    command.__signature__ = inspect.Signature([*own, *shared])  # type: ignore[attr-defined]
    return command


def _deployment(context: typer.Context, local: bool, environment: str) -> Deployment:
    """Where the command works. What stands in the command counts more than what the shell's variables say."""
    is_typed = {name for name in ("local", "environment") if _source(context, name) == "COMMANDLINE"}
    if len(is_typed) == 2:
        raise typer.BadParameter("Give --local or --environment, not both.")
    if local and "environment" not in is_typed:
        return deployment.local()
    try:
        known = environments.load()
    except SettingsError as error:
        raise OperationError(str(error)) from None
    if environment not in known:
        raise typer.BadParameter(
            f"There is no environment {environment!r}; there are: {', '.join(known)}.", param_hint="--environment"
        )
    return deployment.deployed(known[environment])


def _source(context: typer.Context, name: str) -> str:
    source = context.get_parameter_source(name)
    return "" if source is None else source.name


def _option(name: str, annotation: Any, *, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
