"""Demonstration: there is nothing to prepare, callers make their own sessions."""


def connection(_api_key: None) -> dict[str, str]:
    """What a caller needs: nothing."""
    return {}


def curl(base_url: str, _connection: dict[str, str]) -> list[str]:
    """A ready command for each endpoint."""
    visitor = f"{base_url}/sessions/visitor-1"
    return [
        f"curl -X PUT {base_url}/sessions/new",
        f"""curl -X POST -H 'gkc_customerId: customer-1' -d '{{"visitId": "visit-7"}}' {visitor}""",
        f"curl {visitor}",
    ]
