"""The JSON Schemas of the events' data, written beside the models that they are made from: `make schemas`."""

import json
from importlib import import_module
from pathlib import Path

from pydantic import BaseModel

from infra import families
from infra.families import FUNCTIONS


def schemas() -> dict[Path, str]:
    """Every event's schema as text, by the file it belongs into."""
    return {
        FUNCTIONS / family.name / f"{kind}.schema.json": _text(kind, model)
        for family in map(families.load, families.names())
        if family.recorder is not None
        for kind, model in import_module(f"functions.{family.name}.events").DATA.items()
    }


def _text(kind: str, model: type[BaseModel]) -> str:
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"urn:session-apis:{kind}"}
    return json.dumps(head | model.model_json_schema(by_alias=True), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for file, text in schemas().items():
        file.write_text(text)
