"""Demonstration data: client `demo-insurer` with users `ana` (two sessions) and `ben` (none)."""

from typing import Any

ACCOUNT = "demo-insurer"


def events() -> list[dict[str, Any]]:
    """CloudEvents for the family's queue, the same ones every time."""
    policy = {
        "number": "POL-2023-118",
        "provider": "Example Mutual",
        "holder": {
            "firstName": "Ana",
            "lastName": "Example",
            "id": "H-1001",
            "phone": "+390000000001",
            "email": "ana@example.com",
        },
        "validFrom": "2023-10-01",
        "validTo": "2024-09-30",
        "linkedContacts": [{"firstName": "Ben", "lastName": "Example", "email": "ben@example.com"}],
        "vehicle": {"licensePlate": "AB123CD"},
    }
    first = {
        "reference": "LA-PE2VZ7RJD4",
        "date": "2023-11-27T14:52:00Z",
        "camsReference": "MIS/709006",
        "status": "submitted",
        "createdAt": "2023-11-27T14:52:00Z",
        "selectedPolicy": policy,
    }
    second = {
        "reference": "LA-7QK0M3XW9C",
        "date": "2024-02-03T08:15:00Z",
        "camsReference": None,
        "status": "submitted",
        "createdAt": "2024-02-03T08:17:00Z",
        "selectedPolicy": None,
    }
    return [
        {
            "specversion": "1.0",
            "id": f"demonstration-{session['reference']}",
            "source": "/demonstration",
            "type": "widget.session.saved",
            "time": session["createdAt"],
            "data": {"clientId": ACCOUNT, "userId": "ana", "session": session},
        }
        for session in (first, second)
    ]


def connection(api_key: str) -> dict[str, str]:
    """What a caller needs."""
    return {"client_id": ACCOUNT, "api_key": api_key}


def curl(base_url: str, connection: dict[str, str]) -> list[str]:
    """A ready command for each endpoint."""
    return [f"curl -H 'x-api-key: {connection['api_key']}' {base_url}/{ACCOUNT}/sessions/ana"]
