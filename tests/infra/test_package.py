"""What Lambda unpacks has bytecode of its Python, where the machine that builds it has such a Python."""

import marshal
import os
import sys
from collections.abc import Iterator
from importlib.util import MAGIC_NUMBER
from pathlib import Path

import pytest

from infra import package
from tests.infra.bytecode import kinds

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
NOWHERE = "3.99"


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """What was found on this machine is forgotten, before and after."""
    package._found.cache_clear()
    yield
    package._found.cache_clear()


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A folder with two modules, and with what does not go to Lambda."""
    folder = tmp_path / "sources"
    (folder / "python/product").mkdir(parents=True)
    (folder / "python/product/__init__.py").touch()
    (folder / "python/product/session.py").write_text("def get():\n    return 1\n")
    (folder / "python/product/test_session.py").write_text("assert False\n")
    return folder


def test_a_file_that_does_not_compile_is_an_error_that_names_it(sources: Path, tmp_path: Path) -> None:
    (sources / "python/product/session.py").write_text("def get(:\n")
    with pytest.raises(RuntimeError, match=r"^the layer was not compiled: (.|\n)*product/session\.py"):
        build(sources, tmp_path / "out")


def test_without_such_a_python_it_is_built_without_bytecode_and_says_so(
    sources: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    build(sources, tmp_path / "out", python=NOWHERE)
    assert files(tmp_path / "out") == {"python/product/__init__.py", "python/product/session.py"}
    assert capsys.readouterr() == (
        "",
        "Built the layer: 0.0 MB unzipped, no bytecode, as there is no Python 3.99 here: every cold start compiles\n",
    )


def test_the_files_go_with_bytecode_that_no_file_time_can_spoil(
    sources: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    build(sources, tmp_path / "out")
    tag = sys.implementation.cache_tag
    assert files(tmp_path / "out") == {
        "python/product/__init__.py",
        "python/product/session.py",
        f"python/product/__pycache__/__init__.{tag}.pyc",
        f"python/product/__pycache__/session.{tag}.pyc",
    }
    assert kinds(tmp_path / "out") == {(MAGIC_NUMBER.hex(), "unchecked")}
    assert capsys.readouterr() == ("", f"Built the layer: 0.0 MB unzipped, bytecode of Python {HERE}\n")


def test_a_traceback_names_the_file_in_lambda_and_no_folder_of_this_machine(sources: Path, tmp_path: Path) -> None:
    build(sources, tmp_path / "out")
    (compiled,) = (tmp_path / "out").rglob("session.*.pyc")
    assert marshal.loads(compiled.read_bytes()[16:]).co_filename == "/opt/python/product/session.py"
    assert str(tmp_path).encode() not in compiled.read_bytes()


def test_the_same_sources_make_the_same_bytes(sources: Path, tmp_path: Path) -> None:
    (sources / "python/product/session.py").write_text("KINDS = 'a' in {'a', 'b', 'c', 'd', 'e', 'f'}\n" * 20)
    for folder in (tmp_path / "one", tmp_path / "two"):
        build(sources, folder)
    for file in files(tmp_path / "one"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_the_fingerprint_tells_the_parts_and_the_bytecode(monkeypatch: pytest.MonkeyPatch) -> None:
    def fingerprint(*parts: str | bytes, at: str = "/opt", python: str = HERE) -> str:
        return package.fingerprint(parts, at=at, python=python)

    assert fingerprint("a", b"b") == fingerprint("a", b"b")
    different = [fingerprint("a", "b"), fingerprint("ab"), fingerprint("a", "b", at="/var/task")]
    different.append(fingerprint("a", "b", python=NOWHERE))
    monkeypatch.setattr(package, "magic", lambda _python: "of no Python")
    different.append(fingerprint("a", "b"))
    assert len(set(different)) == len(different)


def test_this_interpreter_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    python(tmp_path / f"python{HERE}", f"{HERE}.0000")
    assert package.interpreter(HERE) == sys.executable
    assert package.magic(HERE) == MAGIC_NUMBER.hex()


def test_then_the_one_of_the_name_if_it_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    python(tmp_path / f"python{NOWHERE}", f"{NOWHERE}.1111")
    python(tmp_path / f"pyenv/versions/{NOWHERE}.1/bin/python{NOWHERE}", f"{NOWHERE}.2222")
    assert package.interpreter(NOWHERE) == str(tmp_path / f"python{NOWHERE}")
    assert package.magic(NOWHERE) == "1111"


def test_then_the_newest_that_pyenv_keeps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    python(tmp_path / f"python{NOWHERE}", "", status=127)  # pyenv's shim of a Python that is not chosen
    for patch in (2, 10):
        python(tmp_path / f"pyenv/versions/{NOWHERE}.{patch}/bin/python{NOWHERE}", f"{NOWHERE}.2222")
    assert package.interpreter(NOWHERE) == str(tmp_path / f"pyenv/versions/{NOWHERE}.10/bin/python{NOWHERE}")


def test_what_is_called_so_and_is_another_is_passed_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    python(tmp_path / f"python{NOWHERE}", "3.9.610d0d0a")
    assert package.interpreter(NOWHERE) is None
    assert package.magic(NOWHERE) is None


def build(sources: Path, out: Path, *, python: str = HERE) -> None:
    """What CDK does with a layer's sources, tests aside."""
    wanted = [file for file in sources.rglob("*.py") if not file.name.startswith("test_")]
    layer = package.Sources("the layer", wanted, of=sources, at="/opt", python=python)
    out.mkdir()
    assert layer.try_bundle(str(out), object()) is True


def files(folder: Path) -> set[str]:
    return {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}


def python(file: Path, says: str, *, status: int = 0) -> None:
    """A program that says of itself what an interpreter is asked for."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\necho {says}\nexit {status}\n")
    file.chmod(0o755)
