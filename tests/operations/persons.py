"""Persons on a running platform, with neighbours, for each family that gets events; and where to look for them."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import boto3

from sessions import accounts as accounts_table
from tests.accounts import new_fleet, new_insurer, new_retailer
from tests.answers import Client
from tests.platform import Platform, event

Event = dict[str, Any]

BEFORE = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Case:
    """A person, who has `events`, and neighbours, who have the word `others` wherever they have one of the `secrets`.

    `ask` gives what the API says of the person, and `ask_neighbours` of the others; `unknown` is what it says of
    nobody. `late` are events of before, that come after the erasure; `later` are of after.
    """

    family: str
    arguments: Sequence[str]
    secrets: Sequence[str]
    others: str
    events: Sequence[Event]
    neighbours: Sequence[Event]
    refused: Sequence[Event | str]
    neighbours_refused: Sequence[Event | str]
    ask: Callable[[], Any]
    ask_neighbours: Callable[[], Any]
    unknown: Any
    late: Sequence[Event]
    later: Callable[[], Sequence[Event]]
    kinds: dict[str, int]


def everything(platform: Platform) -> list[str]:
    """Each item of each table, each message of each queue, and each line that the platform has written."""
    session = boto3.Session("any", "any", region_name=platform.connection["region"])
    dynamodb = session.client("dynamodb", endpoint_url=platform.connection["aws_endpoint_url"])
    found: list[str] = [*platform.out.splitlines(), *platform.err.splitlines()]
    tables = dynamodb.list_tables()["TableNames"]
    assert {accounts_table.TABLE.name, "widget-erasures"} < set(tables)
    for table in tables:
        for page in dynamodb.get_paginator("scan").paginate(TableName=table):
            found += [json.dumps(item, ensure_ascii=False) for item in page["Items"]]
    queues = platform.sqs.list_queues()["QueueUrls"]
    assert len(queues) == 6
    for url in queues:
        found += [body for _, body in messages(platform, url)]
    dynamodb.close()
    return found


def messages(platform: Platform, url: str) -> list[tuple[str, str]]:
    """Id and body of each message that can be had; all stay."""
    found: dict[str, tuple[str, str]] = {}
    while True:
        received = platform.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=30)
        if not (batch := received.get("Messages", [])):
            break
        found |= {one["MessageId"]: (one["ReceiptHandle"], one["Body"]) for one in batch}
    for receipt, _ in found.values():
        platform.sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=receipt, VisibilityTimeout=0)
    return [(name, body) for name, (_, body) in found.items()]


def in_queue(platform: Platform, family: str) -> int:
    """How many events wait, or are being recorded."""
    names: Any = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    url = platform.connection[family]["queue_url"]
    told = platform.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(told[name]) for name in names)


def widget(platform: Platform, http: Client) -> Case:
    """A client's user; another user of the client, and the user of the same name of another client."""
    mark = uuid4().hex[:8]
    client, other, user, neighbour = f"insurer-{mark}", f"other-{mark}", f"ana-{mark}", f"ben-{mark}"
    headers, other_headers = new_insurer(platform, client)[0], new_insurer(platform, other)[0]

    def saved(client: str, user: str, reference: str, at: datetime, who: str, **more: Any) -> Event:
        holder = {"firstName": f"First-{who}", "lastName": f"Last-{who}", "id": f"H-{who}"}
        policy = {
            "number": f"P-{who}",
            "provider": "Example",
            "holder": holder | {"phone": f"+39-{who}", "email": f"{who}@example.com"},
            "validFrom": "2025-10-01",
            "validTo": "2026-09-30",
            "linkedContacts": [{"firstName": f"Contact-{who}", "lastName": "C", "email": f"c-{who}@example.com"}],
            "vehicle": {"licensePlate": f"AB-{who}"},
        }
        session = {
            "reference": f"{reference}-{mark}",
            "date": at.isoformat(),
            "status": "submitted",
            "createdAt": at.isoformat(),
            "selectedPolicy": policy,
        }
        return event("widget.session.saved", at=at, clientId=client, userId=user, session=session | more)

    who, theirs = f"person{mark}", f"neighbour{mark}"
    events = [saved(client, user, f"LA-{number}", BEFORE + timedelta(days=number), who) for number in range(3)]
    return Case(
        family="widget",
        arguments=[user, "--account", client],
        secrets=[who, user],
        others=theirs,
        events=events,
        neighbours=[
            saved(client, neighbour, "LA-8", BEFORE, theirs),
            saved(other, user, "LA-1", BEFORE, theirs),
        ],
        refused=[
            saved(client, user, "LA-1", BEFORE, who, colour="red"),
            saved(client, user, "LA-1", BEFORE, who) | {"type": "widget.session.deleted"},
            f'{{"userId": "{user}", "who": "{who}"',
            f"<user>{user}</user><who>{who}</who>",
        ],
        neighbours_refused=[
            saved(client, neighbour, "LA-8", BEFORE, theirs, colour="red"),
            saved(other, user, "LA-8", BEFORE, theirs, colour="red"),
            f'{{"userId": "{neighbour}", "email": "{user}@example.com", "known": "{user}-2", "who": "{theirs}"',
        ],
        ask=lambda: http.get(f"/{client}/sessions/{user}", headers).json,
        ask_neighbours=lambda: [
            http.get(f"/{client}/sessions/{neighbour}", headers).json,
            http.get(f"/{other}/sessions/{user}", other_headers).json,
        ],
        unknown=[],
        late=[*reversed(events), saved(client, user, "LA-9", BEFORE, who), saved(client, user, "LA-0", BEFORE, who)],
        later=lambda: [saved(client, user, "LA-1", datetime.now(UTC), f"new{mark}")],
        kinds={"sessions": 3},
    )


