"""The layers of our functions: what all families share, and the packages that recording needs.

Each stack has its own layer versions. They are the same uploaded files, and no stack has to wait for another to
let go of an old version.
"""

import subprocess
import sys
from pathlib import Path

import jsii
from aws_cdk import ILocalBundling
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra import package
from infra.families import ROOT

RUNTIME = lambda_.Runtime.PYTHON_3_13
PYTHON = "3.13"
ARCHITECTURE = lambda_.Architecture.ARM_64

_SESSIONS = ROOT / "layers" / "sessions"
_DEPENDENCIES = ROOT / "layers" / "dependencies"
_REQUIREMENTS = _DEPENDENCIES / "requirements.txt"
_AT = "/opt"  # where Lambda unpacks layers
_PLATFORM = (
    *("--platform", "manylinux2014_aarch64", "--implementation", "cp", "--python-version", PYTHON),
    *("--only-binary=:all:", "--no-deps", "--require-hashes", "--no-compile"),
)


class Layers(Construct):
    """`dependencies` is built when it is asked for: a stack without a recorder has no use for it."""

    def __init__(self, scope: Construct, name: str) -> None:
        super().__init__(scope, name)
        files = [file for kind in ("*.py", "py.typed") for file in _SESSIONS.rglob(kind)]
        sources = package.Sources("the layer of sessions", files, of=_SESSIONS, at=_AT, python=PYTHON)
        self.sessions = self._layer("Sessions", sources.code())

    def with_dependencies(self) -> list[lambda_.ILayerVersion]:
        """What a recorder needs."""
        built_from = [_REQUIREMENTS.read_text(), *_PLATFORM]
        code = package.code(Wheels(), built_from, of=_DEPENDENCIES, at=_AT, python=PYTHON)
        return [self.sessions, self._layer("Dependencies", code)]

    def _layer(self, name: str, code: lambda_.Code) -> lambda_.LayerVersion:
        return lambda_.LayerVersion(
            self, name, code=code, compatible_runtimes=[RUNTIME], compatible_architectures=[ARCHITECTURE]
        )


@jsii.implements(ILocalBundling)
class Wheels:
    """Builds the dependency layer from wheels for Lambda's platform, on any machine and without Docker."""

    def try_bundle(self, output_dir: str, *_options: object, **_named: object) -> bool:
        """Always True, or an error: False would make CDK go on with Docker."""
        target = str(Path(output_dir) / "python")
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", target]
        done = subprocess.run(  # noqa: S603 (our own words only)
            [*pip, *_PLATFORM, "--requirement", str(_REQUIREMENTS)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(
                f"the dependency layer was not built; it needs pip and the package registry that pip is set to,"
                f" and for each package in {_REQUIREMENTS.relative_to(ROOT)} a wheel: {done.stderr.strip()}"
            )
        package.finish(Path(output_dir), "the layer of dependencies", at=_AT, python=PYTHON)
        return True
