"""What a package says of its parts: their content types and the relationships between them (ECMA-376 part 2)."""

import posixpath
import re
from collections.abc import Mapping
from typing import NamedTuple

from workers.inspection.parsers.documents.package import MalformedDocument, Package
from workers.inspection.parsers.documents.xml_parts import elements
from workers.inspection.parsers.port import Output

CONTENT_TYPES = "[content_types].xml"
# The limit for a relationship part or the list of content types: Office writes a few KiB.
_INDEX_BYTES = 16 << 20
_ELSEWHERE = re.compile(r"\s*(?:[a-z][a-z0-9+.-]+:/|\\\\)", re.IGNORECASE)


class Relationship(NamedTuple):
    """`source` is the part that has it; `kind` is the last segment of its type, in lower case."""

    source: str
    kind: str
    target: str
    external: bool

    @property
    def part(self) -> str:
        """The name, in lower case, of the part that an internal relationship leads to."""
        target = self.target.replace("\\", "/").lower().partition("#")[0]
        base = "" if target.startswith("/") else posixpath.dirname(self.source.lower())
        return posixpath.normpath(posixpath.join(base, target.lstrip("/"))).lstrip("/")


class Index(NamedTuple):
    """`by_name` and `by_extension` have content types; `relationships` those of each part, by their ids."""

    by_name: Mapping[str, str]
    by_extension: Mapping[str, str]
    relationships: Mapping[str, Mapping[str, Relationship]]

    def type_of(self, name: str) -> str:
        """The content type of a part, in lower case; "" where none is declared."""
        return self.by_name.get(name.lower()) or self.by_extension.get(name.lower().rpartition(".")[2], "")

    def all_relationships(self) -> list[Relationship]:
        return [one for of_part in self.relationships.values() for one in of_part.values()]

    def kinds(self) -> Mapping[str, frozenset[str]]:
        """The kinds of the relationships that lead to each part, by its name in lower case."""
        found: dict[str, set[str]] = {}
        for one in self.all_relationships():
            if not one.external:
                found.setdefault(one.part, set()).add(one.kind)
        return {name: frozenset(kinds) for name, kinds in found.items()}


def read_index(package: Package, output: Output) -> Index:
    """The index of a package. Raises MalformedDocument where two parts have one name."""
    if len({name.lower() for name in package.names}) != len(package.names):
        raise MalformedDocument("Two parts of the document have the same name.")
    by_name: dict[str, str] = {}
    by_extension: dict[str, str] = {}
    listing = next(name for name in package.names if name.lower() == CONTENT_TYPES)
    for each in elements(iter([package.read(listing, _INDEX_BYTES)]), ("Override", "Default"), output):
        content_type = each.get("ContentType").lower().partition(";")[0].strip()
        if each.name == "Override":
            by_name[each.get("PartName").replace("\\", "/").lstrip("/").lower()] = content_type
        else:
            by_extension[each.get("Extension").lower()] = content_type
    relationships = {
        _source(name): _relationships(package, name, output) for name in package.names if name.lower().endswith(".rels")
    }
    return Index(by_name, by_extension, relationships)


def _source(name: str) -> str:
    folder, _, file = name.rpartition("/")
    return posixpath.join(posixpath.dirname(folder), file[: -len(".rels")]).lower()


def _relationships(package: Package, name: str, output: Output) -> dict[str, Relationship]:
    found = {}
    for number, each in enumerate(elements(iter([package.read(name, _INDEX_BYTES)]), ("Relationship",), output)):
        kind = each.get("Type").rstrip("/").rpartition("/")[2].lower()
        target = each.get("Target")
        # What names another machine is in no package, whatever is said of it.
        external = each.get("TargetMode").strip().lower() == "external" or _ELSEWHERE.match(target) is not None
        one = Relationship(_source(name), kind, target, external)
        found[each.get("Id") if each.get("Id") not in found else f"#{number}"] = one
    return found
