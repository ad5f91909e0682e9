"""Events as senders make them, and what became of those that could not be recorded."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.platform import Target, event

NOW = datetime.now(UTC).replace(microsecond=123000)


class DeadLetters:
    """The bodies of a family's dead letters, and the reasons that came with them."""

    def __init__(self, apis: Target, family: str) -> None:
        self.apis = apis
        self._sqs = apis.sqs
        self._url = apis.connection[family]["dead_letter_queue_url"]
        self._reasons: dict[str, str] = {}

    def reason(self, body: str) -> str | None:
        """Why the event with this body was refused; None while it was not."""
        answer = self._sqs.receive_message(
            QueueUrl=self._url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], WaitTimeSeconds=0
        )
        for message in answer.get("Messages", []):
            self._reasons[message["Body"]] = message["MessageAttributes"]["reason"]["StringValue"]
            self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
        return self._reasons.get(body)


def saved(user: str, reference: str, at: datetime = NOW, **changes: Any) -> dict[str, Any]:
    session = {
        "reference": reference,
        "date": "2026-01-02T03:04:05+02:00",
        "camsReference": None,
        "status": "submitted",
        "createdAt": "2026-01-02T03:04:05+02:00",
        "selectedPolicy": None,
    }
    return event("widget.session.saved", at=at, clientId="demo-insurer", userId=user, session=session | changes)


def many() -> list[dict[str, Any]]:
    """Saves of the user `many`, the newest session first: more than one answer of 6 MB can have, in characters of three
    bytes and of one.
    """
    policy = {
        "number": "1",
        "provider": "\u20ac" + "x" * 225_000,
        "holder": {"firstName": "", "lastName": "", "id": "", "phone": "", "email": ""},
        "validFrom": "2026-01-01",
        "validTo": "2026-12-31",
        "linkedContacts": [],
        "vehicle": {"licensePlate": "P"},
    }
    moments = [(datetime(2026, 5, 6, tzinfo=UTC) - timedelta(minutes=number)).isoformat() for number in range(30)]
    return [
        saved("many", f"LA-MANY{number:06d}", NOW, date=moment, createdAt=moment, selectedPolicy=policy)
        for number, moment in enumerate(moments)
    ]


def accounting(iccid: str, status: str, at: datetime, session: str = "A1", **more: Any) -> dict[str, Any]:
    return event("device.accounting", at=at, iccid=iccid, accountingSessionId=session, status=status, **more)


def registered(iccid: str, at: datetime = NOW) -> dict[str, Any]:
    return event("device.registered", at=at, accountId="demo-fleet", iccid=iccid)


def date(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03d}+0000"


def address(iccid: str) -> str:
    return f"/rws/api/v1/devices/{iccid}/sessionInfo"
