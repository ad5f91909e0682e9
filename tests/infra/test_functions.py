"""Each function has its code, its log, its settings and its rights, and nothing more."""

import ast
import json
import os
import subprocess
import sys
from typing import Any

import pytest

from infra import families
from infra.families import FUNCTIONS, ROOT
from infra.settings import ATTEMPTS, ENVIRONMENTS
from sessions import accounts
from tests.infra.stacks import EVERY_STACK, Stack, Stacks, listed, of, text

every_stack = pytest.mark.parametrize(("environment", "family"), EVERY_STACK)


@every_stack
def test_every_function_of_a_family_is_there(stacks: Stacks, environment: str, family: str) -> None:
    stack, definition = of(stacks, environment, family)
    assert sorted(stack.functions()) == sorted(one.module for one in definition.functions)


@every_stack
def test_every_function_has_exactly_its_rights(stacks: Stacks, environment: str, family: str) -> None:
    stack, definition = of(stacks, environment, family)
    shared = f"session-apis-{environment}-accounts"
    arns = {
        accounts.TABLE: f"arn:AWS::Partition:dynamodb:AWS::Region:AWS::AccountId:table/{shared}",
        **{table: f"{_table(stack, table.name)}.Arn" for table in definition.tables},
    }
    for one in definition.functions:
        function = stack.functions()[one.module]
        rights = {
            (f"dynamodb:{action}", arns[right.table] + (f"/index/{right.index.name}" if right.index else ""))
            for right in one.rights
            for action in right.actions
        }
        log = f"{text(function['LoggingConfig']['LogGroup'])}.Arn"
        rights |= {("logs:CreateLogStream", log), ("logs:PutLogEvents", log)}
        rights |= {("xray:PutTraceSegments", "*"), ("xray:PutTelemetryRecords", "*")}
        if one is definition.recorder:
            events, dead = f"{stack.output('QueueUrl')}.Arn", f"{stack.output('DeadLetterQueueUrl')}.Arn"
            rights |= {(f"sqs:{action}", events) for action in ("ReceiveMessage", "DeleteMessage")}
            rights |= {("sqs:GetQueueAttributes", events), ("sqs:SendMessage", dead)}
        assert _allowed(stack, function) == rights, one.module


def test_a_role_allows_no_more_than_fits_into_one(stacks: Stacks) -> None:
    """IAM takes 10,240 characters of a role's own policies, blanks aside. Names are longer than references to them."""
    longer = 120
    for stack in stacks.values():
        for role in stack.resources("IAM::Role").values():
            policies = text(role["Properties"].get("Policies", []))
            resources = [
                one
                for policy in policies
                for found in policy["PolicyDocument"]["Statement"]
                for one in listed(found["Resource"])
            ]
            assert len(json.dumps(policies, separators=(",", ":"))) + longer * len(resources) < 10_240


def test_nothing_scans_and_nothing_is_allowed_by_a_wildcard(stacks: Stacks) -> None:
    statements = [
        statement
        for stack in stacks.values()
        for document in _documents(stack.template)
        for statement in document["Statement"]
        if statement["Effect"] == "Allow"
    ]
    actions = {action for statement in statements for action in listed(statement["Action"])}
    assert "dynamodb:GetItem" in actions
    assert [action for action in actions if "*" in action or action.endswith("Scan")] == []
    everywhere = {action for one in statements if one.get("Resource") == "*" for action in listed(one["Action"])}
    assert everywhere == {"xray:PutTraceSegments", "xray:PutTelemetryRecords", "cloudwatch:DescribeAlarms"}


