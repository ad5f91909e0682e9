"""The command itself: its help, its examples, and the file that starts it."""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from infra.families import ROOT
from infra.operations import launcher
from infra.operations.main import app, main
from tests.operations.commands import environment, run


def leaves(command: Any, *path: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command, and the words that lead to it."""
    if not hasattr(command, "commands"):
        yield path, command
        return
    for name, one in command.commands.items():
        yield from leaves(one, *path, name)


WITHOUT_DEPLOYMENT = {("generate",)}
COMMANDS = dict(leaves(typer.main.get_command(app)))


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_has_an_example_that_can_be_typed(
    path: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*path, "--help"]) == 0
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    (example,) = [line.removeprefix("Example: ") for line in lines if line.startswith("Example: ")]
    assert lines[-1] == f"Example: {example}"
    name, *words = shlex.split(example)
    assert name == "sessionctl"
    assert tuple(words[: len(path)]) == path
    COMMANDS[path].make_context(path[-1], words[len(path) :])


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_option_says_what_it_is(path: tuple[str, ...]) -> None:
    parameters = [one for one in COMMANDS[path].params if one.name != "help"]
    if path not in WITHOUT_DEPLOYMENT:
        assert {"local", "environment", "as_json"} <= {one.name for one in parameters}
    assert all(one.help for one in parameters)
    assert COMMANDS[path].help


def test_no_option_takes_a_secret() -> None:
    names = {one.name for command in COMMANDS.values() for one in command.params}
    assert not [name for name in names if any(word in name for word in ("secret", "token", "password", "key"))]


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The launcher, in a folder with a space, for an interpreter and a project whose paths have spaces and quotes."""
    folder = tmp_path / 'an "odd" fol\'der $HOME'
    folder.mkdir()
    (folder / "python").symlink_to(sys.executable)
    (folder / "project").symlink_to(ROOT)
    file = folder / "sessionctl"
    file.write_text(launcher.script(str(folder / "python"), folder / "project"))
    file.chmod(0o755)
    return file


def test_it_runs_from_any_folder(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "infra").mkdir()
    (tmp_path / "infra" / "__init__.py").write_text("raise SystemExit('the wrong one')")
    env = {name: value for name, value in environment().items() if name != "PYTHONPATH"}
    packages = next(path for path in sys.path if path.endswith("site-packages"))  # a link is in no environment
    done = subprocess.run(
        [installed, "status", "--environment", "moon"],
        cwd=tmp_path,
        env=env | {"PYTHONPATH": packages},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "There is no environment 'moon'" in done.stderr


def test_make_writes_it_for_its_environment(tmp_path: Path) -> None:
    file = tmp_path / "sessionctl"
    subprocess.run([sys.executable, "-m", "infra.operations.launcher", file], cwd=ROOT, env=environment(), check=True)
    assert file.read_text() == launcher.script(sys.executable, ROOT)
    shown = subprocess.run(
        [file, "--help"], cwd=tmp_path, env=environment(), capture_output=True, text=True, check=True
    )
    assert shown.stdout.startswith("Usage: sessionctl ")
    assert os.access(file, os.X_OK)


def test_shells_can_complete_it() -> None:
    env = environment(_SESSIONCTL_COMPLETE="complete_bash", COMP_WORDS="sessionctl account list wi", COMP_CWORD="3")
    assert run(env=env).out.split() == ["widget"]
    script = subprocess.run(
        ["bash", "-c", f"{shlex.quote(sys.executable)} -m infra.operations --show-completion; true"],
        env=environment(),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "complete -o default -F _sessionctl_completion sessionctl" in script.stdout


def test_without_a_command_it_shows_its_help() -> None:
    shown = run(env=environment())
    assert shown.status in (0, 2)
    assert "Usage: sessionctl " in shown.out + shown.err


@pytest.mark.parametrize(
    ("typed", "status"),
    [
        ("generate widget --count 2 > /dev/full", 1),
        ("generate widget --count 2 --json > /dev/null", 0),
        ("generate widget --count 2 --account $'\\xff'", 2),
        ("erase widget - --account acme --local <&-", 3),
    ],
)
def test_what_a_shell_can_do_to_a_command_gives_no_traceback(tmp_path: Path, typed: str, status: int) -> None:
    line = ["bash", "-c", f"{sys.executable} -m infra.operations {typed}"]
    env = environment(LOCAL_DIR=str(tmp_path))
    done = subprocess.run(line, env=env, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
