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
from infra.settings import Runtime

RUNTIMES = {
    "3.11": lambda_.Runtime.PYTHON_3_11,
    "3.12": lambda_.Runtime.PYTHON_3_12,
    "3.13": lambda_.Runtime.PYTHON_3_13,
}
ARCHITECTURES = {"arm64": lambda_.Architecture.ARM_64, "x86_64": lambda_.Architecture.X86_64}

_SESSIONS = ROOT / "layers" / "sessions"
_DEPENDENCIES = ROOT / "layers" / "dependencies"
_REQUIREMENTS = _DEPENDENCIES / "requirements.txt"
_AT = "/opt"  # where Lambda unpacks layers
_PLATFORMS = {"arm64": "manylinux2014_aarch64", "x86_64": "manylinux2014_x86_64"}


class Layers(Construct):
    """`dependencies` is built when it is asked for: a stack without a recorder has no use for it."""

    def __init__(self, scope: Construct, name: str, *, runtime: Runtime) -> None:
        super().__init__(scope, name)
        self._runtime = runtime
        files = [file for kind in ("*.py", "py.typed") for file in _SESSIONS.rglob(kind)]
        sources = package.Sources("the layer of sessions", files, of=_SESSIONS, at=_AT, python=runtime.python)
        self.sessions = self._layer("Sessions", sources.code())

    def with_dependencies(self) -> list[lambda_.ILayerVersion]:
        """What a recorder needs."""
        wheels = Wheels(self._runtime)
        built_from = [_REQUIREMENTS.read_text(), *wheels.options]
        code = package.code(wheels, built_from, of=_DEPENDENCIES, at=_AT, python=self._runtime.python)
        return [self.sessions, self._layer("Dependencies", code)]

    def _layer(self, name: str, code: lambda_.Code) -> lambda_.LayerVersion:
        return lambda_.LayerVersion(
            self,
            name,
            code=code,
            compatible_runtimes=[RUNTIMES[self._runtime.python]],
            compatible_architectures=[ARCHITECTURES[self._runtime.architecture]],
        )


@jsii.implements(ILocalBundling)
class Wheels:
    """Builds the dependency layer from wheels for Lambda's platform, on any machine and without Docker."""

    def __init__(self, runtime: Runtime) -> None:
        self._python = runtime.python
        self.options = (
            *("--platform", _PLATFORMS[runtime.architecture]),
            *("--implementation", "cp", "--python-version", runtime.python),
            *("--only-binary=:all:", "--no-deps", "--require-hashes", "--no-compile"),
        )

    def try_bundle(self, output_dir: str, *_options: object, **_named: object) -> bool:
        """Always True, or an error: False would make CDK go on with Docker."""
        target = str(Path(output_dir) / "python")
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", target]
        done = subprocess.run(  # noqa: S603 (our own words only)
            [*pip, *self.options, "--requirement", str(_REQUIREMENTS)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(
                f"the dependency layer was not built; it needs pip and the package registry that pip is set to,"
                f" and for each package in {_REQUIREMENTS.relative_to(ROOT)} a wheel: {done.stderr.strip()}"
            )
        package.finish(Path(output_dir), "the layer of dependencies", at=_AT, python=self._python)
        return True
