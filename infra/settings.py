"""Settings of each environment, typed. Those of a family stand in its `deployment.py`, and may be others here.

An operator's own values are not written here but into a file of their own: see `infra/environments.py`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal, get_args

from pydantic import ConfigDict

from infra.families import names

QUEUE_MESSAGE_BYTES = 248 * 1024
"""Largest event. A dead letter is as large and has a reason, and SQS sets the limit for both together."""
ATTEMPTS = 5
"""How often an event is tried before it becomes a dead letter with a reason."""
REDRIVES = 3
"""Receipts beyond the attempts, after which the queue itself gives a message up: the function keeps dying."""
RECORDERS = 10
"""How many batches of one queue are recorded at the same time."""
COMPRESSED_BYTES = 1024
"""Answers of this length and longer are sent as gzip to callers that take it."""


LogDays = Literal[7, 30, 90, 365]
"""CloudWatch keeps logs for certain numbers of days only; more may be added here and in `infra/log_group.py`."""
_LEAST_PER_ADDRESS = 10  # https://docs.aws.amazon.com/waf/latest/APIReference/API_RateBasedStatement.html
_CHECKED = ConfigDict(extra="forbid")  # where one is made of what a file says
_HOST = re.compile(r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}")


@dataclass(frozen=True, slots=True)
class Domain:
    """A name of one's own for an API."""

    __pydantic_config__: ClassVar[ConfigDict] = _CHECKED
    name: str
    certificate_arn: str
    """In ACM, for that name, in the region of the API."""

    def __post_init__(self) -> None:
        if not _HOST.fullmatch(self.name):
            raise ValueError(f"domain {self.name!r} is not a host's name in small letters")
        if not re.fullmatch(r"arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate/\S+", self.certificate_arn):
            raise ValueError(f"certificate_arn {self.certificate_arn!r} is not the ARN of a certificate in ACM")


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """What the functions run on. The layer of their dependencies is built for it, wherever that is done."""

    __pydantic_config__: ClassVar[ConfigDict] = _CHECKED
    python: Literal["3.11", "3.12", "3.13"] = "3.13"
    architecture: Literal["arm64", "x86_64"] = "arm64"


_POSITIVE = (
    *("rate_limit", "burst_limit", "client_rate_limit", "client_burst_limit"),
    *("retry_seconds", "concurrency"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """What differs between deployments. Rates are requests per second of one API, all its callers together."""

    __pydantic_config__: ClassVar[ConfigDict] = _CHECKED
    name: str
    keeps_data: bool
    """Whether tables and queues are protected from deletion, outlive their stack, and can be restored."""
    log_days: LogDays
    rate_limit: int
    burst_limit: int
    client_rate_limit: int
    """Requests per second of one API key, where callers have keys."""
    client_burst_limit: int
    retry_seconds: int
    """How long an event that could not be recorded waits for its next attempt."""
    has_firewall: bool = False
    """Whether AWS WAF looks at each request first."""
    requests_per_address: int = 60_000
    """What one address may ask for in five minutes, where there is a firewall."""
    shifts_traffic: bool = False
    """Whether a new version of a function gets a tenth of the calls at first, and none if it fails."""
    alarm_address: str | None = None
    """The mail address that alarms go to. None: they are shown in CloudWatch, and nobody is told."""
    concurrency: int = 1000
    """How many functions may run at once in the AWS account: its quota."""
    runtime: Runtime = Runtime()
    domains: Mapping[str, Domain] = field(default_factory=dict)
    """By family. An API that has one answers at no other address."""
    family_settings: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    """By family, those fields of its `Settings` that are not as they stand in its `deployment.py`."""

    def __post_init__(self) -> None:
        if not re.fullmatch("[A-Za-z0-9]+", self.name):
            raise ValueError(
                f"{self.name!r} cannot name stacks and stages; an environment's name is letters and digits"
            )
        if self.log_days not in get_args(LogDays):
            raise ValueError(f"log_days must be one of {', '.join(map(str, get_args(LogDays)))}")
        for setting in _POSITIVE:
            if getattr(self, setting) < 1:
                raise ValueError(f"{setting} must be at least 1")
        if self.requests_per_address < _LEAST_PER_ADDRESS:
            raise ValueError(f"requests_per_address must be at least {_LEAST_PER_ADDRESS}")
        if self.alarm_address is not None and not re.fullmatch(r"[^@\s]+@[^@\s]+", self.alarm_address):
            raise ValueError(f"alarm_address {self.alarm_address!r} is not a mail address")
        for setting, given in (("domains", self.domains), ("family_settings", self.family_settings)):
            if unknown := sorted(given.keys() - set(names())):
                raise ValueError(f"{setting} has {', '.join(unknown)}; families are {', '.join(names())}")


DEV = Environment(
    name="dev",
    keeps_data=False,
    log_days=7,
    rate_limit=50,
    burst_limit=100,
    client_rate_limit=10,
    client_burst_limit=20,
    retry_seconds=180,
)

PROD = Environment(
    name="prod",
    keeps_data=True,
    log_days=90,
    rate_limit=1000,
    burst_limit=2000,
    client_rate_limit=100,
    client_burst_limit=200,
    retry_seconds=180,
    has_firewall=True,
    shifts_traffic=True,
)

ENVIRONMENTS = {environment.name: environment for environment in (DEV, PROD)}
