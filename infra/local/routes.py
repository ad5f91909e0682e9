"""Which operation a request is for, by API Gateway's rules, for all families at once.

A segment that a contract writes out comes before a variable one, and the path is found before the method is asked.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote

from infra.contract import Operation


@dataclass(frozen=True, slots=True)
class Match:
    """`operation` is None where the path, `resource`, is known and the method is not.

    Path parameters are still percent-encoded.
    """

    family: str
    operation: Operation | None
    resource: str
    path_parameters: dict[str, str]


@dataclass(slots=True)
class _Node:
    fixed: dict[str, "_Node"] = field(default_factory=dict)
    variable: "_Node | None" = None
    operations: dict[str, Operation] = field(default_factory=dict)
    family: str = ""


class Routes:
    """The operations of several contracts, as a tree of path segments."""

    def __init__(self) -> None:
        self._root = _Node()
        self._lead: dict[str, str] = {}
        self._families: list[str] = []

    def add(self, family: str, operations: Sequence[Operation]) -> None:
        """Adds a family's operations. Two families cannot have the same path."""
        self._families.append(family)
        for operation in operations:
            node = self._root
            segments = operation.path.strip("/").split("/")
            if not _is_variable(segments[0]):
                self._lead[segments[0]] = family
            for segment in segments:
                if _is_variable(segment):
                    node.variable = node.variable or _Node()
                    node = node.variable
                else:
                    node = node.fixed.setdefault(segment, _Node())
            if node.family not in ("", family):
                raise ValueError(f"{operation.path} is a path of {node.family} and of {family}")
            node.family = family
            node.operations[operation.method] = operation

    def find(self, method: str, path: str) -> Match | None:
        """The operation for this path, as it stands in the request line; None where no contract has such a path."""
        segments = path.removeprefix("/").split("/")
        found = _find(self._root, segments)
        if found is None:
            return None
        node, values = found
        operation = node.operations.get(method)
        template = next(iter(node.operations.values())).path
        names = [segment[1:-1] for segment in template.strip("/").split("/") if _is_variable(segment)]
        return Match(node.family, operation, template, dict(zip(names, values, strict=True)))

    def family_like(self, path: str) -> str:
        """The family that this path looks like, by how it begins: the one in whose dialect it is refused."""
        decoded = unquote(path).removeprefix("/")
        for lead, family in self._lead.items():
            if decoded.startswith(lead):
                return family
        others = [family for family in self._families if family not in self._lead.values()]
        return (others or self._families)[0]


def _find(node: _Node, segments: Sequence[str]) -> tuple[_Node, list[str]] | None:
    if not segments:
        return (node, []) if node.operations else None
    first, rest = segments[0], segments[1:]
    fixed = node.fixed.get(unquote(first))
    if fixed is not None and (found := _find(fixed, rest)):
        return found
    if node.variable is not None and first and (found := _find(node.variable, rest)):
        return found[0], [first, *found[1]]
    return None


def _is_variable(segment: str) -> bool:
    return segment.startswith("{")
