"""What an operation found: tables for people, JSON for machines.

Accounts, events and reasons are others' words. Nothing in them is markup, and no character of theirs can steer a
terminal: those that do not print are shown as Python writes them.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from typing import Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

Found = Mapping[str, Any] | Sequence[Mapping[str, Any]]
"""One thing, or a list of things that have the same members."""


@dataclass(frozen=True, slots=True)
class Beside:
    """What was found, where standard output has the data itself."""

    found: Found


_WIDEST = 10_000  # columns; a terminal wraps lines better than a table does: what is cut cannot be copied


def show(found: Found | Beside, *, as_json: bool) -> None:
    """Writes it to standard output, or beside that. People are not told of members that have no value."""
    if isinstance(found, Beside):
        with redirect_stdout(sys.stderr):
            show(found.found, as_json=as_json)
    elif as_json:
        print(json.dumps(found, indent=2))
    elif isinstance(found, Mapping):
        _show_thing(found)
    else:
        _show_list(found)
    sys.stdout.flush()


def tell(text: str) -> None:
    """A word to the person beside the result: on standard error, so that machines need not read it."""
    print("\n".join(visible(line) for line in text.split("\n")), file=sys.stderr, flush=True)


def ask(question: str) -> None:
    """Goes on if the person says yes; else the command ends, and nothing is done."""
    print(f"{visible(question)} [y/N]: ", end="", file=sys.stderr, flush=True)
    answer = sys.stdin.readline()
    if not answer:
        tell("")
    if answer.strip().lower() not in ("y", "yes"):
        raise typer.Abort


def visible(text: str) -> str:
    r"""The text with what does not print (controls, marks of direction, halves of pairs) written out: `\x1b`."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def _show_thing(thing: Mapping[str, Any]) -> None:
    lists = {name: value for name, value in thing.items() if value and _is_list_of_things(value)}
    plain = {_title(name): _text(value) for name, value in thing.items() if name not in lists and _has_value(value)}
    width = max(map(len, plain), default=0)
    for title, text in plain.items():
        print(f"{title:{width}}  {text}")
    for name, things in lists.items():
        print(f"\n{_title(name)}:")
        _show_list(things)


def _show_list(things: Sequence[Mapping[str, Any]]) -> None:
    if not things:
        print("none")
        return
    table = Table(box=None, pad_edge=False)
    names = [name for name in things[0] if any(_has_value(one[name]) for one in things)]
    for name in names:
        table.add_column(_title(name), no_wrap=True, overflow="ignore")
    for one in things:
        table.add_row(*(Text(_text(one[name])) for name in names))
    Console(width=_WIDEST).print(table, soft_wrap=True)


def _has_value(value: Any) -> bool:
    return value not in (None, "", [], ())


def _is_list_of_things(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, Mapping) for one in value)


def _title(name: str) -> str:
    return name.replace("_", " ")


def _text(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case list() | tuple():
            return ", ".join(map(_text, value))
        case _:
            return visible(str(value))
