"""Who may call: API Gateway's API keys, and its Lambda authorizers with their cache."""

import threading
import time
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any

import boto3

from infra.contract import Scheme

_KEYS_KNOWN_FOR = 1.0  # seconds
_LARGEST_CACHE = 10_000
_HEADER = "method.request.header."


class ApiKeys:
    """The enabled API keys of one usage plan, as API Gateway knows them; a change shows within a second."""

    def __init__(self, usage_plan: str) -> None:
        self._usage_plan = usage_plan
        self._client = boto3.client("apigateway")
        self._lock = threading.Lock()
        self._ids: dict[str, str] = {}
        self._read = float("-inf")

    def find(self, value: str) -> str | None:
        """The id of the key with this value, or None: unknown, disabled, or not of this plan."""
        with self._lock:
            if time.monotonic() - self._read > _KEYS_KNOWN_FOR or (
                value not in self._ids and time.monotonic() - self._read > _KEYS_KNOWN_FOR / 10
            ):
                self._ids = self._enabled()
                self._read = time.monotonic()
            return self._ids.get(value)

    def _enabled(self) -> dict[str, str]:
        pages = self._client.get_paginator("get_usage_plan_keys").paginate(usagePlanId=self._usage_plan)
        members = {key["id"] for page in pages for key in page.get("items", [])}
        keys = self._client.get_paginator("get_api_keys").paginate(includeValues=True)
        return {
            key["value"]: key["id"]
            for page in keys
            for key in page.get("items", [])
            if key["id"] in members and key.get("enabled")
        }


class Authorizer:
    """A REQUEST authorizer: asks the function who is calling, and remembers it as long as the contract says."""

    def __init__(self, scheme: Scheme, handler: Callable[[Any, Any], Any], seconds: float | None = None) -> None:
        """`seconds` stands in for the contract's cache time."""
        self._scheme = scheme
        self._handler = handler
        self._seconds = scheme.cache_seconds if seconds is None else seconds
        self._cache: dict[tuple[str, ...], tuple[float, dict[str, Any] | None]] = {}

    def identity(self, event: Mapping[str, Any]) -> tuple[str, ...] | None:
        """The values the caller is known by; None where one is missing or empty, and nobody is asked."""
        headers = {name.lower(): value for name, value in event["headers"].items()}
        values = []
        for source in self._scheme.identity_source:
            if source == "context.identity.sourceIp":
                value = event["requestContext"]["identity"]["sourceIp"]
            else:
                value = headers.get(source.removeprefix(_HEADER).lower())
            if not value:
                return None
            values.append(value)
        return tuple(values)

    def decide(self, event: dict[str, Any], identity: tuple[str, ...]) -> dict[str, Any] | None:
        """The context the function gave with an Allow for this method; None for anything else."""
        now = time.monotonic()
        until, allowed = self._cache.get(identity, (0.0, None))
        if until <= now:
            policy = self._handler(event | {"type": "REQUEST"}, None)
            allowed = _context(policy) if _allows(policy, event["methodArn"]) else None
            if len(self._cache) >= _LARGEST_CACHE:
                self._cache.clear()
            self._cache[identity] = (now + self._seconds, allowed)
        return None if allowed is None else dict(allowed)


def _allows(policy: dict[str, Any], arn: str) -> bool:
    statements = policy["policyDocument"]["Statement"]
    effects = {one["Effect"] for one in statements if fnmatchcase(arn, one["Resource"])}
    return effects == {"Allow"}


def _context(policy: dict[str, Any]) -> dict[str, Any]:
    """Every value reaches the function as text, as API Gateway hands it on."""
    given = {name: str(value) for name, value in policy.get("context", {}).items()}
    return given | {"principalId": policy["principalId"]}
