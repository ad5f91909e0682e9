"""The steps of `docs/operating.md` that bring a table back, as they stand there, on the widget's table of `prod`.

The emulator takes every moment for now; all else goes as the page says.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest

from infra.families import ROOT
from tests.answers import Client
from tests.apis.deployment import Deployment
from tests.events import saved
from tests.platform import eventually

DONE = "the step is done"
LEFT_OUT = (
    "update-time-to-live",  # widget's table has none
    "detect-stack-drift",  # the emulator does not know it
)


class Shell:
    """A context: an operator's shell that means a deployment, and goes on from step to step."""

    def __init__(self, folder: Path, prod: Deployment) -> None:
        aws = folder / "aws"
        aws.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{Path(__file__).with_name("aws.py")}" "$@"\n')
        aws.chmod(0o755)
        variables = prod.emulator.shell()
        self._process = subprocess.Popen(
            ["bash", "-eu"],
            env=variables | {"PATH": f"{folder}:{variables['PATH']}", "E": prod.name, "F": "widget"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_failure: object) -> None:
        self._process.communicate(timeout=30)

    def run(self, commands: str) -> str:
        """What they print, once all have succeeded."""
        said, told = self._process.stdin, self._process.stdout
        assert said is not None
        assert told is not None
        said.write(f"{commands}\necho '{DONE}'\n")
        said.flush()
        lines: list[str] = []
        for line in told:
            if line.strip() == DONE:
                return "".join(lines)
            lines.append(line)
        raise AssertionError("".join(lines))


@pytest.fixture
def shell(tmp_path: Path, prod: Deployment) -> Iterator[Shell]:
    with Shell(tmp_path, prod) as running:
        yield running


def steps() -> dict[int, str]:
    """The page's commands, by the numbers of their steps, without those of `LEFT_OUT`."""
    section = (ROOT / "docs" / "operating.md").read_text().partition("## Restoring")[2].partition("**Without")[0]
    found: dict[int, str] = {}
    for text in re.split(r"\n(?=\d\. )", section)[1:]:
        commands = re.findall(r"^ {8}(.*)$", text, re.MULTILINE)
        found[int(text[0])] = "\n".join(one for one in commands if not any(name in one for name in LEFT_OUT))
    return found


def test_the_page_has_seven_steps() -> None:
    assert list(steps()) == [1, 2, 3, 4, 5, 6, 7]
    assert all(steps().values())


def test_a_table_comes_back_under_its_name_by_the_steps_of_the_page(
    shell: Shell, prod: Deployment, tmp_path: Path
) -> None:
    assert prod.sessionctl("account", "create", "widget", "demo-insurer").status == 0
    key = {"x-api-key": prod.sessionctl("credential", "create", "widget", "demo-insurer").json["secret"]}
    table = prod.outputs("widget")["WidgetSessionsTable"]
    dynamodb = prod.emulator.client("dynamodb")

    def record(reference: str) -> None:
        file = tmp_path / "events.jsonl"
        file.write_text(json.dumps(saved("ana", reference)))
        assert prod.sessionctl("import", "widget", str(file)).status == 0

    with Client(prod.base_url, paths=prod.paths) as http:

        def references() -> list[str]:
            return [one["reference"] for one in http.get("/demo-insurer/sessions/ana", key).json]

        record("LA-BEFORE")
        eventually(lambda: references() == ["LA-BEFORE"])

        told = shell.run(steps()[1])
        assert ("TimeToLiveDescription" in told, "ContinuousBackupsDescription" in told) == (True, True)
        shell.run(steps()[2])
        record("LA-MEANWHILE")
        shell.run(steps()[3])
        (item,) = dynamodb.scan(TableName=table)["Items"]
        dynamodb.delete_item(TableName=table, Key={name: item[name] for name in ("client", "reference")})
        assert references() == [], "what is to be mended"
        assert "AVAILABLE" in shell.run(steps()[4])
        shell.run(steps()[5])
        assert references() == ["LA-BEFORE"], "and nothing was recorded since"
        assert '"PointInTimeRecoveryStatus": "ENABLED"' in shell.run(steps()[6])
        assert dynamodb.describe_table(TableName=table)["Table"]["DeletionProtectionEnabled"] is True
        shell.run(steps()[7])
        eventually(lambda: sorted(references()) == ["LA-BEFORE", "LA-MEANWHILE"])
    assert [one for one in dynamodb.list_tables()["TableNames"] if one.endswith("-restored")] == []
    dynamodb.close()
