"""XFA forms: an XML form within a PDF, which may run scripts, submit data and load from elsewhere.

XFA Specification 3.3. Readers that do not know XFA show the PDF's own pages instead.
"""

from typing import TYPE_CHECKING

from workers.inspection.parsers.documents.references import Place, place_of
from workers.inspection.parsers.port import Output

if TYPE_CHECKING:
    from lxml import etree  # type: ignore[import-untyped]  # it has no types of its own

# Elements that run something: `execute` calls a web service, `connect` binds to one.
_SCRIPTS = frozenset({"script"})
_SENDS = frozenset(
    {
        "submit",
        "execute",
        "wsdlconnection",
        "xmlconnection",
        "soapaction",
        "wsdladdress",
        "servicename",
        "exobject",
        "source",
    }  # of a database
)
# Attributes that name what is loaded. A prototype of this form begins with "#" or names it by an expression.
_LOADS = frozenset({"href", "usehref", "src", "archive", "codebase", "target", "action", "background", "data"})


def examine_form(xfa: object, output: Output) -> None:
    """Examine an XFA form, which is one stream or a list of names and streams."""
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, recover=False)
    content = _content(xfa)
    if not content.strip():
        return
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError:
        output.finding("malformed", "The XML of the PDF's form cannot be read.")
        return
    if root.getroottree().docinfo.internalDTD is not None:
        output.finding("malformed", "The XML of the PDF's form has a document type.")
    for element in root.iter(etree.Element):
        _examine_element(element, output)


def _content(xfa: object) -> bytes:
    import pikepdf

    parts = xfa.as_list() if isinstance(xfa, pikepdf.Array) else [xfa]
    if not any(isinstance(part, pikepdf.Stream) for part in parts):  # no writer does that
        strings = [part for part in parts if isinstance(part, pikepdf.String)]
        return b"".join(bytes(part) for part in (strings[1::2] if len(strings) > 1 else strings))
    return b"".join(part.read_bytes() for part in parts if isinstance(part, pikepdf.Stream))


def _examine_element(element: "etree._Element", output: Output) -> None:
    name = _local(element.tag)
    if name in _SCRIPTS and "".join(map(str, element.itertext())).strip():
        output.finding("javascript", "The PDF's form contains scripts.")
    if name in _SENDS:
        output.finding("remote_action", "The PDF's form sends or fetches data.")
    for key, value in element.attrib.items():
        local = _local(key)
        if local == "href" and name == "a":
            if place_of(str(value)) in (Place.SHARE, Place.PROGRAM, Place.HANDLER):
                output.finding("unsafe_link", "A link in the PDF's form has a scheme that is not among those allowed.")
        elif local in _LOADS and place_of(str(value)) in (Place.WEB, Place.SHARE, Place.HANDLER, Place.PROGRAM):
            output.finding("remote_action", "The PDF's form loads something from elsewhere.")


def _local(name: str | bytes) -> str:
    return str(name).rpartition("}")[2].lower()
