"""What the layers hold, and who has which."""

import re
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from infra import package
from infra.families import ROOT
from infra.layers import RUNTIMES, Wheels
from infra.settings import Runtime
from tests.infra.bytecode import kinds
from tests.infra.stacks import EVERY_STACK, Stacks, of, text

AARCH64 = 183  # ELF's e_machine
NATIVE = (".cpython-313-aarch64-linux-gnu.so", ".abi3.so")
TAGS = re.compile(r"(py3|py2\.py3)-none-any|cp313-(cp313|abi3)-manylinux\w*_aarch64")
MOST_BYTES = 25_000_000  # unzipped: what is more takes its time in each cold start


@pytest.mark.parametrize(("environment", "family"), EVERY_STACK)
def test_recorders_alone_have_the_dependencies(stacks: Stacks, environment: str, family: str) -> None:
    stack, definition = of(stacks, environment, family)
    layers = {one["Properties"]["Content"]["S3Key"]: name for name, one in _layers(stacks, environment, family).items()}
    assert len(layers) == (3 if definition.recorder else 2)
    sources = ROOT / "layers" / "sessions"
    shared = {str(file.relative_to(sources)) for file in sources.rglob("*") if file.suffix in {".py", ".typed"}}
    by_files = {name: stack.files({"S3Key": key}) for key, name in layers.items()}
    assert shared in by_files.values()
    dependencies = {name for name, files in by_files.items() if files == {"dependencies"}}
    for one in definition.functions:
        expected = set(by_files) - (set() if one is definition.recorder else dependencies)
        assert set(text(stack.functions()[one.module]["Layers"])) == expected, one.module


def test_layers_are_for_the_functions_runtime(stacks: Stacks) -> None:
    found = [
        (one["Properties"]["CompatibleRuntimes"], one["Properties"]["CompatibleArchitectures"])
        for stack in stacks.values()
        for one in stack.resources("Lambda::LayerVersion").values()
    ]
    assert found
    assert all(one == (["python3.13"], ["arm64"]) for one in found)


def test_the_python_that_layers_are_built_for_is_the_functions() -> None:
    assert {python: runtime.name for python, runtime in RUNTIMES.items()} == {one: f"python{one}" for one in RUNTIMES}


@pytest.mark.parametrize(
    ("name", "wanted"), [("dependencies", {"pydantic", "pydantic_core", "aws_lambda_powertools"}), ("json", {"orjson"})]
)
def test_a_layer_of_wheels_is_built_for_lambda_without_docker(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, wanted: set[str]
) -> None:
    assert Wheels(name, Runtime()).try_bundle(str(tmp_path), object()) is True
    packages = {found.name for found in (tmp_path / "python").iterdir() if found.suffix != ".dist-info"}
    assert wanted <= packages
    assert packages & {"boto3", "botocore", "aws_xray_sdk", "s3transfer"} == set()
    native = [file for file in tmp_path.rglob("*") if ".so" in file.suffixes]
    assert native
    assert [file.name for file in native if not file.name.endswith(NATIVE)] == []
    assert {int.from_bytes(file.read_bytes()[18:20], "little") for file in native} == {AARCH64}
    wheels = list(tmp_path.rglob("WHEEL"))
    assert len(wheels) == (ROOT / "layers" / name / "requirements.txt").read_text().count("==")
    tags = [tag for file in wheels for tag in re.findall(r"^Tag: (.*)$", file.read_text(), re.MULTILINE)]
    assert [tag for tag in tags if not TAGS.fullmatch(tag)] == []
    found = package.interpreter(Runtime().python)
    assert kinds(tmp_path) == ({(package.magic(Runtime().python), "unchecked")} if found else set())
    size = sum(file.stat().st_size for file in tmp_path.rglob("*") if file.is_file())
    assert size < MOST_BYTES
    said = f"bytecode of Python {Runtime().python}" if found else "no bytecode, as there is no Python 3.13 here"
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"Built the layer of {name}: {size / 1e6:.1f} MB unzipped, {said}")


@pytest.mark.parametrize(("environment", "family"), EVERY_STACK)
def test_all_that_lambda_unpacks_has_the_runtimes_bytecode(stacks: Stacks, environment: str, family: str) -> None:
    """But the wheels, whose layers are built above."""
    if package.magic(Runtime().python) is None:
        pytest.skip(f"no Python {Runtime().python} here")
    stack, _ = of(stacks, environment, family)
    codes = [one["Properties"]["Content"] for one in _layers(stacks, environment, family).values()]
    codes += [one["Code"] for one in stack.functions().values()]
    folders = {stack.asset(code) for code in codes if stack.files(code) not in ({"dependencies"}, {"json"})}
    assert len(folders) == 2
    for folder in folders:
        sources = list(folder.rglob("*.py"))
        assert len(list(folder.rglob("*.cpython-313.pyc"))) == len(list(folder.rglob("*.pyc"))) == len(sources) > 0
        assert kinds(folder) == {("f30d0d0a", "unchecked")}


def test_a_layer_that_cannot_be_built_is_an_error_that_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = SimpleNamespace(returncode=1, stderr="no matching distribution\n")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(RuntimeError) as raised:
        Wheels("dependencies", Runtime()).try_bundle(str(tmp_path), object())
    assert str(raised.value) == (
        "the layer of dependencies was not built; it needs pip and the package registry that pip is set to, and for"
        " each package in layers/dependencies/requirements.txt a wheel: no matching distribution"
    )


def _layers(stacks: Stacks, environment: str, family: str) -> dict[str, dict[str, Any]]:
    stack, _ = of(stacks, environment, family)
    return stack.resources("Lambda::LayerVersion")
