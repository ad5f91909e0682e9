"""How the platform starts, what it says, and how it ends."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from infra.families import ROOT
from tests.answers import Client
from tests.platform import LONGEST_START, LONGEST_STOP, Platform, eventually, is_free

DOCUMENTED = {
    "widget": {"client_id", "api_key", "queue_url"},
    "device": {"account_id", "username", "api_key", "queue_url", "dead_letter_queue_url"},
    "knowledge": set[str](),
    "store": {"account_id", "token", "queue_url", "dead_letter_queue_url"},
}


def test_make_run_is_what_these_tests_start() -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    printed = subprocess.run(
        ["make", "--dry-run", "run"], cwd=ROOT, env=kept, capture_output=True, text=True, check=True
    )
    command = printed.stdout.splitlines()[-1]
    assert command.startswith("exec ")
    assert command.endswith("/python -m infra.local")


def test_connection_json_says_what_tools_need(platform: Platform) -> None:
    known = platform.connection
    assert set(known) == {"base_url", "aws_endpoint_url", "region", *DOCUMENTED}
    assert known["base_url"] == f"http://127.0.0.1:{platform.port}"
    assert known["aws_endpoint_url"] == f"http://127.0.0.1:{platform.aws_port}"
    for family, members in DOCUMENTED.items():
        assert set(known[family]) >= members
        assert all(isinstance(value, str) and value for value in known[family].values())
    assert known["widget"]["client_id"] == "demo-insurer"
    assert known["device"]["account_id"] == "demo-fleet"
    assert known["store"]["account_id"] == "demo-retailer"
    assert [path.name for path in platform.folder.iterdir() if path.name not in ("out", "err")] == ["connection.json"]


def test_it_says_where_it_is(platform: Platform) -> None:
    known = platform.connection
    assert known["base_url"] in platform.out
    assert known["aws_endpoint_url"] in platform.out
    assert str(platform.connection_file) in platform.out
    for secret in (known["widget"]["api_key"], known["device"]["api_key"], known["store"]["token"]):
        assert secret in platform.out


def test_it_listens_on_loopback_alone(platform: Platform) -> None:
    for port in (platform.port, platform.aws_port):
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
        for address in ("127.0.0.2", "::1", *_addresses()):
            with pytest.raises(OSError):
                socket.create_connection((address, port), timeout=5).close()


def _addresses() -> set[str]:
    """The machine's own addresses, as far as its name tells."""
    try:
        found = {str(one[4][0]) for one in socket.getaddrinfo(socket.gethostname(), None)}
    except OSError:
        return set()
    return {address for address in found if address != "127.0.0.1"}


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
def test_it_is_quiet_and_leaves_nothing_behind(tmp_path: Path, by: signal.Signals) -> None:
    running = Platform(tmp_path)
    try:
        running.start()
        running.wait()
        with Client(running.base_url) as http:
            assert http.put("/sessions/new").status == 200
            if by is signal.SIGINT:
                os.killpg(running.running.pid, by)  # as Ctrl-C in a terminal, which every process of it gets
                assert running.end() == 0
                running.assert_gone()
            else:
                running.stop(by)
        assert running.err == ""
    finally:
        running.kill()


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("after", [0.4, 0.7, 1.0, 1.4, 1.8])
def test_it_can_be_stopped_while_it_starts(tmp_path: Path, by: signal.Signals, after: float) -> None:
    starting = Platform(tmp_path)
    try:
        starting.start()
        with pytest.raises(subprocess.TimeoutExpired):
            starting.running.wait(after)
        os.killpg(starting.running.pid, by)
        assert starting.end() in (0, -by)
        assert starting.err == ""
        eventually(lambda: is_free(starting.aws_port))
        starting.assert_gone()
    finally:
        starting.kill()


_LOSING = """
import os, signal, sys
from infra.local import platform, resources
create = resources.create_tables
def losing(families):
    try:
        os.kill(os.getpid(), signal.{by})
    except BaseException:
        pass
    create(families)
resources.create_tables = losing
sys.exit(platform.main())
"""


