"""What the platform prints of its demonstration data, tried as a newcomer does."""

import json
import subprocess

from infra import contract, families
from tests.platform import Platform


def test_the_printed_commands_work(platform: Platform) -> None:
    commands = [line.strip() for line in platform.out.splitlines() if line.startswith("  curl ")]
    operations = sum(len(list(contract.operations(contract.document(family)))) for family in families.names())
    assert len(commands) == operations - 2 + 3, "one for each operation but the two preflights; four for the listing"
    for command in commands:
        ran = subprocess.run(
            ["sh", "-c", f"{command} --silent --show-error --fail-with-body"], capture_output=True, check=False
        )
        assert ran.returncode == 0, (command, ran)
        assert json.loads(ran.stdout), command
