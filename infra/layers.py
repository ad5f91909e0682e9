"""The layers of our functions: what all families share, what reads JSON for them, and the packages of recorders.

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
_AT = "/opt"  # where Lambda unpacks layers
_PLATFORMS = {"arm64": "manylinux2014_aarch64", "x86_64": "manylinux2014_x86_64"}


class Layers(Construct):
    """`shared` is what every function has. That of a recorder's dependencies is built when it is asked for: a stack
    without a recorder has no use for it.
    """

    def __init__(self, scope: Construct, name: str, *, runtime: Runtime) -> None:
        super().__init__(scope, name)
        self._runtime = runtime
        files = [file for kind in ("*.py", "py.typed") for file in _SESSIONS.rglob(kind)]
        sources = package.Sources("the layer of sessions", files, of=_SESSIONS, at=_AT, python=runtime.python)
        self.shared: list[lambda_.ILayerVersion] = [self._layer("Sessions", sources.code()), self._of_wheels("json")]

    def with_dependencies(self) -> list[lambda_.ILayerVersion]:
        """What a recorder needs."""
        return [*self.shared, self._of_wheels("dependencies")]

    def _of_wheels(self, name: str) -> lambda_.LayerVersion:
        wheels = Wheels(name, self._runtime)
        built_from = [wheels.requirements.read_text(), *wheels.options]
        code = package.code(wheels, built_from, of=wheels.requirements.parent, at=_AT, python=self._runtime.python)
        return self._layer(name.title(), code)

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
    """Builds the layer of this name from wheels for Lambda's platform, on any machine and without Docker."""

    def __init__(self, name: str, runtime: Runtime) -> None:
        self.name, self._python = name, runtime.python
        self.requirements = ROOT / "layers" / name / "requirements.txt"
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
            [*pip, *self.options, "--requirement", str(self.requirements)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(
                f"the layer of {self.name} was not built; it needs pip and the package registry that pip is set to,"
                f" and for each package in {self.requirements.relative_to(ROOT)} a wheel: {done.stderr.strip()}"
            )
        package.finish(Path(output_dir), f"the layer of {self.name}", at=_AT, python=self._python)
        return True
