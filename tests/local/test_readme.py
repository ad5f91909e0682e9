"""The README tells the truth: its commands work as they stand, and what it names is there."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.families import ROOT
from tests.platform import Platform

README = ROOT / "README.md"
LONGEST = 250  # lines

_SESSIONCTL = ".venv/bin/sessionctl "  # stands for this interpreter's

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_ASSIGNMENT = re.compile(r"""\w+=(\$\(.*\)|"[^"]*"|'[^']*'|[^\s'"]*)""", re.DOTALL)
_LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
_CODE = re.compile(r"`([^`\n]+)`")
_MAKE = re.compile(r"\bmake ((?:\w+=\S+ )*)([a-z][\w-]*)")
_PLACEHOLDER = re.compile(r"<[^>]*>|…|\{[^}]*\}")


@pytest.fixture(scope="module")
def readme() -> str:
    return README.read_text()


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A platform of its own: what the README sends changes the demonstration data."""
    with Platform(tmp_path_factory.mktemp("readme")) as running:
        yield running
    assert running.err == ""


def _commands(readme: str) -> list[str]:
    """The commands of the blocks fenced as `sh`; one that goes on over several lines is one command."""
    found: list[str] = []
    for language, block in _BLOCK.findall(readme):
        command = ""
        for line in block.splitlines() if language == "sh" else ():
            command += line + "\n"
            whole = subprocess.run(["sh", "-n", "-c", command], capture_output=True, check=False).returncode == 0
            if whole and not line.endswith("\\"):
                found.append(command.strip())
                command = ""
        assert command == "", f"not a whole command: {command}"
    return found


def test_the_commands_work(readme: str, fresh: Platform, tmp_path: Path) -> None:
    """Those that begin with `curl`, `python3` or `sessionctl`, and the variables they use."""
    ours = ("curl ", "python3 ", _SESSIONCTL)
    commands = [one for one in _commands(readme) if one.startswith(ours) or _ASSIGNMENT.fullmatch(one)]
    assert len([one for one in commands if one.startswith("curl ")]) > 5
    script = "\n".join(commands)
    for port, own in (("8000", fresh.port), ("8001", fresh.aws_port)):
        script = re.sub(rf"(127\.0\.0\.1|localhost):{port}\b", f"127.0.0.1:{own}", script)
    script = re.sub(r"(?<![\w/.-])\.local/", f"{fresh.folder}/", script)
    script = script.replace(_SESSIONCTL, f"'{sys.executable}' -m infra.operations ")
    failed = tmp_path / "failed"
    path = f"{ROOT}:{ROOT / 'layers/sessions/python'}"
    curl = 'curl() { command curl -sS --fail-with-body "$@" || { echo "$*" >> "$FAILED"; return 1; }; }'
    ran = subprocess.run(
        ["sh", "-euxc", f"{curl}\n{script}"],
        cwd=ROOT,
        env=os.environ
        | {
            "FAILED": str(failed),
            "NO_PROXY": "*",
            "LOCAL_DIR": str(fresh.folder),
            "XDG_STATE_HOME": str(fresh.folder),
            "PYTHONPATH": path,
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert not failed.exists(), failed.read_text() + ran.stdout
    assert ran.returncode == 0, ran.stderr
    assert "8988216716970004975" in ran.stdout
    assert "LA-PE2VZ7RJD4" in ran.stdout
    assert ran.stdout.count("150 sessions: ") == 4
    assert "SESSDEVICE" in ran.stdout


def test_every_target_of_make_exists(readme: str) -> None:
    code = [*_CODE.findall(readme), *(block for _, block in _BLOCK.findall(readme))]
    named = {target for text in code for _, target in _MAKE.findall(text)}
    there = set(re.findall(r"^([a-z][\w-]*):(?!=)", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert named >= {"run", "test"}
    assert named <= there


def test_every_link_leads_somewhere(readme: str) -> None:
    links = [link for link in _LINK.findall(readme) if "://" not in link and not link.startswith("mailto:")]
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_path_that_is_named_exists(readme: str) -> None:
    """Placeholders such as `<family>` stand for anything."""
    tops = {path.name for path in ROOT.iterdir() if path.name not in (".local", ".venv")}
    named = {
        code
        for code in _CODE.findall(readme)
        if " " not in code and (code.partition("/")[0] in tops if "/" in code else code in tops)
    }
    assert len(named) > 3
    missing = [path for path in named if not list(ROOT.glob(_PLACEHOLDER.sub("*", path).rstrip("/")))]
    assert missing == []


def test_it_is_short(readme: str) -> None:
    assert len(readme.splitlines()) < LONGEST
