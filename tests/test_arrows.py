"""Arrows that the import linter cannot draw: who loads handlers, and who opens connections."""

import ast
from pathlib import Path

import pytest

from infra import families
from infra.families import ROOT

HANDLERS = {
    f"functions.{name}.{function.module}" for name in families.names() for function in families.load(name).functions
}
AWS = {"boto3", "botocore"}
SOURCES = [
    path.relative_to(ROOT)
    for folder in ("functions", "infra", "layers/sessions")
    for path in sorted((ROOT / folder).rglob("*.py"))
]


def imported(path: Path) -> set[str]:
    """Every module that the file names in an import, also those taken from a package."""
    found: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.update((node.module, *(f"{node.module}.{alias.name}" for alias in node.names)))
    return found


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_only_the_local_platform_loads_handlers(path: Path) -> None:
    if path.parts[:2] != ("infra", "local"):
        assert not imported(path) & HANDLERS


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_only_the_doors_open_connections(path: Path) -> None:
    doors = ("dynamodb.py", "recording.py")
    if path.parts[:2] != ("infra", "local") and not (path.parts[0] == "layers" and path.name in doors):
        assert not {name.partition(".")[0] for name in imported(path)} & AWS


def test_the_rules_are_about_something() -> None:
    assert len(HANDLERS) > len(families.names())
    assert any(imported(path) & AWS for path in SOURCES)
