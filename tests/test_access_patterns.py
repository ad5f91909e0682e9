"""The README's table of access patterns names every table and index there is, by the keys they have."""

import re
from pathlib import Path

from infra import families
from sessions import accounts
from sessions.tables import Table

ROOT = Path(__file__).parent.parent
TABLES = {
    table.name: table
    for table in (accounts.TABLE, *(table for name in families.names() for table in families.load(name).tables))
}


def rows() -> list[list[str]]:
    section = (ROOT / "README.md").read_text().partition("## Access patterns")[2].partition("\n## ")[0]
    lines = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line] for line in lines[2:]]


def named(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def key_of(table: Table, index: str) -> tuple[str, ...]:
    keys = {"": table.key} | {one.name: one.key for one in table.indexes}
    return keys[index].attributes()


def test_every_row_is_about_a_key_that_exists() -> None:
    assert len(rows()) > len(TABLES)
    for _, table, index, condition, _ in rows():
        key = key_of(TABLES[named(table)[0]], (named(index) or [""])[0])
        attributes = [word for word in named(condition) if not re.search(r"#|^device$", word)]
        assert attributes == list(key)[: len(attributes)]
        assert attributes


def test_every_table_and_index_has_a_row() -> None:
    told = {(named(table)[0], (named(index) or [""])[0]) for _, table, index, _, _ in rows()}
    assert told == {
        (table.name, name) for table in TABLES.values() for name in ("", *(index.name for index in table.indexes))
    }


def test_no_row_scans() -> None:
    assert all(re.search(r"GetItem|PutItem|Query|call", cost) for *_, cost in rows())
    assert not [cost for *_, cost in rows() if "scan" in cost.lower()]
