"""The local platform's families, once there is an AWS for them: how to reach them, and what serves them."""

import gc
import json
import os
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import fields, replace
from pathlib import Path
from socket import socket
from threading import Event

import uvicorn

from infra import families
from infra.local import console, demonstration, resources
from infra.local.authorizers import ApiKeys
from infra.local.aws import EmbeddedAws, StartError
from infra.local.demonstration import Access
from infra.local.functions import load
from infra.local.gateway import Api, Gateway
from infra.local.platform import connection_file, number
from infra.local.protocol import Protocol
from infra.local.queues import Poller
from sessions import clock, endpoint
from sessions.deployment import Family


def run(listening: socket, aws: EmbeddedAws, told_to_stop: Event) -> None:
    """All families behind the gateway, until it is told to stop. `StartError` where that cannot be."""
    console.start()
    with ExitStack() as stack:
        base_url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        found = [_as_the_shell_says(families.load(name)) for name in families.names()]
        for family in found:
            os.environ |= family.variables()
        resources.know_services()
        aws.wait()
        apis: list[Api] = []
        access: dict[str, Access] = {}
        recording: list[Future[None]] = []
        background, stopping = stack.enter_context(ThreadPoolExecutor(2)), Event()
        stack.callback(stopping.set)
        # What takes longest goes on beside the rest.
        plans = {one.name: background.submit(resources.create_usage_plan, one) for one in found if one.has_api_keys}
        tables = background.submit(resources.create_tables, found)
        for family in found:
            for function in family.functions:
                load(family.name, function.module)
        tables.result()
        for family in found:
            queue = ready = None
            if family.recorder is not None:
                queue, recorder = resources.create_queue(family), load(family.name, family.recorder.module)
                poller = Poller(f"{family.name}-events", queue, recorder)
                poller.start()
                stack.callback(poller.stop)
                ready = background.submit(demonstration.record, family.name, queue, recorder, stopping)
                recording.append(ready)
            plan = plans[family.name].result() if family.has_api_keys else None
            access[family.name] = demonstration.prepare(family, queue, plan, base_url, clock.now())
            apis.append(
                Api(
                    family,
                    api_keys=ApiKeys(plan) if plan else None,
                    rate=number("RATE_LIMIT"),
                    cache_seconds=number("AUTHORIZER_CACHE_SECONDS"),
                    ready=ready,
                )
            )
        endpoint.settle()
        gc.freeze()  # what is loaded stays
        gc.enable()
        gateway = Gateway(apis)
        stack.callback(gateway.close)
        connection = {"base_url": base_url, "aws_endpoint_url": aws.url, "region": os.environ["AWS_DEFAULT_REGION"]}
        server = _Server(gateway, connection, access)
        for one in recording:
            one.add_done_callback(server.stop_on_failure)
        if told_to_stop.is_set():
            return
        server.run(sockets=[listening])
        for one in recording:
            one.result()


class _Server(uvicorn.Server):
    """A web server that says when it is ready, and keeps `connection.json` as long as it is."""

    def __init__(self, gateway: Gateway, connection: dict[str, str], access: dict[str, Access]) -> None:
        super().__init__(
            uvicorn.Config(
                gateway,
                lifespan="off",
                http=Protocol,
                ws="none",
                log_config=None,
                server_header=False,
                proxy_headers=False,  # API Gateway knows the caller by the connection, not by what it claims
                timeout_graceful_shutdown=5,
            )
        )
        self._connection = connection
        self._access = access
        self._file = connection_file()

    def stop_on_failure(self, done: "Future[None]") -> None:
        """Where the demonstration data cannot be had, the platform is not what it says."""
        self.should_exit = self.should_exit or done.exception() is not None

    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self._file.parent.mkdir(parents=True, exist_ok=True)
        known = self._connection | {name: access.connection for name, access in self._access.items()}
        partial = self._file.with_suffix(".partial")
        partial.write_text(json.dumps(known, indent=2) + "\n")
        partial.replace(self._file)  # whoever sees it, sees all of it
        print(_welcome(self._connection, self._access, self._file), flush=True)

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        self._file.unlink(missing_ok=True)
        await super().shutdown(sockets=sockets)


def _welcome(connection: dict[str, str], access: dict[str, Access], file: Path) -> str:
    lines = [
        f"Session APIs at {connection['base_url']}, AWS at {connection['aws_endpoint_url']}. Ctrl-C stops both.",
        f"For tools: {file}",
    ]
    for name, given in access.items():
        lines += ["", name]
        lines += [f"  {key}: {value}" for key, value in given.connection.items()]
        lines += [f"  {command}" for command in given.curl]
    return "\n".join(lines)


def _as_the_shell_says(family: Family) -> Family:
    """The family with those of its settings that stand in the environment: `KNOWLEDGE_SESSION_SECONDS=5 make run`."""
    usual = family.local_settings or family.settings
    if usual is None:
        return family
    changed: dict[str, object] = {}
    given: list[str] = []
    for setting in fields(usual):  # type: ignore[arg-type]
        variable = f"{family.name}_{setting.name}".upper()
        said = os.environ.get(variable)
        default = getattr(usual, setting.name)
        if said is None:
            continue
        given.append(f"{variable}={said}")
        if isinstance(default, bool):
            changed[setting.name] = said == "true"
        elif isinstance(default, int):
            changed[setting.name] = int(number(variable) or 0)
        else:
            changed[setting.name] = tuple(said.split(","))
    try:
        return replace(family, settings=replace(usual, **changed))  # type: ignore[type-var]
    except ValueError as error:  # the settings have rules of their own
        raise StartError(f"{', '.join(given)}: {error}") from None
