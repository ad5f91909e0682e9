"""The stacks of an environment, deployed into MiniStack: an AWS in a process of its own, which runs our functions.

The command line of CDK deploys them as it does into AWS. MiniStack runs functions with the interpreter it has itself.
"""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property, partial
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, cast

import boto3

from infra import families
from infra.families import ROOT
from infra.settings import ENVIRONMENTS, Runtime
from tests.operations.commands import Ran, environment, run
from tests.platform import LONGEST_STOP, Target, eventually, free_port, is_free

ACCOUNT = "000000000000"
REGION = "eu-west-1"
CDK = ROOT / "node_modules" / ".bin" / "cdk"
LONGEST_DEPLOYMENT = 300.0  # seconds, on a busy machine
_EMULATOR = Path(__file__).with_name("emulator.py")
_ARCHITECTURES = {"aarch64": "arm64", "arm64": "arm64", "x86_64": "x86_64", "AMD64": "x86_64"}
_Python = Literal["3.11", "3.12", "3.13"]
_Architecture = Literal["arm64", "x86_64"]


def synthesize(folder: Path) -> None:
    """The assembly of all stacks as `app.py` makes it, and of an environment with everything, but for a runtime that
    there is on this machine.
    """
    os.environ["CDK_VALIDATION"] = "false"  # read by the process of CDK, which starts with its import
    from aws_cdk import App

    from app import add_stacks, feature_flags
    from tests.infra.stacks import EVERYTHING

    here = Runtime(
        python=cast("_Python", f"{sys.version_info.major}.{sys.version_info.minor}"),
        architecture=cast("_Architecture", _ARCHITECTURES[platform.machine()]),
    )
    app = App(context=feature_flags(), outdir=str(folder))
    add_stacks(app, [replace(environment, runtime=here) for environment in (*ENVIRONMENTS.values(), EVERYTHING)])
    app.synth()


class Emulator:
    """A context: MiniStack runs while it is open, for this machine only, and keeps what it keeps in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        for name in ("home", "tmp", "s3", "state"):
            (self.folder / name).mkdir(parents=True)
        settings = {
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "SFTP_ENABLED": "0",  # else it listens to everybody
            "IOT_MTLS_ENABLED": "0",
            "MINISTACK_REGION": REGION,
            "TMPDIR": str(self.folder / "tmp"),
            "S3_DATA_DIR": str(self.folder / "s3"),
            "STATE_DIR": str(self.folder / "state"),
        }
        functions_see = {name: value for name, value in self.shell().items() if name != "PYTHONPATH"}
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-P", str(_EMULATOR)],
                cwd=self.folder,
                env=functions_see | settings,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            eventually(self._answers, 60)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def shell(self) -> dict[str, str]:
        """The environment of a shell that means this AWS."""
        return environment(
            AWS_ENDPOINT_URL=self.url,
            AWS_ACCESS_KEY_ID="test",
            AWS_SECRET_ACCESS_KEY="test",
            AWS_DEFAULT_REGION=REGION,
            AWS_REGION=REGION,
        )

    def client(self, service: Any) -> Any:
        return boto3.Session("test", "test", region_name=REGION).client(service, endpoint_url=self.url)

    def cdk(self, *arguments: str, assembly: Path) -> None:
        """The command line of CDK; what it has to say is told where it fails."""
        ours = {"HOME": str(self.folder / "home"), "CDK_DISABLE_CLI_TELEMETRY": "true", "CI": "true", "NO_COLOR": "1"}
        done = subprocess.run(
            [str(CDK), *arguments, "--app", str(assembly), "--no-notices"],
            cwd=self.folder,
            env=self.shell() | ours,
            capture_output=True,
            text=True,
            timeout=LONGEST_DEPLOYMENT,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def bootstrap(self, assembly: Path) -> None:
        """What CDK needs in an AWS account before it deploys there."""
        self.cdk("bootstrap", f"aws://{ACCOUNT}/{REGION}", assembly=assembly)

    def _answers(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise RuntimeError(f"MiniStack ended: {(self.folder / 'log').read_text()}")
        return not is_free(self.port)

    def _end(self) -> None:
        """Its functions end with it: they read from it."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(LONGEST_STOP)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(LONGEST_STOP)


