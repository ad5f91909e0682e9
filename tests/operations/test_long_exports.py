"""Exports of many sessions: all of them, in the memory that a page takes."""

import json
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import boto3
import pyarrow.parquet  # type: ignore[import-untyped]
import pytest

from infra.local.resources import Queue
from infra.operations import formats
from infra.operations.main import main
from sessions import accounts, clock, dynamodb
from sessions.attributes import encoded
from tests.operations.cloud import deploy
from tests.operations.conftest import Sessionctl
from tests.platform import Platform

ACME = "acme"

_PEAK = """
import sys
from pathlib import Path
from infra.operations.main import main

status = main(sys.argv[1:])
(peak,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
print(peak, file=sys.stderr)
sys.exit(status)
"""


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
def test_a_long_export_holds_a_page_at_a_time(
    aws: dict[str, Queue],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    form: str,
) -> None:
    """30 MB of sessions, in pages of a megabyte."""
    deploy("dev", aws)
    accounts.create_account("widget", ACME, now=clock.now())
    pages = iter([True] * 29 + [False])

    def page(*_: Any, **options: Any) -> Any:
        return [item(number) for number in range(200)], {"more": "yes"} if next(pages) else None

    monkeypatch.setattr(dynamodb, "query", page)
    monkeypatch.setattr(formats, "_GROUP_BYTES", 1_000_000)
    path = tmp_path / "x"
    wanted = ["export", "widget", "--account", ACME, "--format", form, "--output", str(path), "--json"]
    if form == "parquet":
        formats._pyarrow("pyarrow.parquet")
    tracemalloc.start()
    try:
        assert main(wanted) == 0
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert json.loads(capsys.readouterr().out)["sessions"] == 6_000
    assert most < 6_000_000
    if form == "parquet":
        assert pyarrow.parquet.ParquetFile(path).metadata.num_row_groups > 20
    else:
        assert path.stat().st_size > 30_000_000


@pytest.mark.skipif(sys.platform != "linux", reason="tells a process's peak elsewhere")
def test_5000_sessions_of_the_platform_are_exported_in_the_memory_that_two_take(
    platform: Platform, local: dict[str, str], sessionctl: Sessionctl, tmp_path: Path
) -> None:
    """25 MB, by the processes' peaks."""
    sessionctl("account", "create", "widget", "many")
    client: Any = boto3.Session("local", "local", region_name=platform.connection["region"]).client(
        "dynamodb", endpoint_url=platform.connection["aws_endpoint_url"]
    )
    for first in range(0, 5_000, 25):
        puts = [{"PutRequest": {"Item": encoded(item(number))}} for number in range(first, first + 25)]
        client.batch_write_item(RequestItems={"widget-sessions": puts})
    client.close()

    def peak(account: str) -> int:
        """Bytes: the kernel's own count, as that of a process's resources begins with its parent's."""
        typed = ["export", "widget", "--account", account, "--output", str(tmp_path / account), "--json"]
        done = subprocess.run(
            [sys.executable, "-c", _PEAK, *typed], env=local, capture_output=True, text=True, timeout=120, check=True
        )
        return int(done.stderr.split()[-2]) * 1024

    few = peak("demo-insurer")
    assert peak("many") - few < 12_000_000
    with (tmp_path / "many").open() as file:
        found = [json.loads(line)["data"]["session"]["reference"] for line in file]
    assert found == [f"LA-{number:05}" for number in range(5_000)]


def item(number: int) -> dict[str, str]:
    reference = f"LA-{number:05}"
    times = dict.fromkeys(("date", "createdAt"), "2023-11-27T14:52")
    members = {"camsReference": "x" * 5_000, "status": "submitted", "selectedPolicy": None}
    return {
        "client": "many",
        "reference": reference,
        "user": "4:manyana",
        "order": f"{number:010}{reference}",
        "body": json.dumps({"reference": reference} | times | members),
        "version": "2026-01-02T03:04:05.000000Z\ne1\n/test",
    }
