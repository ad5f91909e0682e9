"""What the release before this one has of things that hold something, and what an update would do to them.

Beside this file: for each stack the resources whose loss is felt, with what CloudFormation cannot change in place.
`make snapshots` writes them, at a release: see `docs/releasing.md`.
"""

import json
import tomllib
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cfnlint.schema import PROVIDER_SCHEMA_MANAGER  # type: ignore[import-untyped]

from tests.infra.stacks import Stacks, synthesize

FOLDER = Path(__file__).with_name("snapshots")
INTENDED = FOLDER / "intended.toml"
HOLDING = (
    *("DynamoDB::GlobalTable", "DynamoDB::Table", "KMS::Key", "SNS::Topic", "SQS::Queue"),
    *(f"ApiGateway::{kind}" for kind in ("ApiKey", "DomainName", "RestApi", "Stage", "UsagePlan", "UsagePlanKey")),
)
"""What is lost, or known by address elsewhere, if it goes."""
_NONE_INTENDED = '# "what the test says" = "why it is meant, and what is done about what is lost"\n'

Snapshot = dict[str, dict[str, Any]]


def intended() -> dict[str, str]:
    """The changes that this release means to make, and their reasons."""
    return tomllib.loads(INTENDED.read_text())


def released() -> dict[str, Snapshot]:
    """By the stacks' names."""
    return {file.stem: json.loads(file.read_text()) for file in sorted(FOLDER.glob("*.json"))}


def snapshot(template: dict[str, Any]) -> Snapshot:
    """By logical ids."""
    found = {}
    for name, resource in template["Resources"].items():
        kind = resource["Type"].removeprefix("AWS::")
        if kind in HOLDING:
            properties = resource.get("Properties", {})
            fixed = {path: value for path in _fixed(kind) if (value := _at(path, properties)) is not None}
            found[name] = {"kind": kind, "fixed": fixed}
            if kind.startswith("DynamoDB::"):
                types = {one["AttributeName"]: one["AttributeType"] for one in properties["AttributeDefinitions"]}
                local = _indexes(properties.get("LocalSecondaryIndexes", []), types)
                # The schema does not say so, but the page of the resource: no local index and no type can be changed.
                fixed |= {"KeySchema": _key(properties["KeySchema"], types), "LocalSecondaryIndexes": local}
                found[name]["indexes"] = _indexes(properties.get("GlobalSecondaryIndexes", []), types)
    return found


def changes(stack: str, before: Snapshot, after: Snapshot) -> list[str]:
    """What an update would replace, delete or fail at, a line each.

    See https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-dynamodb-table.html on
    indexes: one is added or deleted in an update, and none is changed.
    """
    found = []
    for name, old in before.items():
        here = f"{stack}: {old['kind']} {name}"
        new = after.get(name)
        if new is None or new["kind"] != old["kind"]:
            found.append(f"{here} is deleted")
        elif different := _different(old["fixed"], new["fixed"]):
            found.append(f"{here} is replaced, for its {', '.join(different)}")
        elif "indexes" in old:
            moved = sorted(old["indexes"].keys() ^ new["indexes"].keys())
            changed = [one for one in _different(old["indexes"], new["indexes"]) if one not in moved]
            if changed:
                found.append(f"{here} cannot change its indexes {', '.join(changed)}")
            if len(moved) > 1:
                found.append(f"{here} cannot add or delete several indexes at once: {', '.join(moved)}")
    return found


@cache
def _fixed(kind: str) -> list[str]:
    """The paths of properties by which CloudFormation replaces, as AWS's own schema of the resource says."""
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("eu-west-1", f"AWS::{kind}").schema
    paths = [*schema.get("createOnlyProperties", []), *schema.get("conditionalCreateOnlyProperties", [])]
    return sorted(path.removeprefix("/properties/") for path in paths)


def _at(path: str, properties: Any) -> Any:
    for part in path.split("/"):
        properties = properties.get(part) if isinstance(properties, dict) else None
    return properties


def _indexes(indexes: list[dict[str, Any]], types: dict[str, str]) -> dict[str, Any]:
    """In no order, as DynamoDB has none for them nor for what is projected."""
    return {
        one["IndexName"]: {
            "key": _key(one["KeySchema"], types),
            "projection": one["Projection"]["ProjectionType"],
            "projected": sorted(one["Projection"].get("NonKeyAttributes", [])),
        }
        for one in indexes
    }


def _key(schema: list[dict[str, str]], types: dict[str, str]) -> list[str]:
    return [f"{one['KeyType']} {one['AttributeName']} {types[one['AttributeName']]}" for one in schema]


def _different(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    return sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))


def write(stacks: Stacks) -> None:
    """These are the release now, and no change to it is intended yet."""
    for file in FOLDER.glob("*.json"):
        file.unlink()
    for name, stack in stacks.items():
        (FOLDER / f"{name}.json").write_text(json.dumps(snapshot(stack.template), indent=1, sort_keys=True) + "\n")
    INTENDED.write_text(_NONE_INTENDED)


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        write(synthesize(Path(folder)))