def device(platform: Platform, http: Client) -> Case:
    """A SIM, and another of the same account."""
    number = str(uuid4().int)[:17]
    iccid, neighbour, account = f"898{number}", f"899{number}", f"fleet-{number}"
    headers, _ = new_fleet(platform, account)

    def registered(iccid: str, at: datetime) -> Event:
        return event("device.registered", at=at, accountId=account, iccid=iccid)

    def accounting(iccid: str, at: datetime, session: str = "s1", **more: Any) -> Event:
        data = {"accountingSessionId": session, "status": "start", "ipv6Address": f"2001:db8:{session[1:]}::/64"}
        return event("device.accounting", at=at, **({"iccid": iccid} | data | more))

    def ask(iccid: str) -> Any:
        answer = http.get(f"/rws/api/v1/devices/{iccid}/sessionInfo", headers)
        return answer.json if answer.status == 200 else answer.status

    events = [registered(iccid, BEFORE), *(accounting(iccid, BEFORE, f"s{number}") for number in (4401, 4402))]
    return Case(
        family="device",
        arguments=[iccid],
        secrets=[iccid, "2001:db8:440"],
        others=neighbour,
        events=events,
        neighbours=[registered(neighbour, BEFORE), accounting(neighbour, BEFORE)],
        refused=[
            accounting(iccid, BEFORE, colour="red"),
            accounting(f"{iccid[:4]} {iccid[4:]}F", BEFORE),
            f'{{"iccid": "{iccid}", "ipAddress": "2001:db8:4401::"',
        ],
        neighbours_refused=[accounting(neighbour, BEFORE, colour="red"), f'{{"iccid": {neighbour}'],
        ask=lambda: ask(iccid),
        ask_neighbours=lambda: ask(neighbour),
        unknown=404,
        late=[
            *reversed(events),
            accounting(iccid, BEFORE + timedelta(days=1), "s4403"),
            accounting(iccid, datetime.now(UTC) + timedelta(minutes=5), "s4404", delaySeconds=3600),
            event("device.removed", at=BEFORE, accountId=account, iccid=iccid),
        ],
        later=lambda: [registered(iccid, datetime.now(UTC)), accounting(iccid, datetime.now(UTC), "s5")],
        kinds={"devices": 1, "sessions": 2},
    )


