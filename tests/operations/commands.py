"""`sessionctl` as an operator types it, in a process of its own."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.families import ROOT

Environment = dict[str, str]


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended, and what it said."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """All of standard output, where the command succeeded."""
        assert self.status == 0, self.err
        return json.loads(self.out)


def environment(**own: str) -> Environment:
    """An operator's, who has said nothing of AWS but this, and has no settings of their own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SESSIONCTL_"))}
    ours = {"PYTHONPATH": f"{ROOT}:{ROOT / 'layers/sessions/python'}", "AWS_EC2_METADATA_DISABLED": "true"}
    ours |= {"DEPLOYMENT_SETTINGS": os.devnull}
    nobody = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    return kept | ours | nobody | own


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "infra.operations", *arguments]


def run(*arguments: str, env: Environment, cwd: Path = ROOT, answer: str = "") -> Ran:
    """Runs it; `answer` is what stands on standard input."""
    done = subprocess.run(
        command(*arguments), env=env, cwd=cwd, input=answer, capture_output=True, text=True, timeout=60, check=False
    )
    assert "Traceback" not in done.stderr
    return Ran(done.returncode, done.stdout, done.stderr)
