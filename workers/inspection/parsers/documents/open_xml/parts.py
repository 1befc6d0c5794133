"""What the elements of a part do: fields, formulas, queries, actions (ECMA-376 part 1). Any part can have them."""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from workers.inspection.parsers.documents.field_codes import Fields
from workers.inspection.parsers.documents.formulas import ACTIVE, formula
from workers.inspection.parsers.documents.ole.objects import EQUATION
from workers.inspection.parsers.documents.ole.vba import MACROS
from workers.inspection.parsers.documents.open_xml.index import Relationship
from workers.inspection.parsers.documents.references import (
    ACTION,
    REFRESHED,
    VERB,
    clicked,
    is_remote,
    loaded,
    queried,
    shown,
)
from workers.inspection.parsers.documents.xml_parts import Element
from workers.inspection.parsers.port import Output

_VML = "urn:schemas-microsoft-com:vml"
_OFFICE = "urn:schemas-microsoft-com:office:office"
_VISIO = re.compile(r"http://schemas\.microsoft\.com/office/visio/")
_CUSTOM_UI = re.compile(r"http://schemas\.microsoft\.com/office/20\d\d/\d\d/customui")
_CALLBACK = re.compile(r"on[A-Z]|get[A-Z]|loadImage")
_TRUE = frozenset({"1", "true", "on", "t"})
# What a click may do within a presentation (ECMA-376 part 1, 20.1.2.2.23 and [MS-OE376] 2.1.1310).
_ACTIONS = re.compile(
    r"(ppaction://(hlinkshowjump|hlinksldjump|hlinkpres|hlinkfile|customshow|media|noaction|ole)(\?.*)?)?"
)
_FIELD_TYPES = ("begin", "separate", "end")
# Visio's functions that start something, where what they are given is a path, an address or a macro.
_SHAPE_SHEET = re.compile(
    r"\b(RUNMACRO|CALLTHIS|OPENFILE|HYPERLINK|GOTOPAGE)\s*\(\s*\"([^\"]*)|RUNADDON(?:WARGS)?\s*\(\s*\"([^\"]*[\\/.][^\"]*)",
    re.IGNORECASE,
)


class PartRules:
    """Takes the elements of one part, which has the `relationships`, and reports to `output`."""

    def __init__(self, relationships: Mapping[str, Relationship], output: Output) -> None:
        self._relationships = relationships
        self._output = output
        self._fields = Fields(output)
        self._refreshes = self._external = False

    def take(self, element: Element) -> None:
        if rule := _RULES.get(element.name):
            rule(self, element)
        if element.namespace in (_VML, _OFFICE):
            self._drawing(element)
        elif _CUSTOM_UI.match(element.namespace) and any(_CALLBACK.match(name) for name in element.attributes):
            self._output.finding("active_action", "The document adds buttons that run macros.")

    def close(self) -> None:
        self._fields.close()
        if self._refreshes and self._external:
            self._output.finding("external_data", REFRESHED)

    def take_instruction(self, element: Element) -> None:
        self._fields.text(element.text)

    def take_simple_field(self, element: Element) -> None:
        self._fields.instruction(element.get("instr"))

    def take_field_mark(self, element: Element) -> None:
        kind = element.get("fldCharType")
        if kind in _FIELD_TYPES:
            {"begin": self._fields.begin, "separate": self._fields.separate, "end": self._fields.end}[kind]()

    def take_formula(self, element: Element) -> None:
        formula(element.text, self._output)

    def take_defined_name(self, element: Element) -> None:
        formula(element.text, self._output)
        if re.match(r"(_xlnm\.)?auto_(open|close|activate|deactivate)", element.get("name"), re.IGNORECASE):
            self._output.finding("macros", MACROS)

    def take_dde(self, _element: Element) -> None:
        self._output.finding("active_formula", ACTIVE)

    def take_volatile(self, element: Element) -> None:
        if element.get("type") == "realTimeData":
            self._output.finding("active_formula", ACTIVE)

    def take_connection(self, element: Element) -> None:
        """A connection that is only there is followed where the reader refreshes; `interval` refreshes by itself."""
        refreshes = element.get("refreshOnLoad") in _TRUE or element.get("interval") not in ("", "0")
        queried(self._output, refreshes=refreshes)

    def take_query(self, element: Element) -> None:
        if element.get("refreshOnLoad") in _TRUE:
            self._output.finding("external_data", REFRESHED)

    def take_pivot(self, element: Element) -> None:
        self._refreshes = self._refreshes or element.get("refreshOnLoad") in _TRUE

    def take_pivot_source(self, element: Element) -> None:
        self._external = self._external or element.get("type") == "external" or self._leads_away(element)

    def take_published(self, element: Element) -> None:
        """A part of a workbook that is written as a page whenever the workbook is saved."""
        if is_remote(element.get("destinationFile")):
            self._output.finding("external_data", "The document is sent elsewhere when it is saved.")

    def take_extension(self, _element: Element) -> None:
        self._output.finding("web_extension", "The document loads an add-in of a web site.")

    def take_binding(self, element: Element) -> None:
        if element.get("FileBinding") in _TRUE and is_remote(element.get("FileBindingName")):
            self._output.finding("external_data", REFRESHED)

    def take_clicked(self, element: Element) -> None:
        clicked(element.get("invalidUrl"), self._output)
        if not _ACTIONS.fullmatch(element.get("action").strip().lower()):
            self._output.finding("active_action", ACTION)

    def take_hovered(self, element: Element) -> None:
        self.take_clicked(element)
        if element.get("action").lower().startswith("ppaction://ole"):
            self._output.finding("active_action", ACTION)
        if self._leads_away(element):
            self._output.finding("active_action", "A hover leads to another place.")

    def _leads_away(self, element: Element) -> bool:
        target = self._relationships.get(element.get("id"))
        return target is not None and target.external and is_remote(target.target)

    def take_command(self, element: Element) -> None:
        if element.get("type") == "verb":
            self._output.finding("active_action", VERB)

    def take_ole_object(self, element: Element) -> None:
        if element.get("progId").lower().startswith("equation.") and not element.get("progId").lower().startswith(
            "equation.dsmt"
        ):
            self._output.finding("embedded_object", EQUATION)

    def take_macro(self, element: Element) -> None:
        if re.search(r"[\\/]|\[[1-9]", element.get("macro") or element.get("fmlaMacro") or element.text):
            self._output.finding("active_action", ACTION)

    def take_video(self, element: Element) -> None:
        if re.search(r"<script|\bon\w+\s*=|(java|vb)script\s*:|data:", element.get("embeddedHtml"), re.IGNORECASE):
            self._output.finding("script", "A video of the document brings scripts.")

    def take_cell(self, element: Element) -> None:
        """A cell of Visio's shapes: what a double click does, and where a link leads."""
        if not _VISIO.match(element.namespace):
            return
        for call, target, addon in _SHAPE_SHEET.findall(element.get("F")):
            if call.upper() in ("RUNMACRO", "CALLTHIS") or addon:
                self._output.finding("active_action", ACTION)
            else:
                clicked(target, self._output)
        if element.get("N") == "Address":
            clicked(element.get("V"), self._output)

    def _drawing(self, element: Element) -> None:
        clicked(element.attributes.get("href", ""), self._output)
        shown(element.attributes.get("src", ""), self._output)
        if element.namespace == _VML:
            shown(element.attributes.get(f"{{{_OFFICE}}}href", ""), self._output)
        if element.name == "OLEObject":
            self.take_ole_object(element._replace(attributes={"progId": element.get("ProgID")}))

    def take_link_base(self, element: Element) -> None:
        """Where relative links begin."""
        clicked(element.text, self._output)

    def take_visio_query(self, element: Element) -> None:
        if element.get("RefreshInterval") not in ("", "0"):
            self._output.finding("external_data", REFRESHED)

    def take_frame(self, element: Element) -> None:
        loaded(element.get("src"), self._output)