@pytest.mark.parametrize("by", ["SIGINT", "SIGTERM"])
def test_it_is_stopped_also_where_python_loses_the_exception(tmp_path: Path, by: str) -> None:
    """As it does where one is raised while it tidies up after an import."""
    there = Platform(tmp_path)
    ports = {"PORT": str(there.port), "AWS_PORT": str(there.aws_port), "LOCAL_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", _LOSING.format(by=by)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": ".:layers/sessions/python"} | ports,
        capture_output=True,
        timeout=LONGEST_START + LONGEST_STOP,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    eventually(lambda: is_free(there.aws_port))


def test_it_can_be_stopped_once_it_has_its_ports(tmp_path: Path) -> None:
    starting = Platform(tmp_path)
    try:
        starting.start()
        eventually(lambda: not is_free(starting.aws_port), LONGEST_START)
        starting.stop()
        assert starting.err == ""
    finally:
        starting.kill()


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_it_can_be_stopped_while_it_records_the_demonstration_data(tmp_path: Path, by: signal.Signals) -> None:
    starting = Platform(tmp_path)
    try:
        starting.start()
        starting.wait()  # it listens, and records in the background
        began = time.monotonic()
        starting.stop(by)
        assert time.monotonic() - began < 5
        assert starting.err == ""
    finally:
        starting.kill()


def test_a_call_waits_for_the_demonstration_data(tmp_path: Path) -> None:
    with Platform(tmp_path) as running, Client(running.base_url) as http:
        token = {"Authorization": f"Bearer {running.connection['store']['token']}"}
        answer = http.get("/api/admin/v2/sessions?count=1&direction=desc", token)
        assert [one["id"] for one in answer.json["data"]] == ["5600"]
        assert answer.json["data"][0]["customer"]


def test_a_killed_platform_leaves_no_aws_and_its_successor_believes_nothing_of_it(tmp_path: Path) -> None:
    killed = Platform(tmp_path)
    successor = Platform(tmp_path)
    try:
        killed.start()
        killed.wait()
        old = killed.connection_file.read_text()
        killed.running.kill()
        killed.running.wait(LONGEST_STOP)
        eventually(lambda: is_free(killed.aws_port))
        assert is_free(killed.port)

        successor.start()
        eventually(lambda: not is_free(successor.aws_port), LONGEST_START)
        assert not successor.connection_file.exists() or successor.connection_file.read_text() != old
        successor.wait()
        assert successor.base_url == f"http://127.0.0.1:{successor.port}"
        successor.stop()
    finally:
        killed.kill()
        successor.kill()


@pytest.mark.parametrize("variable", ["PORT", "AWS_PORT"])
def test_a_taken_port_is_said_in_one_line(platform: Platform, variable: str) -> None:
    """The other one's `connection.json` stays, even in the same folder."""
    taken = str(platform.port if variable == "PORT" else platform.aws_port)
    second = Platform(platform.folder / "second", **{variable: taken, "LOCAL_DIR": str(platform.folder)})
    try:
        second.start()
        assert second.end() == 1
        assert second.err.splitlines() == [
            f"Port {taken} cannot be used (Address already in use). Choose another: {variable}=<port>"
        ]
        assert second.out == ""
        assert platform.connection_file.exists()
        with Client(platform.base_url) as http:
            assert http.put("/sessions/new").status == 200
    finally:
        second.kill()
        for name in ("out", "err"):
            (second.folder / name).unlink()
        second.folder.rmdir()


@pytest.mark.parametrize("variable", ["PORT", "AWS_PORT", "RATE_LIMIT", "KNOWLEDGE_SESSION_SECONDS", "STORE_SHARDS"])
def test_a_setting_that_is_no_number_is_said_in_one_line(tmp_path: Path, variable: str) -> None:
    wrong = Platform(tmp_path, **{variable: "inf" if variable == "STORE_SHARDS" else "many"})
    try:
        wrong.start()
        assert wrong.end() == 1
        assert wrong.err.splitlines() == [f"{variable} must be a number"]
        wrong.assert_gone()
    finally:
        wrong.kill()


@pytest.mark.parametrize("shards", ["0", "-1", "100"])
def test_a_setting_that_the_family_refuses_is_said_in_one_line(tmp_path: Path, shards: str) -> None:
    wrong = Platform(tmp_path, STORE_SHARDS=shards)
    try:
        wrong.start()
        assert wrong.end() == 1
        assert wrong.err.splitlines() == [f"STORE_SHARDS={shards}: shards must be from 1 to 16"]
        wrong.assert_gone()
    finally:
        wrong.kill()


@pytest.mark.parametrize(
    "line", [b"FOO / HTTP/1.1", b"GET /\xff HTTP/1.1", b"GET", b"\x16\x03\x01", b"GET /" + b"a" * 70_000 + b" HTTP/1.1"]
)
def test_what_is_no_http_request_is_refused_in_json(platform: Platform, line: bytes) -> None:
    with socket.create_connection(("127.0.0.1", platform.port), timeout=10) as caller:
        caller.sendall(line + b"\r\nHost: local\r\n\r\n")
        with caller.makefile("rb") as answer:
            head, _, body = answer.read().partition(b"\r\n\r\n")
    assert head.splitlines()[0] == b"HTTP/1.1 400 Bad Request"
    assert b"Content-Type: application/json" in head.splitlines()
    assert json.loads(body) == {"message": "Bad request"}