class Deployment(Target):
    """One environment in a running emulator, with the demonstration accounts and data of all families."""

    def __init__(self, emulator: Emulator, assembly: Path, name: str) -> None:
        self.emulator = emulator
        self.name = name
        self._assembly = assembly

    def deploy(self) -> None:
        """Deploys the environment's stacks, as they are in the assembly."""
        options = ("--require-approval", "never", "--method", "direct", "--concurrency", "4")
        self.emulator.cdk("deploy", *options, f"SessionApis-{self.name}-*", assembly=self._assembly)

    def template(self, stack: str) -> dict[str, Any]:
        """What was deployed of the stack."""
        found: dict[str, Any] = json.loads(
            (self._assembly / f"SessionApis-{self.name}-{stack}.template.json").read_text()
        )
        return found

    def outputs(self, stack: str) -> dict[str, str]:
        """What the stack tells."""
        client = self.emulator.client("cloudformation")
        (found,) = client.describe_stacks(StackName=self._stack(stack))["Stacks"]
        client.close()
        assert found["StackStatus"] == "CREATE_COMPLETE"
        return {one["OutputKey"]: one["OutputValue"] for one in found["Outputs"]}

    def sessionctl(self, *arguments: str) -> Ran:
        """The operators' command, as they type it for this environment."""
        own = {"XDG_STATE_HOME": str(self.emulator.folder / "home")}
        return run(*arguments, "--environment", self.name, "--json", env=self.emulator.shell() | own)

    def demonstrate(self) -> None:
        """Makes the demonstration accounts, and has their events recorded by way of the queues."""
        with ThreadPoolExecutor(2) as pool:
            for family, known in zip(families.names(), pool.map(self._known, families.names()), strict=True):
                self.connection[family] = known
        for family in families.names():
            if "queue_url" in self.connection[family]:
                eventually(partial(self.is_idle, family), 120)

    @cached_property
    def connection(self) -> dict[str, Any]:  # type: ignore[override]
        return {"aws_endpoint_url": self.emulator.url, "base_url": self.emulator.url, "region": REGION}

    @cached_property
    def accounts_table(self) -> str:
        return self.outputs("accounts")["AccountsTable"]

    @cached_property
    def paths(self) -> Mapping[str, str]:
        """MiniStack has all APIs at one address; in AWS each has its own, with the stage before the path."""
        client = self.emulator.client("cloudformation")
        found = {}
        for family in families.names():
            ids = self.template(family)["Resources"].items()
            (api,) = (name for name, resource in ids if resource["Type"] == "AWS::ApiGateway::RestApi")
            told = client.describe_stack_resource(StackName=self._stack(family), LogicalResourceId=api)
            rest_api = told["StackResourceDetail"]["PhysicalResourceId"]
            found[family] = f"/restapis/{rest_api}/{self.name}/_user_request_"
        client.close()
        return found

    def _stack(self, name: str) -> str:
        return f"SessionApis-{self.name}-{name}"

    def _known(self, family: str) -> dict[str, str]:
        """What `connection` has of the family, once its account is there and its events are sent."""
        demonstration: Any = import_module(f"functions.{family}.demonstration")
        secret = None
        if families.load(family).authorizer is not None:
            account = demonstration.ACCOUNT
            username = ["--username", demonstration.USERNAME] if hasattr(demonstration, "USERNAME") else []
            assert self.sessionctl("account", "create", family, account).status == 0
            secret = self.sessionctl("credential", "create", family, account, *username).json["secret"]
        told = self.outputs(family)
        if "QueueUrl" in told:
            file = self.emulator.folder / f"{family}.jsonl"
            file.write_text("".join(f"{json.dumps(event)}\n" for event in demonstration.events()))
            assert self.sessionctl("import", family, str(file)).status == 0
        named = {"queue_url": "QueueUrl", "dead_letter_queue_url": "DeadLetterQueueUrl", "usage_plan_id": "UsagePlanId"}
        urls = {name: told[output] for name, output in named.items() if output in told}
        known: dict[str, str] = demonstration.connection(secret) | urls
        return known
