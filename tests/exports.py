"""What an export of a family has, and its proof: shuffled into an empty deployment it gives the same answers."""

import json
from datetime import datetime
from importlib import import_module
from typing import Any

import boto3

from infra.local import resources
from sessions import clock
from sessions.export import Export, Exported, Selection
from sessions.tables import Table


def exported(family: str, account: str | None, **selected: Any) -> list[Exported]:
    export: Export = import_module(f"functions.{family}.export").EXPORT
    found = list(export.read(Selection(**({"account": account, "now": clock.now()} | selected))))
    for one in found:
        assert one.row is None or list(one.row) == list(export.columns)
    return found


def lines(family: str, account: str | None, **selected: Any) -> list[str]:
    """The lines of the JSON Lines."""
    return [line for one in exported(family, account, **selected) for line in one.lines]


def events(family: str, account: str | None, **selected: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines(family, account, **selected)]


def rows(family: str, account: str | None, **selected: Any) -> list[dict[str, Any]]:
    return [dict(one.row) for one in exported(family, account, **selected) if one.row is not None]


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def empty(*tables: Table) -> None:
    """As in a fresh deployment."""
    client = boto3.client("dynamodb")
    for table in tables:
        client.delete_table(TableName=table.physical_name)
        resources.create_table(client, table, table.physical_name)
