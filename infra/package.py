"""What Lambda unpacks, a function's code or a layer: files, and bytecode of the runtime's Python beside them.

Lambda's folders are read-only: without bytecode, every cold start compiles anew. It is the same for each architecture.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import jsii
from aws_cdk import AssetHashType, BundlingOptions, DockerImage, ILocalBundling
from aws_cdk import aws_lambda as lambda_

_MAGIC = "import sys, importlib.util as found; print(*sys.version_info[:2], found.MAGIC_NUMBER.hex(), sep='.')"


@jsii.implements(ILocalBundling)
class Sources:
    """These files of a folder, under the same paths. Lambda unpacks them `at` its folder, for this `python`."""

    def __init__(self, name: str, files: Iterable[Path], *, of: Path, at: str, python: str) -> None:
        self._name, self._folder, self._at, self._python = name, of, at, python
        self._files = sorted(files)

    def try_bundle(self, output_dir: str, *_options: object, **_named: object) -> bool:
        """Always True, or an error: False would make CDK go on with Docker."""
        for file in self._files:
            target = Path(output_dir) / file.relative_to(self._folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
        finish(Path(output_dir), self._name, at=self._at, python=self._python)
        return True

    def code(self) -> lambda_.Code:
        content = [part for file in self._files for part in (str(file.relative_to(self._folder)), file.read_bytes())]
        return code(self, content, of=self._folder, at=self._at, python=self._python)


def code(build: ILocalBundling, built_from: Iterable[str | bytes], *, of: Path, at: str, python: str) -> lambda_.Code:
    """What `build` makes, once for each fingerprint of what it is `built_from`."""
    return lambda_.Code.from_asset(
        str(of),
        asset_hash=fingerprint(built_from, at=at, python=python),
        asset_hash_type=AssetHashType.CUSTOM,
        bundling=BundlingOptions(image=DockerImage.from_registry("none"), local=build),
    )


def fingerprint(built_from: Iterable[str | bytes], *, at: str, python: str) -> str:
    """Another one where any of these parts is another, and where the bytecode is, or is no more."""
    digest = hashlib.sha256()
    for part in (*built_from, at, magic(python) or ""):
        digest.update(hashlib.sha256(part if isinstance(part, bytes) else part.encode()).digest())
    return digest.hexdigest()


def finish(folder: Path, name: str, *, at: str, python: str) -> None:
    """Adds the bytecode, where there is such a Python here, and says what was built."""
    found = interpreter(python)
    if found is not None:
        # Unchecked: a file's time in Lambda is not that of here. What a traceback names is the file in Lambda.
        compiling = ["-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", "-s", str(folder), "-p", at]
        done = subprocess.run(  # noqa: S603 (our own words only)
            [found, *compiling, str(folder)], env=_environment(), capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{name} was not compiled: {(done.stdout + done.stderr).strip()}")
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6
    without = f"no bytecode, as there is no Python {python} here: every cold start compiles"
    said = f"bytecode of Python {python}" if found else without
    print(f"Built {name}: {size:.1f} MB unzipped, {said}", file=sys.stderr)


def interpreter(python: str) -> str | None:
    """The first that runs: this one, that of the name, and those that pyenv keeps. None where there is none."""
    return _found(python)[0]


def magic(python: str) -> str | None:
    """The bytecode's kind, as hexadecimal digits. It goes with the interpreter."""
    return _found(python)[1]


@cache
def _found(python: str) -> tuple[str | None, str | None]:
    versions = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    kept = sorted(versions.glob(f"{python}.*"), key=lambda one: [int(part) for part in re.findall(r"\d+", one.name)])
    named = shutil.which(f"python{python}")
    for candidate in (sys.executable, named, *(str(one / "bin" / f"python{python}") for one in reversed(kept))):
        if candidate is not None and (said := _said(candidate)).startswith(f"{python}."):
            return candidate, said.removeprefix(f"{python}.")
    return None, None


def _said(candidate: str) -> str:
    """Its version and the magic number of its bytecode; nothing where it does not run, as pyenv's shims at times."""
    try:
        done = subprocess.run(  # noqa: S603 (an interpreter)
            [candidate, "-c", _MAGIC], env=_environment(), capture_output=True, text=True, check=False
        )
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _environment() -> dict[str, str]:
    """Another Python wants none of this one's settings; and sets are to be written in the same order each time."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return kept | {"PYTHONHASHSEED": "0"}
