"""The tables in the cloud are those on a desk."""

from typing import Any

import boto3
import pytest
from moto import mock_aws

from infra import families
from infra.local.resources import create_table
from infra.settings import ENVIRONMENTS
from sessions import accounts
from sessions.tables import Table
from tests.infra.stacks import Stacks

TABLES = [("accounts", accounts.TABLE)]
TABLES += [(family, table) for family in families.names() for table in families.load(family).tables]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize(("stack", "table"), TABLES, ids=[table.name for _, table in TABLES])
def test_a_table_is_what_the_local_platform_creates(stacks: Stacks, environment: str, stack: str, table: Table) -> None:
    found = stacks[f"SessionApis-{environment}-{stack}"]
    logical_id = found.output(f"{table.name.title().replace('-', '')}Table") if stack != "accounts" else None
    properties = (
        found.resources("DynamoDB::Table")[logical_id]["Properties"]
        if logical_id
        else (found.properties("DynamoDB::Table"))
    )
    assert _of_template(properties) == _of_moto(table)


@pytest.mark.parametrize("table", [table for _, table in TABLES], ids=lambda table: table.name)
def test_a_table_stays_within_dynamodbs_limits(table: Table) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html"""
    assert len([index for index in table.indexes if not index.local]) <= 20
    assert len([index for index in table.indexes if index.local]) <= 5
    assert sum(len(index.projected) for index in table.indexes) <= 100
    assert all(3 <= len(index.name) <= 255 for index in table.indexes)


def test_a_table_has_as_many_indexes_as_its_family_asks_for(stacks: Stacks) -> None:
    indexes = {
        table["Properties"]["KeySchema"][0]["AttributeName"]: len(table["Properties"].get("GlobalSecondaryIndexes", []))
        for table in stacks["SessionApis-prod-store"].resources("DynamoDB::Table").values()
    }
    assert indexes == {"session": 20, "partition": 0, "record": 0, "person": 0}


def _of_template(properties: dict[str, Any]) -> dict[str, Any]:
    expiry = properties.get("TimeToLiveSpecification", {"Enabled": False})
    return _comparable(
        properties, properties["BillingMode"], expiry.get("AttributeName") if expiry["Enabled"] else None
    )


def _of_moto(table: Table) -> dict[str, Any]:
    with mock_aws():
        client = boto3.client("dynamodb", region_name="eu-west-1")
        create_table(client, table, table.name)
        found: Any = client.describe_table(TableName=table.name)["Table"]
        expiry = client.describe_time_to_live(TableName=table.name)["TimeToLiveDescription"]
        return _comparable(found, found["BillingModeSummary"]["BillingMode"], expiry.get("AttributeName"))


def _comparable(found: dict[str, Any], billing: str, expires: str | None) -> dict[str, Any]:
    """What makes a table, in no order where there is none."""
    return {
        "billing": billing,
        "expires": expires,
        "key": found["KeySchema"],
        "attributes": {one["AttributeName"]: one["AttributeType"] for one in found["AttributeDefinitions"]},
        **{
            kind: {
                index["IndexName"]: (
                    index["KeySchema"],
                    index["Projection"]["ProjectionType"],
                    index["Projection"].get("NonKeyAttributes", []),
                )
                for index in found.get(kind, [])
            }
            for kind in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes")
        },
    }
