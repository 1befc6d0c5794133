"""Relationships that lead out of a package: what each kind loads, and when.

| kind | when it is followed | finding |
| --- | --- | --- |
| hyperlink | clicked | by its scheme and place (`references.clicked`) |
| workbook of another workbook's cells, of a chart | asked for | a note |
| attached template, frame, subdocument, linked object, any kind that is not listed | opened | `remote_template` |
| picture | opened | `external_reference` |
| sound, video | played | a note on the web, `external_reference` on a share |
| data of a mail merge | opened | `external_data` |
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from workers.inspection.parsers.documents.ole.vba import MACROS
from workers.inspection.parsers.documents.open_xml.index import Index, Relationship
from workers.inspection.parsers.documents.references import (
    LINKED,
    Place,
    asked_for,
    clicked,
    loaded,
    merged,
    place_of,
    played,
    shown,
)
from workers.inspection.parsers.port import Output

_WORKBOOKS = ("externallinkpath", "xlpathmissing", "xlexternallinkpath", "xlstartup", "xlalternatestartup", "xllibrary",
              "externallinklongpath", "absoluteurl", "relativeurl", "xlpathmissing", "externallink")  # fmt: skip
_CONTROLS = frozenset({"control", "activexcontrolbinary", "activexcontrol"})
_EXTENSIONS = frozenset({"webextension", "webextensiontaskpanes"})
_MACROS = frozenset({"xlmacrosheet", "xlintlmacrosheet"})


def _linked(reference: str, output: Output) -> None:
    """Word binds a linked object as it is opened (CVE-2022-30190 and CVE-2017-0199 are such links)."""
    loaded(reference.partition("!")[0] if place_of(reference) == Place.LOCAL else reference, output)
    if place_of(reference) == Place.LOCAL:
        output.finding("external_link", LINKED)
    elif place_of(reference) == Place.PROGRAM:
        output.finding("unsafe_link", "A linked object is a program.")


_RULES: Mapping[str, Callable[[str, Output], None]] = MappingProxyType(
    {
        "hyperlink": clicked,
        **dict.fromkeys(_WORKBOOKS, asked_for),
        **dict.fromkeys(("image", "imagelink", "picture", "thumbnail"), shown),
        **dict.fromkeys(("video", "audio", "media", "sound"), played),
        **dict.fromkeys(("mailmergesource", "mailmergeheadersource"), merged),
        "oleobject": _linked,
        "package": _linked,
    }
)


def report_relationships(index: Index, output: Output) -> None:
    """Report what the relationships lead to, and the kinds that act by being there."""
    for one in index.all_relationships():
        if one.external:
            _rule(one, index)(one.target, output)
        if one.kind in _CONTROLS:
            output.finding("embedded_object", "The document contains a control.")
        elif one.kind in _EXTENSIONS:
            output.finding("web_extension", "The document loads an add-in of a web site.")
        elif one.kind in _MACROS:
            output.finding("macros", MACROS)


def _rule(one: Relationship, index: Index) -> Callable[[str, Output], None]:
    if one.kind in ("oleobject", "package") and "chart" in index.type_of(one.source):
        return asked_for  # a chart's workbook is read where its data are edited or updated
    return _RULES.get(one.kind, loaded)
