"""The `aws` command line, as far as the commands of our pages go: `python tests/apis/aws.py <service> <operation> …`.

What the options mean is what AWS's own description of its APIs says: options that there are not are refused, and so are
missing ones.
"""

import json
import sys
from typing import Any

import boto3
import jmespath  # type: ignore[import-untyped]
from botocore import xform_name
from botocore.model import Shape

_OUR_OPTIONS = ("query", "output")


def main(service: str, operation: str, *words: str) -> None:
    """Prints what the command line of AWS prints."""
    client = boto3.client(service)  # type: ignore[call-overload]
    if operation == "wait":
        waiter, *words_left = words
        waiting = client.get_waiter(waiter.replace("-", "_"))
        given = _options(words_left)
        waiting.wait(**_request(client, waiting.config.operation, given))
        return
    given = _options(words)
    ours = {name: given.pop(name)[0] for name in _OUR_OPTIONS if name in given}
    name = next(one for one in client.meta.service_model.operation_names if xform_name(one, "-") == operation)
    answer = getattr(client, xform_name(name))(**_request(client, name, given))
    answer.pop("ResponseMetadata")
    found = jmespath.search(ours["query"], answer) if "query" in ours else answer
    print(_text(found) if ours.get("output") == "text" else json.dumps(found, indent=4, default=str))


def _options(words: Any) -> dict[str, list[str]]:
    """What follows each option."""
    found: dict[str, list[str]] = {}
    for word in words:
        if word.startswith("--"):
            values = found.setdefault(word.removeprefix("--"), [])
        else:
            values.append(word)
    return found


def _request(client: Any, operation: str, given: dict[str, list[str]]) -> dict[str, Any]:
    members = client.meta.service_model.operation_model(operation).input_shape.members
    by_option = {xform_name(name, "-"): name for name in members}
    request = {}
    for option, values in given.items():
        if option not in by_option and option.startswith("no-"):
            request[by_option[option.removeprefix("no-")]] = False
        else:
            request[by_option[option]] = _value(members[by_option[option]], values)
    return request


def _value(shape: Shape, values: list[str]) -> Any:
    if shape.type_name == "list":
        return values
    if shape.type_name == "structure":
        pairs = (pair.split("=") for pair in values[0].split(","))
        return {name: value == "true" if value in ("true", "false") else value for name, value in pairs}
    return values[0] if values else True


def _text(found: Any) -> str:
    return "\t".join(map(_text, found)) if isinstance(found, list) else str(found)


if __name__ == "__main__":
    main(*sys.argv[1:])