_Rule = Callable[[PartRules, Element], None]
_RULES: Mapping[str, _Rule] = MappingProxyType(
    {
        **dict.fromkeys(("instrText", "delInstrText"), PartRules.take_instruction),
        "fldSimple": PartRules.take_simple_field,
        "fldChar": PartRules.take_field_mark,
        **dict.fromkeys(("f", "formula", "formula1", "formula2", "calculatedColumnFormula", "totalsRowFormula",
                         "oldFormula"), PartRules.take_formula),
        "definedName": PartRules.take_defined_name,
        "ddeLink": PartRules.take_dde,
        "volType": PartRules.take_volatile,
        "connection": PartRules.take_connection,
        "queryTable": PartRules.take_query,
        "pivotCacheDefinition": PartRules.take_pivot,
        **dict.fromkeys(("cacheSource", "worksheetSource"), PartRules.take_pivot_source),
        "webPublishItem": PartRules.take_published,
        **dict.fromkeys(("webextension", "taskpane", "webextensionref"), PartRules.take_extension),
        "DataBinding": PartRules.take_binding,
        "hlinkClick": PartRules.take_clicked,
        **dict.fromkeys(("hlinkHover", "hlinkMouseOver"), PartRules.take_hovered),
        "cmd": PartRules.take_command,
        **dict.fromkeys(("oleObj", "oleObject", "oleObjectLink"), PartRules.take_ole_object),
        **dict.fromkeys(("sp", "pic", "cxnSp", "graphicFrame", "controlPr", "shape", "formControlPr", "FmlaMacro"),
                        PartRules.take_macro),
        "webVideoPr": PartRules.take_video,
        "Cell": PartRules.take_cell,
        "frame": PartRules.take_frame,
        "HyperlinkBase": PartRules.take_link_base,
        "DataRecordSet": PartRules.take_visio_query,
    }
)  # fmt: skip
# Elements of VML whose attributes are judged.
WANTED = (*_RULES, "imagedata", "fill", "stroke", "rect", "oval", "line", "polyline", "curve", "arc", "roundrect",
          "group", "shapetype", "image", "background", "OLEObject", "customUI")  # fmt: skip
"""The names of the elements that have a rule."""
