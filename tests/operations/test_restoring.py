"""The steps of `docs/operating.md` that bring a table back to a moment, under its name, as far as moto has them."""

import json
import re
from datetime import UTC, datetime

import boto3
import pytest

from functions.widget import list_user_sessions
from functions.widget.session import TABLE
from infra.families import ROOT
from sessions import dynamodb
from tests.widget.saves import asked, client, record, references, saved

STEPS = (
    "restore-table-to-point-in-time",
    "create-backup",
    "update-table",
    "delete-table",
    "restore-table-from-backup",
    "update-continuous-backups",
)


@pytest.mark.usefixtures("aws")
def test_a_restored_table_under_the_old_name_is_what_functions_read() -> None:
    client()
    record(saved("LA-1"))
    aws, name = boto3.client("dynamodb"), TABLE.physical_name
    aws.update_continuous_backups(  # as it is in prod
        TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )

    aws.restore_table_to_point_in_time(
        SourceTableName=name, TargetTableName=f"{name}-restored", RestoreDateTime=datetime.now(UTC)
    )
    dynamodb.delete(TABLE, {"client": "insurer", "reference": "LA-1"})
    assert references() == []
    backup = aws.create_backup(TableName=f"{name}-restored", BackupName=f"{name}-restored")["BackupDetails"]
    aws.delete_table(TableName=name)
    assert list_user_sessions.handler(asked(), None)["statusCode"] == 500
    aws.restore_table_from_backup(TargetTableName=name, BackupArn=backup["BackupArn"])

    given = list_user_sessions.handler(asked(), None)
    assert [one["reference"] for one in json.loads(given["body"])] == ["LA-1"]


def test_the_page_has_these_steps_in_this_order() -> None:
    page = (ROOT / "docs" / "operating.md").read_text()
    section = page.partition("## Restoring")[2].partition("\n## ")[0]
    named = re.findall(r"^ *(?:export \w+=\$\()?aws dynamodb (\S+)", section, re.MULTILINE)
    assert [one for one in dict.fromkeys(named) if one in STEPS] == list(STEPS)
