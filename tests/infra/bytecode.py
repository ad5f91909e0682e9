"""Reads compiled files as an interpreter would: see PEP 3147 and PEP 552."""

from pathlib import Path

_CHECKED_BY = {0: "time", 1: "unchecked", 3: "hash"}


def kinds(folder: Path) -> set[tuple[str, str]]:
    """Of all compiled files there: the magic number as hexadecimal digits, and what they are checked by."""
    heads = [file.read_bytes()[:8] for file in folder.rglob("*.pyc")]
    return {(head[:4].hex(), _CHECKED_BY[int.from_bytes(head[4:], "little")]) for head in heads}