def store(platform: Platform, http: Client) -> Case:
    """A retailer's customer; another customer of the account, and the customer of the same number of another one."""
    mark = uuid4().hex[:8]
    customer = uuid4().int % 10**12 + 10**12
    neighbour = customer + 1
    account, other = f"retailer-{mark}", f"other-{mark}"
    headers, other_headers = new_retailer(platform, account)[0], new_retailer(platform, other)[0]

    def session(account: str, customer_id: int, number: int, at: datetime, who: str, **more: Any) -> Event:
        saved = {
            "id": number,
            "sessionId": f"{who}-{number}",
            "code": f"code-{who}-{number}",
            "status": "active" if number % 2 else "completed",
            "createdAt": at.isoformat(),
            "updatedAt": at.isoformat(),
            "expiresAt": at.isoformat(),
            "customerSatisfactionSubmitted": False,
            "suspectedFraud": False,
            "groupSize": 1,
            "visitors": 1,
            "metadata": {"email": f"{who}@example.com"},
            "customerId": f"00{customer_id}",
        }
        name = f"{theirs}-{uuid4()}" if who == theirs else None  # all that is stored of an open session has this
        return event("store.session.saved", at=at, name=name, accountId=account, session=saved | more)

    def known(account: str, customer: int, at: datetime, who: str, **more: Any) -> Event:
        data = {"id": customer, "role": "customer", "email": f"{who}@example.com", "firstName": who, "phone": f"+{who}"}
        return event("store.customer.saved", at=at, accountId=account, customer=data | more)

    def ask(headers: dict[str, str], customer: int) -> Any:
        return http.get(f"/api/admin/v2/sessions?customerId={customer}", headers).json["data"]

    who, theirs = f"person{mark}", f"neighbour{mark}"
    events = [session(account, customer, number, BEFORE + timedelta(days=number), who) for number in range(1, 6)]
    events.append(known(account, customer, BEFORE, who))
    return Case(
        family="store",
        arguments=[f"0{customer}", "--account", account],
        secrets=[who, str(customer)],
        others=theirs,
        events=events,
        neighbours=[
            *(session(account, neighbour, number, BEFORE, theirs) for number in (11, 12)),
            *(session(other, customer, number, BEFORE, theirs) for number in (1, 2)),
            known(account, neighbour, BEFORE, theirs),
            known(other, customer, BEFORE, theirs),
        ],
        refused=[
            session(account, customer, 1, BEFORE, who, colour="red"),
            known(account, customer, BEFORE, who, role="king"),
            session(account, customer, 1, BEFORE, who, customerId=None, customer={"id": customer}),
            f'{{"customerId": {customer}, "who": "{who}"',
            f"customer 000{customer}: {who}",
        ],
        neighbours_refused=[
            known(account, neighbour, BEFORE, theirs, role="king"),
            known(other, customer, BEFORE, theirs, role="king"),
            event("store.store.saved", accountId=account, store={"id": customer, "name": theirs}),
            f'{{"customerId": {neighbour}, "who": "{theirs}", "price": {customer}.5',
        ],
        ask=lambda: ask(headers, customer),
        ask_neighbours=lambda: [ask(headers, neighbour), ask(other_headers, customer)],
        unknown=[],
        late=[
            *reversed(events),
            session(account, customer, 6, BEFORE, who, updatedAt=(BEFORE + timedelta(days=9000)).isoformat()),
            known(account, customer, BEFORE + timedelta(days=1), who),
        ],
        later=lambda: [session(account, customer, 1, datetime.now(UTC), f"new{mark}")],
        kinds={"sessions": 5, "tokens": 5, "open sessions": 3, "customers": 1},
    )


CASES = {"widget": widget, "device": device, "store": store}
