"""`sessionctl listing`: how the store listing finds a page, and what that costs."""

from typing import Annotated, Any
from urllib.parse import parse_qs

import typer

from functions.store import parameters, plan, session
from functions.store.parameters import InvalidParametersError
from functions.store.query import Query
from functions.store.walk import Source
from functions.store.work import MOST_ROUNDS, MOST_UNITS
from infra.operations import output
from infra.operations.deployment import Deployment
from infra.operations.errors import OperationError
from infra.operations.operation import operation

app = typer.Typer(no_args_is_help=True, help="The store listing: how a page is found.")


@app.callback()
def _group() -> None:
    """One command more than none, so that it keeps its name."""


@app.command(epilog="\b\nExample: sessionctl listing explain 'orderBy=createdAt&direction=desc&storeId=11' --local")
@operation
def explain(
    deployment: Deployment,
    query_string: Annotated[str, typer.Argument(metavar="QUERY_STRING", help="As callers send it, behind the `?`.")],
    account: Annotated[str, typer.Option(help="Whose sessions: the id is part of the keys.")] = "ACCOUNT",
) -> output.Found:
    """The plan of a store listing: what is read of which index, and what that costs."""
    deployment.family("store")
    if not account.isprintable():
        raise typer.BadParameter("It has characters that do not print.", param_hint="--account")
    query = _understood(query_string)
    if "id" in query.equal:
        key = session.session_key(account, int(query.equal["id"]))
        return [_row("read", "session", f"{session.SESSIONS.name}: session = {key}", 0, 1)]
    chosen = plan.choose(account, query)
    rows = [] if chosen.collect is None else [_described("collect, if few", chosen.collect, query)]
    step = "walk at the same time" if chosen.at_once else "else walk" if rows else "walk"
    return [*rows, _described(step, chosen.walk, query)]


def _understood(query_string: str) -> Query:
    try:
        return parameters.parse(parse_qs(query_string.removeprefix("?"), keep_blank_values=True))
    except InvalidParametersError as error:
        raise OperationError("\n".join(f"{fault.text} ({fault.rule})" for fault in error.faults)) from None


def _described(step: str, source: Source, query: Query) -> dict[str, Any]:
    key, low, high = source.key, source.prefix + source.places.low, source.prefix + source.places.high
    name = source.table.name if source.index is None else source.index.name
    first, *others = source.partitions
    partitions = f"{first} to {others[-1]}" if others else first
    where = f"{name}: {key.partition} = {partitions}, {key.sort} from {low!r} to {high!r}"
    after = sorted(source.undecided(query))
    return _row(step, source.name, where, len(source.partitions) * 0.5, query.count) | {"filtered_after_reading": after}


def _row(step: str, name: str, where: str, units: float, sessions: int) -> dict[str, Any]:
    """`units` find the sessions. All that is read first matches; each has a customer of its own, all in one store."""
    units += sessions * 0.5 + sessions * 0.5 + 0.5
    return {
        "step": step,
        "plan": name,
        "reads": where,
        "read_units_of_a_full_page": min(units, MOST_UNITS),
        "most_rounds": MOST_ROUNDS,
        "filtered_after_reading": [],
    }
