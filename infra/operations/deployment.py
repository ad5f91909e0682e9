"""Where a deployment's tables, queues and usage plans are: in its stacks' outputs, or in `.local/connection.json`."""

import json
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.exceptions import ClientError

from infra import families
from infra.families import ROOT
from infra.operations.carrier import by_boto3
from infra.operations.errors import NotFoundError, OperationError
from infra.settings import Environment
from sessions import accounts, dynamodb
from sessions.deployment import Family
from sessions.tables import Table

LOCAL = "local"
_RETRIES = ("AWS_MAX_ATTEMPTS", "AWS_RETRY_MODE")


@dataclass(frozen=True, slots=True)
class Deployed:
    """One family, as it is deployed. None: it has no such thing."""

    family: Family
    queue_url: str | None
    dead_letter_queue_url: str | None
    usage_plan_id: str | None


@dataclass(frozen=True, slots=True)
class Deployment:
    """`name` is `local`, or the environment's; `stacks` has the status of each stack there is, whole or not."""

    name: str
    families: Mapping[str, Deployed]
    stacks: Mapping[str, str] = field(default_factory=dict)

    def family(self, name: str) -> Deployed:
        """`NotFoundError` where it is not deployed."""
        if name in self.families:
            return self.families[name]
        if name in self.stacks:
            raise OperationError(f"{name} cannot be used: its stack is {self.stacks[name]} and lacks outputs.")
        there = ", ".join(self.families) or "none"
        raise NotFoundError(f"{name} is not deployed in {self.name}; deployed are: {there}.")

    def family_with_accounts(self, name: str) -> Deployed:
        """`OperationError` where the family is open to all."""
        found = self.family(name)
        if found.family.authorizer is None:
            raise OperationError(f"{name} is open: it has no accounts and no credentials.")
        return found


def local() -> Deployment:
    """The platform that `make run` has started. From here on this process's AWS clients speak to it."""
    file = _connection_file()
    try:
        known: dict[str, Any] = json.loads(file.read_text())
    except FileNotFoundError:
        raise NotFoundError(f"The local platform does not run: there is no {file}. Start it with `make run`.") from None
    except (OSError, ValueError) as error:
        raise OperationError(f"{file} cannot be read: {error}") from None
    if not isinstance(known, dict) or not {"aws_endpoint_url", "region"} <= set(known):
        raise OperationError(f"{file} is not what `make run` writes.")
    if not _answers(known["aws_endpoint_url"]):
        raise NotFoundError(
            f"The local platform does not run: {known['aws_endpoint_url']}, of which {file} tells, does not answer. "
            "Start it with `make run`."
        )
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", *_RETRIES):
        os.environ.pop(name, None)
    os.environ |= {
        "AWS_ENDPOINT_URL": known["aws_endpoint_url"],
        "AWS_DEFAULT_REGION": known["region"],
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "NO_PROXY": "127.0.0.1,localhost",
    }
    dynamodb.use(by_boto3())
    found = [families.load(name) for name in families.names() if name in known]
    _name_tables({table: table.name for table in (accounts.TABLE, *(one for family in found for one in family.tables))})
    for family in found:
        os.environ |= replace(family, settings=family.local_settings or family.settings).variables()
    return Deployment(
        LOCAL,
        {
            family.name: Deployed(
                family,
                known[family.name].get("queue_url"),
                known[family.name].get("dead_letter_queue_url"),
                known[family.name].get("usage_plan_id"),
            )
            for family in found
        },
    )


def deployed(environment: Environment) -> Deployment:
    """What is deployed of this environment in the AWS account and region of the standard AWS settings."""
    if region := os.environ.get("AWS_REGION"):
        os.environ["AWS_DEFAULT_REGION"] = region  # the only one that boto3 reads
    name = environment.name
    try:
        client = boto3.client("cloudformation")
    except ValueError as error:  # an address in AWS_ENDPOINT_URL that is none
        raise OperationError(f"AWS cannot be asked: {error}") from None
    shared = _stack(client, f"SessionApis-{name}-accounts")
    if shared is None:
        raise NotFoundError(
            f"Nothing is deployed as {name} in this AWS account and region. Choose others by AWS_PROFILE and "
            "AWS_REGION, another environment by --environment, or the local platform by --local."
        )
    if ACCOUNTS_OUTPUT not in shared.outputs:
        raise OperationError(f"{name} cannot be used: the accounts' stack is {shared.status} and lacks outputs.")
    dynamodb.use(by_boto3())
    _name_tables({accounts.TABLE: shared.outputs[ACCOUNTS_OUTPUT]})
    stacks = {"accounts": shared.status}
    found: dict[str, Deployed] = {}
    for one in families.names():
        stack = _stack(client, f"SessionApis-{name}-{one}")
        if stack is None:
            continue
        stacks[one] = stack.status
        family = families.load(one, **environment.family_settings.get(one, {}))
        said = stack.outputs
        if not outputs(family) <= set(said):
            continue
        _name_tables({table: said[_output_of(table)] for table in family.tables})
        os.environ |= family.variables()
        found[one] = Deployed(family, said.get("QueueUrl"), said.get("DeadLetterQueueUrl"), said.get("UsagePlanId"))
    return Deployment(name, found, stacks)


ACCOUNTS_OUTPUT = "AccountsTable"


def outputs(family: Family) -> set[str]:
    """Those that the family's stack has, by `infra/family_stack.py`, once it has come up."""
    queues = {"QueueUrl", "DeadLetterQueueUrl"} if family.recorder else set()
    return {_output_of(table) for table in family.tables} | queues | ({"UsagePlanId"} if family.has_api_keys else set())


@dataclass(frozen=True, slots=True)
class _Stack:
    status: str
    outputs: Mapping[str, str]


def _stack(client: Any, name: str) -> _Stack | None:
    try:
        (found,) = client.describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":  # CloudFormation's way to say that there is none
            return None
        raise
    told = {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", ())}
    return _Stack(found["StackStatus"], told)


def _connection_file() -> Path:
    """The project's, wherever the command is typed, or that of LOCAL_DIR."""
    return Path(os.environ.get("LOCAL_DIR", ROOT / ".local")) / "connection.json"


def _answers(url: str) -> bool:
    """Whether somebody listens there: AWS's clients would try for many seconds."""
    address = urlsplit(url)
    try:
        socket.create_connection((address.hostname, address.port or 443), timeout=5).close()
    except OSError:
        return False
    return True


def _output_of(table: Table) -> str:
    """As `infra/family_stack.py` names it."""
    return "".join(word.title() for word in table.name.split("-")) + "Table"


def _name_tables(names: Mapping[Table, str]) -> None:
    os.environ |= {table.variable: name for table, name in names.items()}
