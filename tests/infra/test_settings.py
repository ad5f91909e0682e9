"""What an environment may be told, and what becomes of it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App
from pydantic import ValidationError

from infra import families
from infra.accounts_stack import AccountsStack
from infra.family_stack import FamilyStack
from infra.settings import DEV, PROD, Domain, Environment
from tests.infra.stacks import Stack, Stacks, of, text

CERTIFICATE = "arn:aws:acm:eu-west-1:111122223333:certificate/0"
COUNTED = [
    "NoUserAgent_HEADER",
    "RestrictedExtensions_URIPATH",
    "RestrictedExtensions_QUERYARGUMENTS",
    "SizeRestrictions_URIPATH",
    "SizeRestrictions_QUERYSTRING",
    "SizeRestrictions_BODY",
]


def synthesized(folder: Path, environment: Environment, family: str) -> Stack:
    app = App(outdir=str(folder), context={"aws:cdk:bundling-stacks": []})
    stack = FamilyStack(app, family, environment=environment, accounts=AccountsStack(app, environment=environment))
    return Stack(folder, app.synth().get_stack_by_name(stack.stack_name).template)


@pytest.mark.parametrize("name", ["", "a b", "eu-1", "a_b", "a/b", "ä"])
def test_an_environment_is_named_by_letters_and_digits(name: str) -> None:
    with pytest.raises(ValueError, match="letters and digits"):
        replace(DEV, name=name)


def test_a_setting_that_a_family_does_not_have_is_refused() -> None:
    with pytest.raises(TypeError, match="session_minutes"):
        families.load("knowledge", session_minutes=1)
    with pytest.raises(TypeError):
        families.load("widget", session_seconds=1)


@pytest.mark.parametrize("wrong", [{"session_seconds": "soon"}, {"response_wrapped": "maybe"}, {"allowed_origins": 1}])
def test_a_setting_of_another_type_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        families.load("knowledge", **wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"session_seconds": 0},
        {"allowed_origins": ()},
        {"allowed_origins": ("example.com",)},
        {"allowed_origins": ("https://a.example, https://b.example",)},
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        families.load("knowledge", **wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"log_days": 14},
        {"rate_limit": 0},
        {"burst_limit": -1},
        {"client_rate_limit": 0},
        {"client_burst_limit": 0},
        {"retry_seconds": 0},
        {"concurrency": 0},
        {"requests_per_address": 9},
        {"alarm_address": ""},
        {"alarm_address": "nobody"},
        {"domains": {"devices": Domain("devices.example.com", CERTIFICATE)}},
        {"family_settings": {"knowledg": {}}},
    ],
)
def test_an_environment_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        replace(DEV, **wrong)


@pytest.mark.parametrize(
    ("name", "certificate"), [("not a name", CERTIFICATE), ("Devices.example.com", CERTIFICATE), ("a.example", "mine")]
)
def test_a_domain_is_a_name_and_a_certificate(name: str, certificate: str) -> None:
    with pytest.raises(ValueError, match=r"domain|certificate_arn"):
        Domain(name, certificate)


def test_an_environment_of_ones_own_has_a_familys_settings(tmp_path: Path) -> None:
    settings = {"session_seconds": 60, "response_wrapped": True, "allowed_origins": ("https://example.com",)}
    own = replace(PROD, name="staging", family_settings={"knowledge": settings})
    stack = synthesized(tmp_path, own, "knowledge")
    for function in stack.functions().values():
        told = function["Environment"]["Variables"]
        assert told["KNOWLEDGE_SESSION_SECONDS"] == "60"
        assert told["KNOWLEDGE_RESPONSE_WRAPPED"] == "true"
        assert told["KNOWLEDGE_ALLOWED_ORIGINS"] == "https://example.com"


@pytest.mark.parametrize("family", families.names())
def test_prod_has_a_firewall_that_only_counts_what_contracts_allow(stacks: Stacks, family: str) -> None:
    stack, _ = of(stacks, "prod", family)
    (acl,) = stack.resources("WAFv2::WebACL")
    (stage,) = stack.resources("ApiGateway::Stage")
    (api,) = stack.resources("ApiGateway::RestApi")
    assert text(stack.properties("WAFv2::WebACLAssociation")) == {
        "ResourceArn": f"arn:AWS::Partition:apigateway:AWS::Region::/restapis/{api}/stages/{stage}",
        "WebACLArn": f"{acl}.Arn",
    }
    properties = stack.properties("WAFv2::WebACL")
    assert (properties["Scope"], properties["DefaultAction"]) == ("REGIONAL", {"Allow": {}})
    rate, common, bad = properties["Rules"]
    assert (rate["Priority"], rate["Action"]) == (0, {"Block": {}})
    assert rate["Statement"]["RateBasedStatement"] == {
        "Limit": 60_000,
        "AggregateKeyType": "IP",
        "EvaluationWindowSec": 300,
    }
    assert common["Statement"]["ManagedRuleGroupStatement"] == {
        "VendorName": "AWS",
        "Name": "AWSManagedRulesCommonRuleSet",
        "RuleActionOverrides": [{"Name": name, "ActionToUse": {"Count": {}}} for name in COUNTED],
    }
    assert bad["Statement"]["ManagedRuleGroupStatement"] == {
        "VendorName": "AWS",
        "Name": "AWSManagedRulesKnownBadInputsRuleSet",
    }
    assert [one["OverrideAction"] for one in (common, bad)] == [{"None": {}}, {"None": {}}]
    seen = [properties["VisibilityConfig"], *(rule["VisibilityConfig"] for rule in properties["Rules"])]
    assert {one["SampledRequestsEnabled"] for one in seen} == {False}


def test_dev_has_no_firewall(stacks: Stacks) -> None:
    for family in families.names():
        assert of(stacks, "dev", family)[0].resources("WAFv2::WebACL") == {}


def test_an_api_with_a_domain_answers_there_and_nowhere_else(tmp_path: Path) -> None:
    own = replace(DEV, domains={"device": Domain("devices.example.com", CERTIFICATE)})
    stack = synthesized(tmp_path, own, "device")
    (api,) = stack.resources("ApiGateway::RestApi")
    (stage,) = stack.resources("ApiGateway::Stage")
    (domain,) = stack.resources("ApiGateway::DomainName")
    assert stack.properties("ApiGateway::DomainName") == {
        "DomainName": "devices.example.com",
        "RegionalCertificateArn": CERTIFICATE,
        "EndpointConfiguration": {"Types": ["REGIONAL"]},
        "SecurityPolicy": "SecurityPolicy_TLS13_1_2_PQ_2025_09",
        "EndpointAccessMode": "STRICT",
    }
    assert text(stack.properties("ApiGateway::BasePathMapping")) == {
        "DomainName": domain,
        "RestApiId": api,
        "Stage": stage,
    }
    assert stack.output("ApiUrl") == "https://devices.example.com/"
    assert stack.output("DomainTarget") == f"{domain}.RegionalDomainName"
    rest_api = stack.properties("ApiGateway::RestApi")
    assert rest_api["DisableExecuteApiEndpoint"] is True
    assert rest_api["Body"]["x-amazon-apigateway-endpoint-configuration"] == {"disableExecuteApiEndpoint": True}
    assert synthesized(tmp_path / "other", own, "widget").resources("ApiGateway::DomainName") == {}
