"""Exports as an operator types for them: to files and pipes, in three forms, and into another deployment."""

import csv
import json
import signal
import stat
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import boto3
import pyarrow.parquet  # type: ignore[import-untyped]
import pytest

from functions.widget import session
from infra.local.resources import Queue
from infra.operations import formats
from infra.operations.errors import INTERRUPTED
from infra.operations.main import main
from sessions import accounts, clock
from tests.answers import Client
from tests.exports import empty
from tests.operations.cloud import deploy
from tests.operations.commands import command
from tests.operations.conftest import Sessionctl
from tests.platform import Platform, eventually
from tests.widget.saves import record, saved

ACME = "acme"
ICCIDS = [f"898821671697000{number:04}" for number in range(6)]
DEMO = ("export", "store", "--account", "demo-retailer")


def demonstration(sessionctl: Sessionctl, path: Path, *options: str) -> Path:
    """All 600 sessions of the retailer, however long recording them takes."""

    def is_whole() -> bool:
        found: int = sessionctl(*DEMO, "--force", "--output", str(path), *options, "--json").json["sessions"]
        return found == 600

    eventually(is_whole, 120)
    return path


@pytest.fixture
def store_answers(platform: Platform, http: Client) -> list[dict[str, Any]]:
    """Every session of the demonstration's listing."""
    headers = {"Authorization": f"Bearer {platform.connection['store']['token']}"}
    found: list[dict[str, Any]] = []
    more: dict[str, Any] | None = {"count": 150}
    while more:
        query = "&".join(f"{name}={value}" for name, value in more.items())
        page = http.get(f"/api/admin/v2/sessions?orderBy=createdAt&{query}", headers).json
        found += page["data"]
        more = page["pagination"]["next"]
    return found


def times_of(answer: dict[str, Any]) -> dict[str, datetime]:
    return {
        name: datetime.fromisoformat(value)
        for name, value in answer.items()
        if name.endswith("At") and isinstance(value, str)
    }


def test_csv_and_parquet_say_what_the_api_says(
    in_process: Sessionctl, tmp_path: Path, store_answers: list[dict[str, Any]], platform: Platform, http: Client
) -> None:
    nested = ("metadata", "customer", "store")
    table = pyarrow.parquet.read_table(demonstration(in_process, tmp_path / "s.parquet", "--format", "parquet"))
    rows = {row["id"]: row for row in table.to_pylist()}
    answers = {answer["id"]: answer for answer in store_answers}
    assert len(rows) == 600
    for name, answer in answers.items():
        row = rows[name] | {column: json.loads(rows[name][column] or "null") for column in nested}
        assert row == answer | times_of(answer)
    types = {field.name: str(field.type) for field in table.schema}
    assert set(types.values()) == {"string", "int64", "bool", "timestamp[ms, tz=UTC]"}
    assert [types[name] for name in ("id", "createdAt", "visitors", "suspectedFraud")] == [
        "string",
        "timestamp[ms, tz=UTC]",
        "int64",
        "bool",
    ]

    with demonstration(in_process, tmp_path / "s.csv", "--format", "csv").open(newline="") as file:
        read = list(csv.DictReader(file, strict=True))
    assert list(read[0]) == table.column_names
    assert len(read) == 600
    for line in read:
        row = rows[line["id"]]
        assert line == {
            name: clock.milliseconds(value)
            if isinstance(value, datetime)
            else ""
            if value is None
            else str(value).lower()
            if isinstance(value, bool)
            else str(value)
            for name, value in row.items()
        }


