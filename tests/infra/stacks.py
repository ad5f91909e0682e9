"""Reads a synthesized stack as a person would: resources by their type, references by what they mean."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from aws_cdk import App

from app import add_stacks, feature_flags
from infra import families
from infra.settings import ENVIRONMENTS, PROD, Domain
from sessions.deployment import Family

Resources = dict[str, dict[str, Any]]

EVERY_STACK = [(environment, family) for environment in ENVIRONMENTS for family in families.names()]
"""Environment and family of each family's stack."""

EVERYTHING = replace(
    PROD,
    name="everything",
    alarm_address="operators@example.com",
    domains={
        family: Domain(f"{family}.example.com", "arn:aws:acm:eu-west-1:111122223333:certificate/0")
        for family in families.names()
    },
    family_settings={"knowledge": {"allowed_origins": ("https://example.com",), "response_wrapped": True}},
)
"""An environment with all that is optional."""


@dataclass(frozen=True)
class Stack:
    """A template, and the folder that its assets are in."""

    folder: Path
    template: dict[str, Any]

    def resources(self, kind: str) -> Resources:
        """By logical id, the resources of this type, which is written without `AWS::`."""
        found: Resources = self.template["Resources"]
        return {name: one for name, one in found.items() if one["Type"] == f"AWS::{kind}"}

    def properties(self, kind: str) -> dict[str, Any]:
        """Those of the only resource of this type."""
        (only,) = self.resources(kind).values()
        properties: dict[str, Any] = only["Properties"]
        return properties

    def functions(self) -> dict[str, dict[str, Any]]:
        """The properties of each function by its module, and `id`, its logical id."""
        found = self.resources("Lambda::Function").items()
        return {one["Properties"]["Handler"].split(".")[2]: {**one["Properties"], "id": name} for name, one in found}

    def called(self, module: str) -> str:
        """The function as its callers name it: by its alias, where it has one."""
        function = self.functions()[module]["id"]
        aliases = self.resources("Lambda::Alias").items()
        found = [name for name, one in aliases if text(one["Properties"]["FunctionName"]) == function]
        return found[0] if found else f"{function}.Arn"

    def output(self, name: str) -> Any:
        return text(self.template["Outputs"][name]["Value"])

    def asset(self, code: dict[str, Any]) -> Path:
        """The folder of what a function or layer has for code."""
        return self.folder / f"asset.{code['S3Key'].removesuffix('.zip')}"

    def files(self, code: dict[str, Any]) -> set[str]:
        """The files of what a function or layer has for code, relative to their folder; without bytecode."""
        root = self.asset(code)
        return {str(file.relative_to(root)) for file in root.rglob("*") if file.is_file() and file.suffix != ".pyc"}


Stacks = dict[str, Stack]


def synthesize(folder: Path, *, builds: bool = False) -> Stacks:
    """Every stack by its name; `builds` the functions' packages and the layers, too."""
    unbuilt: dict[str, object] = {} if builds else {"aws:cdk:bundling-stacks": []}
    app = App(context={**feature_flags(), **unbuilt}, outdir=str(folder))
    add_stacks(app)
    return {stack.stack_name: Stack(folder, stack.template) for stack in app.synth().stacks}


def of(stacks: Stacks, environment: str, family: str) -> tuple[Stack, Family]:
    """The family's stack in the environment, and what the family says of itself there."""
    settings = ENVIRONMENTS[environment].family_settings.get(family, {})
    return stacks[f"SessionApis-{environment}-{family}"], families.load(family, **settings)


def text(value: Any) -> Any:
    """The value with references as texts: a resource's own is its logical id, an attribute's `Id.Attribute`.

    A part of an ARN is that ARN.
    """
    match value:
        case {"Ref": name}:
            return name
        case {"Fn::GetAtt": [name, attribute]}:
            return f"{name}.{attribute}"
        case {"Fn::Select": [_, {"Fn::Split": [":", arn]}]}:
            return text(arn)
        case {"Fn::Join": ["", parts]}:
            return "".join(map(text, parts))
        case dict():
            return {name: text(one) for name, one in value.items()}
        case list():
            return [text(one) for one in value]
    return value


def listed(value: Any) -> list[Any]:
    """IAM writes a list of one without brackets."""
    return value if isinstance(value, list) else [value]


def error_of(template: str) -> Any:
    """A gateway answer's body, as a caller sees it."""
    return json.loads(template.replace("$context.requestId", "00000000-0000-0000-0000-000000000000"))


def metrics(alarm: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The metrics that the alarm goes by, each with its namespace, name and dimensions."""
    if "MetricName" in alarm:
        yield alarm
    for one in alarm.get("Metrics", ()):
        if "MetricStat" in one:
            yield one["MetricStat"]["Metric"]
