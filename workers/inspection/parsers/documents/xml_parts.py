"""The XML of a document's part, parsed without entities and without keeping it in memory."""

import re
from collections.abc import Collection, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from workers.inspection.parsers.documents.package import MalformedDocument
from workers.inspection.parsers.markups.document_types import is_known
from workers.inspection.parsers.port import LimitExceeded, Output

if TYPE_CHECKING:
    from lxml import etree  # type: ignore[import-untyped]  # it has no types of its own

_ENTITY = re.compile(rb"<!ENTITY|<\0!\0E\0N\0T|\0<\0!\0E\0N")
_TOO_LARGE = re.compile(r"huge|depth|too long|too large|limit", re.IGNORECASE)
_CARRY = 16
_TEXT_PIECES = 64
# Elements that repeat without end in large documents: what is in them is dropped when they end.
_REPEATED = ("row", "p", "si", "tr", "sp", "table-row", "style", "list-item", "pt", "Shape", "frame")
ENTITIES = "A part of the document declares entities, which documents do not use."


class Element(NamedTuple):
    """One element that ended: its namespace and name, its attributes by `{namespace}name`, and its own text."""

    namespace: str
    name: str
    attributes: Mapping[str, str]
    text: str

    def get(self, local: str) -> str:
        """The value of the attribute of that name in any namespace; "" without one."""
        for name, value in self.attributes.items():
            if name.rpartition("}")[2] == local:
                return value
        return ""


def elements(
    pieces: Iterator[bytes], names: Collection[str], output: Output, *, doctype: bool = False, recover: bool = False
) -> Iterator[Element]:
    """The elements of these names (`*` for all) in any namespace, in the order in which they end.

    Raises MalformedDocument where it is not well-formed, or has a document type declaration that is not allowed by
    `doctype`; `recover` reads on as Office does in old drawings. Entities are a finding.
    """
    from lxml import etree

    wanted = frozenset(names)
    tags = None if "*" in wanted else [f"{{*}}{name}" for name in sorted(wanted.union(_REPEATED))]
    parser = etree.XMLPullParser(
        events=("end",), tag=tags, resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False,
        huge_tree=False, recover=recover, remove_comments=True, remove_pis=True,
    )  # fmt: skip
    try:
        yield from _fed(parser, _without_entities(pieces, output), wanted)
        root = parser.close()
    except etree.LxmlError as error:
        if _TOO_LARGE.search(str(error)):
            raise LimitExceeded("A part of the document is nested too deeply, or has too long a value.") from error
        raise MalformedDocument("A part of the document is not well-formed.") from error
    system = root.getroottree().docinfo.system_url if root is not None and doctype else None
    if system and not is_known(system, as_page=False):
        output.finding("external_reference", "A part of the document has a document type that is elsewhere.")
    if root is not None and (declared := root.getroottree().docinfo.internalDTD) is not None:
        if any(True for _ in declared.iterentities()):
            output.finding("entity_expansion", ENTITIES)
        if not doctype:
            raise MalformedDocument("A part of the document has a document type declaration.")


def _without_entities(pieces: Iterator[bytes], output: Output) -> Iterator[bytes]:
    """The pieces up to one that declares an entity: what follows it would mean what the entity says."""
    carry = b""
    for piece in pieces:
        if _ENTITY.search(carry + piece):
            output.finding("entity_expansion", ENTITIES)
            raise MalformedDocument("A part of the document declares entities.")
        yield piece
        carry = piece[-_CARRY:]


def _fed(parser: "object", pieces: Iterator[bytes], wanted: frozenset[str]) -> Iterator[Element]:
    for piece in pieces:
        parser.feed(piece)  # type: ignore[attr-defined]
        yield from _ended(parser, wanted)


def _ended(parser: "object", wanted: frozenset[str]) -> Iterator[Element]:
    for _, node in parser.read_events():  # type: ignore[attr-defined]
        if not isinstance(node.tag, str):
            continue
        namespace, _, name = node.tag.rpartition("}")
        if name in wanted or "*" in wanted:
            yield Element(namespace.lstrip("{"), name, dict(node.attrib), _text(node, wanted))
        if name in _REPEATED:
            _drop(node)


def _text(node: "etree._Element", wanted: frozenset[str]) -> str:
    """The text of an element. Some programs pass over elements within a formula or a field, and join the rest."""
    if not len(node) or "*" in wanted:
        return node.text or ""
    return "".join(islice(node.itertext(), _TEXT_PIECES))


def _drop(node: "object") -> None:
    """Free an element that ended, and those before it."""
    node.clear()  # type: ignore[attr-defined]
    parent = node.getparent()  # type: ignore[attr-defined]
    while parent is not None and node.getprevious() is not None:  # type: ignore[attr-defined]
        del parent[0]