def test_a_file_is_its_owners_alone_and_is_not_replaced_unasked(in_process: Sessionctl, tmp_path: Path) -> None:
    path = tmp_path / "claims.jsonl"
    wanted = ("export", "widget", "--account", "demo-insurer", "--output", str(path))
    first = in_process(*wanted, "--json").json
    assert first == {
        "family": "widget",
        "account": "demo-insurer",
        "output": str(path),
        "sessions": 2,
        "lines": 2,
        "bytes": path.stat().st_size,
        "seconds": first["seconds"],
    }
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_text("mine")
    refused = in_process(*wanted)
    assert (refused.status, refused.out, refused.err) == (1, "", f"{path} is there already; --force replaces it.\n")
    assert path.read_text() == "mine"
    link = tmp_path / "link"
    link.symlink_to(path)
    assert in_process(*wanted[:-1], str(link), "--force").status == 0
    assert link.is_symlink()
    assert path.stat().st_size == first["bytes"]
    assert sorted(one.name for one in tmp_path.iterdir()) == ["claims.jsonl", "link"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("missing/x.jsonl", "cannot be written: No such file or directory."),
        (".", "is no file. `--output -` is standard output."),
        ("/dev/null", "is no file. `--output -` is standard output."),
        ("x" * 300, "cannot be written: File name too long."),
    ],
)
def test_where_no_file_can_be_that_is_said(in_process: Sessionctl, tmp_path: Path, name: str, reason: str) -> None:
    path = tmp_path / name
    refused = in_process("export", "widget", "--account", "demo-insurer", "--output", str(path), "--force")
    assert (refused.status, refused.out, refused.err) == (1, "", f"{path} {reason}\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "status", "reason"),
    [
        (["widget"], 2, "Say whose sessions."),
        (["widget", "--account", "nobody"], 3, "widget has no account nobody.\n"),
        (["widget", "--account", "a\x1b"], 3, "widget has no account a\\x1b.\n"),
        (["knowledge", "--account", "x"], 2, "knowledge is open: it has no accounts."),
        (["store", "--account", "demo-retailer", "--with-ids"], 2, "This family's ids let nobody in"),
        (["store", "--account", "demo-retailer", "--format", "parquet"], 2, "Parquet needs a file."),
        (["store", "--account", "demo-retailer", "--for-spreadsheets"], 2, "This goes with --format csv."),
        (["store", "--account", "demo-retailer", "--since", "2026-01-01"], 2, "is not RFC 3339 with an offset"),
        (["store", "--account", "demo-retailer", "--until", "2026-01-01T00:00:00"], 2, "is not RFC 3339"),
        (
            ["store", "--account", "x", "--since", "2026-01-01T00:00:00Z", "--until", "2026-01-01T01:00:00+01:00"],
            2,
            "It is not before --until.",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(in_process: Sessionctl, arguments: list[str], status: int, reason: str) -> None:
    refused = in_process("export", *arguments)
    assert (refused.status, refused.out) == (status, "")
    assert reason in refused.err


def test_a_pipe_gets_nothing_but_the_lines(sessionctl: Sessionctl) -> None:
    piped = sessionctl("export", "widget", "--account", "demo-insurer", "--since", "2024-01-01T00:00:00Z", "--json")
    (line,) = piped.out.splitlines()
    assert json.loads(line)["data"]["session"]["reference"] == "LA-7QK0M3XW9C"
    counts = json.loads(piped.err)
    assert counts.pop("seconds") < 60
    assert counts == {
        "family": "widget",
        "account": "demo-insurer",
        "output": "-",
        "sessions": 1,
        "lines": 1,
        "bytes": len(piped.out.encode()),
    }
    assert piped.status == 0


def test_people_are_told_the_counts_in_words(sessionctl: Sessionctl) -> None:
    piped = sessionctl("export", "widget", "--account", "demo-insurer", "--since", "2024-01-01T00:00:00Z")
    assert "\nsessions  1\n" in piped.err


def test_a_pipe_that_is_closed_ends_it_quietly(
    platform: Platform, local: dict[str, str], in_process: Sessionctl, tmp_path: Path
) -> None:
    demonstration(in_process, tmp_path / "all.jsonl")
    with subprocess.Popen(command(*DEMO), env=local, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        assert running.wait(30) == 1
        assert b"Traceback" not in running.stderr.read()


def test_knowledges_ids_are_there_only_where_they_are_asked_for(in_process: Sessionctl, http: Client) -> None:
    made = http.put("/sessions/new").json
    without = in_process("export", "knowledge")
    assert made["sessionId"] not in without.out
    assert json.loads(without.out.splitlines()[0]).keys() == made.keys() - {"sessionId"}
    lines = in_process("export", "knowledge", "--with-ids").out.splitlines()
    assert made in [json.loads(line) for line in lines]


def test_ctrl_c_leaves_no_file(
    platform: Platform, local: dict[str, str], in_process: Sessionctl, tmp_path: Path
) -> None:
    demonstration(in_process, tmp_path / "all.jsonl")
    folder = tmp_path / "folder"
    folder.mkdir()
    typed = command(*DEMO, "--output", str(folder / "out.jsonl"))
    for _ in range(5):
        with subprocess.Popen(typed, env=local, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
            eventually(lambda: list(folder.iterdir()), 20)
            running.send_signal(signal.SIGINT)
            out, err = running.communicate(timeout=20)
        if running.returncode != 0:
            break
        (folder / "out.jsonl").unlink()  # it was done before the signal came
    assert (running.returncode, out) == (INTERRUPTED, "")
    assert "Traceback" not in err
    assert list(folder.iterdir()) == []


def test_without_pyarrow_parquet_is_refused_before_anything_is_written(
    in_process: Sessionctl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    path = str(tmp_path / "x.parquet")
    refused = in_process("export", "widget", "--account", "demo-insurer", "--format", "parquet", "--output", path)
    assert (refused.status, refused.out) == (1, "")
    assert refused.err.startswith("Parquet needs the package pyarrow")
    assert list(tmp_path.iterdir()) == []


def test_a_deployment_in_the_cloud_is_exported_too(
    aws: dict[str, Queue], capfdbinary: pytest.CaptureFixture[bytes], tmp_path: Path
) -> None:
    deploy("prod", aws)
    accounts.create_account("widget", ACME, now=clock.now())
    text = '=1+1 "x", \r\nü'
    record(saved(client=ACME, camsReference=text, user="@x"), saved("LA-2", client=ACME, camsReference=""))
    wanted = ["export", "widget", "--account", ACME, "--environment", "prod", "--format", "csv"]
    written = []
    for name, options in (("plain", []), ("safe", ["--for-spreadsheets"])):
        path = tmp_path / name
        assert main([*wanted, "--output", str(path), *options]) == 0
        written.append(path.read_bytes().decode())
    plain, safe = written
    assert plain == (
        "userId,reference,date,camsReference,status,createdAt,selectedPolicy\r\n"
        '"ana","LA-2",2023-11-27T14:52:00.000Z,"","submitted",2023-11-27T14:52:00.000Z,\r\n'
        '"@x","LA-PE2VZ7RJD4",2023-11-27T14:52:00.000Z,"=1+1 ""x"", \r\nü","submitted",2023-11-27T14:52:00.000Z,\r\n'
    )
    assert safe == plain.replace('"=1', "\"'=1").replace('"@x', "\"'@x")


def test_what_fails_on_the_way_leaves_no_file(
    aws: dict[str, Queue], capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy("dev", aws)
    accounts.create_account("widget", ACME, now=clock.now())
    record(saved(client=ACME))
    wanted = ["export", "widget", "--account", ACME, "--output", str(tmp_path / "x")]

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(formats.JsonLines, "write", full)
        assert main(wanted) == 1
    assert capsys.readouterr().err == f"{tmp_path / 'x'} cannot be written: No space left on device.\n"
    assert list(tmp_path.iterdir()) == []

    empty(session.TABLE)
    boto3.client("dynamodb").delete_table(TableName=session.TABLE.physical_name)
    assert main(wanted) == 1
    assert "ResourceNotFoundException" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