def test_only_the_gateways_log_role_has_a_policy_of_aws(stacks: Stacks) -> None:
    principals = {
        (name, role["Properties"]["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]["Service"])
        for name, stack in stacks.items()
        for role in stack.resources("IAM::Role").values()
        if "ManagedPolicyArns" in role["Properties"]
    }
    assert principals == {
        (f"SessionApis-{environment}-accounts", "apigateway.amazonaws.com") for environment in ENVIRONMENTS
    }
    assert not any(stack.resources("IAM::Policy") for stack in stacks.values())


@every_stack
def test_every_function_runs_and_logs_as_all_of_ours_do(stacks: Stacks, environment: str, family: str) -> None:
    stack, definition = of(stacks, environment, family)
    logs = []
    for one in definition.functions:
        function = stack.functions()[one.module]
        logs.append(text(function["LoggingConfig"]["LogGroup"]))
        seen = {name: function[name] for name in function.keys() - {"id", "Code", "Environment", "Layers", "Role"}}
        assert seen == {
            "Architectures": ["arm64"],
            "Handler": f"functions.{family}.{one.module}.handler",
            "LoggingConfig": {"LogFormat": "JSON", "ApplicationLogLevel": "INFO", "LogGroup": {"Ref": logs[-1]}},
            "MemorySize": one.memory,
            "Runtime": "python3.13",
            "Timeout": one.timeout,
            "TracingConfig": {"Mode": "Active"},
        }
    assert len(set(logs)) == len(logs)
    groups = stack.resources("Logs::LogGroup")
    assert set(logs) < set(groups)  # the one more is the gateway's
    assert {group["Properties"]["RetentionInDays"] for group in groups.values()} == {ENVIRONMENTS[environment].log_days}


@every_stack
def test_every_function_is_told_what_it_needs_and_no_more(stacks: Stacks, environment: str, family: str) -> None:
    stack, definition = of(stacks, environment, family)
    names = {accounts.TABLE: f"session-apis-{environment}-accounts"}
    names |= {table: _table(stack, table.name) for table in definition.tables}
    for one in definition.functions:
        expected = definition.variables() | {right.table.variable: names[right.table] for right in one.rights}
        if one is definition.recorder:
            expected[definition.dead_letter_variable] = stack.output("DeadLetterQueueUrl")
            expected["RECORDING_ATTEMPTS"] = str(ATTEMPTS)
        environment_of = stack.functions()[one.module].get("Environment", {"Variables": {}})
        assert text(environment_of["Variables"]) == expected, one.module


@every_stack
def test_a_function_carries_its_familys_modules_only(stacks: Stacks, environment: str, family: str) -> None:
    """Those that its handlers import, and those that these import: no test, no tool."""
    stack, definition = of(stacks, environment, family)
    modules: set[str] = set()
    found = {one.module for one in definition.functions}
    while found:
        modules |= found
        found = {other for one in found for other in imported_of(family, one)} - modules
    expected = {"functions/__init__.py", *(f"functions/{family}/{module}.py" for module in ("__init__", *modules))}
    for function in stack.functions().values():
        assert stack.files(function["Code"]) == expected


def imported_of(family: str, module: str) -> set[str]:
    """The family's modules that this one imports."""
    package = f"functions.{family}"
    nodes = ast.walk(ast.parse((FUNCTIONS / family / f"{module}.py").read_text()))
    imports = [node for node in nodes if isinstance(node, ast.ImportFrom) and node.module]
    of_package = {alias.name for node in imports if node.module == package for alias in node.names}
    return of_package | {
        str(node.module).removeprefix(f"{package}.") for node in imports if str(node.module).startswith(f"{package}.")
    }


@pytest.mark.parametrize("family", families.names())
def test_every_handler_is_found_in_the_code_it_carries(stacks: Stacks, family: str) -> None:
    stack, _ = of(stacks, "prod", family)
    functions = list(stack.functions().values())
    (code,) = {stack.asset(function["Code"]) for function in functions}
    modules = [function["Handler"].removesuffix(".handler") for function in functions]
    script = f"from importlib import import_module; [import_module(name).handler for name in {modules}]"
    path = os.pathsep.join([str(code), str(ROOT / "layers" / "sessions" / "python")])
    subprocess.run([sys.executable, "-c", script], cwd=code, env=os.environ | {"PYTHONPATH": path}, check=True)


def test_an_endpoint_and_its_authorizer_give_up_before_the_gateway_does() -> None:
    """API Gateway waits 29 seconds for each; see
    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html
    """
    for definition in map(families.load, families.names()):
        waited_for = [*definition.endpoints, *([definition.authorizer] if definition.authorizer else [])]
        assert max(one.timeout for one in waited_for) < 29


def _table(stack: Stack, name: str) -> str:
    """The logical id of the family's table of this name."""
    found: str = stack.output(f"{name.title().replace('-', '')}Table")
    return found


def _allowed(stack: Stack, function: dict[str, Any]) -> set[tuple[str, str]]:
    role = stack.resources("IAM::Role")[text(function["Role"]).removesuffix(".Arn")]["Properties"]
    assert "ManagedPolicyArns" not in role
    found = [statement for policy in role["Policies"] for statement in policy["PolicyDocument"]["Statement"]]
    assert {statement["Effect"] for statement in found} == {"Allow"}
    return {
        (action, text(resource))
        for statement in found
        for action in listed(statement["Action"])
        for resource in listed(statement["Resource"])
    }


def _documents(node: Any) -> list[dict[str, Any]]:
    """Every policy document in a template."""
    if isinstance(node, list):
        return [found for one in node for found in _documents(one)]
    if not isinstance(node, dict):
        return []
    if isinstance(node.get("Statement"), list):
        return [node]
    return [found for one in node.values() for found in _documents(one)]
