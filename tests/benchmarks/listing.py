"""`make bench-store`: what a page of 20 sessions costs, by ordering, filter and size: docs/listing-cost.md."""

import os
import sys
import time
from collections.abc import Iterator
from itertools import product

import boto3

from functions.store import session
from functions.store.ordering import ORDERINGS
from functions.store.query import Query
from infra.families import ROOT
from infra.local import resources
from tests.dynalite import running_dynalite
from tests.store import costs
from tests.store.sessions import fill, item

SIZES = ((1_000, 1), (5_000, 2_000), (50_000, 2_000))
"""Sessions, and the stores they are in: half of them in one."""
FILE = ROOT / "docs" / "listing-cost.md"

_HEAD = """# What a page of the store listing costs

Made by `make bench-store`, on [dynalite](https://github.com/architect/dynalite), which counts read units as DynamoDB
does. A retailer's first page of 20 sessions of 1.5 to 2 KB each, spread over 8 shards; where there are many stores,
half of the sessions are in one, 3 in 100 in the middle one, few or none in a small one. A customer has 25 sessions on
average, a good one 100; 80 in 100 sessions are completed, 10 expired, 2 open.

Each cell: read units (index + sessions + customers and stores) · calls · rounds of calls in sequence · sessions on the
page, with `short` where there are more than the page could look for. Of both directions, the one that costs more.
`range` bounds the ordering's own member.
"""


def main() -> int:
    """Prints the table as it is measured; the exit status says whether all bars hold."""
    lines = [
        _HEAD,
        f"| ordering | filter |{''.join(f' {count:,} sessions, stores: {stores:,} |' for count, stores in SIZES)}",
    ]
    lines.append("| --- | --- |" + " --- |" * len(SIZES))
    with running_dynalite() as address:
        os.environ |= {
            "AWS_ENDPOINT_URL_DYNAMODB": os.environ.get("AWS_ENDPOINT_URL_DYNAMODB", address),
            "AWS_ACCESS_KEY_ID": "bench",
            "AWS_SECRET_ACCESS_KEY": "bench",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "STORE_SHARDS": "8",
        }
        for table in (session.SESSIONS, session.TOKENS, session.RECORDS):
            os.environ[table.variable] = f"{table.name}-bench-{os.getpid()}"
            resources.create_table(boto3.client("dynamodb"), table, table.physical_name)
        for count, stores in SIZES:
            begun = time.monotonic()
            made = costs.sessions(count, stores=stores)
            fill(_account(count), (item(_account(count), one, padding=700) for one in made))
            print(f"{count} sessions stored in {time.monotonic() - begun:.0f} s", file=sys.stderr)
        for line in _rows():
            print(line)
            lines.append(line)
    FILE.write_text("\n".join(lines) + "\n")
    return 0


def _account(count: int) -> str:
    return f"retailer-{count}"


def _rows() -> Iterator[str]:
    names = [*costs.filters(*SIZES[-1]), "range", "store, range"]
    for ordering, name in product(ORDERINGS, names):
        cells = [_cell(ordering, name, count, stores) for count, stores in SIZES]
        if any(cells):
            yield f"| {ordering} | {name} | {' | '.join(cell or '' for cell in cells)} |"


def _cell(ordering: str, name: str, count: int, stores: int) -> str | None:
    filters = (costs.filters(count, stores) | costs.ranges(ordering, count)).get(name)
    if filters is None:
        return None
    found = [
        costs.page(_account(count), Query(order_by=ordering, direction=direction, **filters))
        for direction in ("asc", "desc")
    ]
    for page, cost in found:
        if name in costs.BOUND:
            costs.check(page, cost, f"{count} sessions by {ordering}, {name}")
        assert cost.units <= 150
        assert cost.rounds <= 3
    page, cost = max(found, key=lambda one: one[1].units)
    shown = f"{len(page.bodies)}{' short' if cost.short else ''}"
    units = f"{cost.units:g} ({cost.index:g} + {cost.sessions:g} + {cost.records:g})"
    return f"{units} · {cost.calls} · {cost.rounds} · {shown}"


if __name__ == "__main__":
    sys.exit(main())
