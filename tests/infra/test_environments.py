"""An operator's own settings: what a file may say of the environments, and what it may not."""

from dataclasses import replace
from pathlib import Path

import pytest

from infra import environments
from infra.settings import DEV, ENVIRONMENTS, PROD, Domain, Runtime

CERTIFICATE = "arn:aws:acm:eu-west-1:111122223333:certificate/0"
WHOLE = f"""
[prod]
alarm_address = "operators@example.com"
concurrency = 3000
domains.widget = {{ name = "sessions.example.com", certificate_arn = "{CERTIFICATE}" }}
runtime = {{ python = "3.12" }}

[prod.family_settings.knowledge]
session_seconds = 60
allowed_origins = ["https://a.example", "https://b.example"]

[staging]
like = "prod"
keeps_data = false
"""


def written(folder: Path, text: str) -> Path:
    file = folder / "deployment.toml"
    file.write_text(text)
    return file


def test_without_a_file_the_environments_are_those_of_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DEPLOYMENT_SETTINGS", raising=False)
    assert environments.load(tmp_path / "deployment.toml") == ENVIRONMENTS


def test_a_file_changes_environments_and_adds_others(tmp_path: Path) -> None:
    knowledge = {"session_seconds": 60, "allowed_origins": ["https://a.example", "https://b.example"]}
    assert environments.load(written(tmp_path, WHOLE)) == {
        "dev": DEV,
        "prod": replace(
            PROD,
            alarm_address="operators@example.com",
            concurrency=3000,
            domains={"widget": Domain("sessions.example.com", CERTIFICATE)},
            runtime=Runtime(python="3.12"),
            family_settings={"knowledge": knowledge},
        ),
        "staging": replace(PROD, name="staging", keeps_data=False),
    }


def test_a_variable_names_another_file_which_must_be_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPLOYMENT_SETTINGS", str(written(tmp_path, "[dev]\nlog_days = 30")))
    assert environments.load()["dev"] == replace(DEV, log_days=30)
    monkeypatch.setenv("DEPLOYMENT_SETTINGS", str(tmp_path / "elsewhere.toml"))
    with pytest.raises(environments.SettingsError, match=r"elsewhere\.toml cannot be read"):
        environments.load()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[prod", "cannot be read: "),
        ('alarm_address = "a@b"', "alarm_address stands outside of any environment; begin one by a line like [prod]"),
        ("[prod]\ncolour = 1", "prod.colour: Unexpected keyword argument"),
        ('[prod]\nconcurrency = "3000"', "prod.concurrency: Input should be a valid integer"),
        ("[prod]\nhas_firewall = 1", "prod.has_firewall: Input should be a valid boolean"),
        ("[prod]\nlog_days = 31", "prod.log_days: Input should be 7, 30, 90 or 365"),
        ("[prod]\nalarm_address = 2026-01-01", "prod: Value error, alarm_address '2026-01-01' is not a mail address"),
        ("[prod]\nrate_limit = 0", "prod: Value error, rate_limit must be at least 1"),
        ('[prod]\nname = "other"', "prod.name is what stands in brackets"),
        ('[prod]\nlike = "dev"', "prod is there already, and like no other"),
        ("[staging]", "staging needs like, one of dev, prod"),
        ('[staging]\nlike = "moon"', "staging.like must be one of dev, prod"),
        ('["a b"]\nlike = "dev"', "a b: Value error, 'a b' cannot name stacks and stages"),
        ("[prod.domains.widgets]\n", "prod.domains.widgets.name: Field required"),
        ('[prod.domains.widget]\nname = "a.example"\ncertificate_arn = "x"', "prod.domains.widget: Value error"),
        ("[prod.domains.widget]\nport = 1", "prod.domains.widget.port: Unexpected keyword argument"),
        ("[prod.family_settings.widgets]", "prod: Value error, family_settings has widgets"),
        (
            "[prod.family_settings.knowledge]\nsession_minutes = 1",
            "prod.family_settings.knowledge: knowledge has no setting session_minutes",
        ),
        (
            "[prod.family_settings.store]\nshards = 17",
            "prod.family_settings.store: Value error, shards must be from 1 to 16",
        ),
        ('[prod.family_settings.store]\nshards = "many"', "prod.family_settings.store.shards: Input should be"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(tmp_path: Path, text: str, told: str) -> None:
    file = written(tmp_path, text)
    with pytest.raises(environments.SettingsError) as refused:
        environments.load(file)
    assert str(file) in str(refused.value)
    assert told in str(refused.value)
