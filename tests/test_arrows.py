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
SERVICES = {"apigateway", "cloudformation", "cloudwatch", "sqs"}
"""Those that `sessionctl` speaks to itself."""
EXPLAINED = {
    "infra/operations/listing.py": {
        f"functions.store.{name}" for name in ("parameters", "plan", "query", "session", "walk", "work")
    }
}
"""What knows how a listing is read, and reads nothing."""
EXPORTS = {f"functions.{name}.export" for name in families.names()}
DYNAMODB_DOOR = Path("layers/sessions/python/sessions")
SQS_DOOR = DYNAMODB_DOOR / "recording.py"
SCANNING = {"functions/device/records.py", "functions/knowledge/erasure.py", "functions/knowledge/session.py"}
"""What reads a whole table, in functions that only exports and erasures call."""
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


def is_module(name: str) -> bool:
    return (ROOT / name.replace(".", "/")).with_suffix(".py").exists()


def clients(path: Path) -> set[str]:
    """The services that the file makes clients of."""
    calls = [node for node in ast.walk(ast.parse((ROOT / path).read_text())) if isinstance(node, ast.Call)]
    made = [call for call in calls if ast.unparse(call.func).endswith((".client", ".resource"))]
    return {ast.literal_eval(call.args[0]) for call in made}


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_only_the_local_platform_loads_handlers(path: Path) -> None:
    if path.parts[:2] != ("infra", "local"):
        assert not imported(path) & HANDLERS


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_infra_knows_of_a_familys_code_only_what_it_explains(path: Path) -> None:
    """All else it has from contracts and `deployment.py`, which it finds by the family's name."""
    if path.parts[0] == "infra" and path.parts[1] != "local":
        modules = {name for name in imported(path) if name.startswith("functions.") and is_module(name)}
        assert modules == EXPLAINED.get(str(path), set())


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_only_the_doors_open_connections(path: Path) -> None:
    if path.parts[:2] in (("infra", "local"), ("infra", "operations")):
        return
    if path != SQS_DOOR:
        assert not {name.partition(".")[0] for name in imported(path)} & AWS
    if path.parent != DYNAMODB_DOOR:
        assert not imported(path) & {"socket", "sessions.endpoint", "sessions.connection"}


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_operators_tools_reach_tables_by_the_door_only(path: Path) -> None:
    if path.parts[:2] == ("infra", "operations"):
        assert clients(path) <= SERVICES | ({"dynamodb"} if path.name == "carrier.py" else set())


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_no_request_leads_to_a_scan(path: Path) -> None:
    """Nor has a function the right to: see `tests/infra/test_functions.py`."""
    if path.parts[0] == "functions":
        named = [node for node in ast.walk(ast.parse((ROOT / path).read_text())) if isinstance(node, ast.Attribute)]
        scans = {ast.unparse(node) for node in named} & {"dynamodb.scan"}
        assert bool(scans) == (str(path) in SCANNING)
        assert not imported(path) & EXPORTS
        if path.name != "export.py":
            assert not {ast.unparse(node) for node in named} & {"session.devices_of", "session.live"}


def test_the_rules_are_about_something() -> None:
    assert len(HANDLERS) > len(families.names())
    assert any(imported(path) & AWS for path in SOURCES)
    assert set().union(
        *(clients(path) for path in SOURCES if path.parts[:2] == ("infra", "operations"))
    ) == SERVICES | {"dynamodb"}
