"""`sessionctl status`: what is deployed or runs, what waits in its queues, and what needs somebody soon."""

from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from infra.operations import output, queues
from infra.operations.credential import described
from infra.operations.deployment import LOCAL, Deployed, Deployment
from infra.operations.errors import refusal
from infra.operations.operation import operation
from sessions import accounts

SOON = timedelta(days=14)
"""Credentials that expire within this time are told of."""


@operation
def status(deployment: Deployment) -> output.Found:
    """Stacks, families, queues and dead letters, and credentials that expire within 14 days."""
    now = datetime.now(UTC)
    expiring = [
        {"family": family.name} | described(credential, now)
        for family in (one.family for one in deployment.families.values())
        if family.authorizer is not None
        for account in accounts.list_accounts(family.name)
        for credential in accounts.list_credentials(account)
        if credential.is_live(now) and not credential.is_live(now + SOON)
    ]
    if expiring:
        output.tell("`sessionctl credential rotate` gives the credentials that expire soon their successors.")
    return {
        "deployment": deployment.name,
        "stacks": [{"stack": name, "status": text} for name, text in deployment.stacks.items()],
        "families": [_family(deployed) | _ages(deployment, deployed, now) for deployed in deployment.families.values()],
        "expiring_credentials": expiring,
    }


def _family(deployed: Deployed) -> dict[str, Any]:
    events = queues.depth(deployed.queue_url) if deployed.queue_url else None
    letters = queues.depth(deployed.dead_letter_queue_url) if deployed.dead_letter_queue_url else None
    return {
        "family": deployed.family.name,
        "waiting": events and events.waiting,
        "being_recorded": events and events.held,
        "postponed": events and events.postponed,
        "dead_letters": letters and letters.waiting + letters.held,
    }


def _ages(deployment: Deployment, deployed: Deployed, now: datetime) -> dict[str, int | None]:
    """None where it is not known: the embedded AWS has no such metric."""
    urls = {"oldest_waiting_seconds": deployed.queue_url, "oldest_dead_letter_seconds": deployed.dead_letter_queue_url}
    if deployment.name == LOCAL:
        return dict.fromkeys(urls)
    try:
        return {name: queues.age(url, now) if url else None for name, url in urls.items()}
    except ClientError as error:
        output.tell(f"How old the messages of {deployed.family.name} are is not known. {refusal(error)}")
        return dict.fromkeys(urls)
