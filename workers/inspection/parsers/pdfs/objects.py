"""The findings in one object of a PDF: actions, files, links, scripts and forms.

Each object is looked at by itself, wherever it is used, so that no chain of actions can hide one. Of actions there is a
list of those that stay within the document (ISO 32000-2, table 201); every other is reported.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from workers.inspection.parsers.pdfs.scripts import only_formats
from workers.inspection.parsers.pdfs.texts import address_code, leads_away, text_of

if TYPE_CHECKING:
    import pikepdf

_NOTABLE = re.compile(
    rb"/(?:JS|S|A|AA|OpenAction|Next|PA|OnInstantiate|EF|XFA|URI|Base|F|UF|FS|Ref|OPI|Movie|RichMediaContent)\b"
)
# They move within the document, or change what it shows.
_INNER_ACTIONS = frozenset(
    {"/GoTo", "/Named", "/Hide", "/SetOCGState", "/Trans", "/ResetForm", "/GoTo3DView", "/NoOp", "/GoToDp", "/Thread"}
)
_SENDING_ACTIONS = frozenset({"/SubmitForm", "/ImportData", "/Rendition", "/Movie", "/RichMediaExecute"})
_KNOWN_ACTIONS = (
    _INNER_ACTIONS | _SENDING_ACTIONS | {"", "/URI", "/JavaScript", "/Launch", "/GoToR", "/GoToE", "/Sound"}
)
_ACTION_KEYS = ("/A", "/OpenAction", "/Next", "/PA")
# With any namespace prefix. An entity could expand to one.
_FORM_SCRIPT = re.compile(rb"<([\w.-]+:)?(?:script|execute)[\s/>]|<!ENTITY", re.IGNORECASE)
_FORM_SENDS = re.compile(
    rb"<([\w.-]+:)?(?:submit|connectionset|wsdlconnection|xmlconnection|wsdladdress|soapaddress|href)[\s/>]",
    re.IGNORECASE,
)
_EMPTY_CONNECTIONS = re.compile(rb"<([\w.-]+:)?connectionset[^>]*/>", re.IGNORECASE)

MESSAGES: Mapping[str, str] = {
    "javascript": "The PDF contains JavaScript.",
    "form_script": "A form field of the PDF formats or adds up its value by a script of Acrobat's own.",
    "launch_action": "The PDF can start a program.",
    "remote_action": "The PDF opens, plays, sends to or reads something that is not in it.",
    "external_stream": "A part of the PDF is in another file.",
    "external_link": "A link leads to another file, which opens when it is clicked.",
    "unsafe_link": "A link has a scheme that is not among those allowed.",
}


class EmbeddedFile(NamedTuple):
    """A file inside the PDF: its name, and the stream with its bytes."""

    name: str
    stream: "pikepdf.Stream"


def examine_object(one: "pikepdf.Object", attach: Callable[[EmbeddedFile], None]) -> Iterator[str]:
    """The codes of the findings in one object; `attach` takes each file that it embeds.

    The objects that it refers to are looked at by themselves.
    """
    import pikepdf

    whole: object = one.stream_dict if isinstance(one, pikepdf.Stream) else one
    if isinstance(one, pikepdf.Stream):
        yield from _stream_codes(one, attach)
    # The text that qpdf writes has no escapes in names, and searching it is far quicker than walking the object.
    if not isinstance(whole, pikepdf.Object) or not _NOTABLE.search(whole.unparse(resolved=True)):
        return
    waiting: list[object] = [whole]
    while waiting:
        part = waiting.pop()
        if isinstance(part, pikepdf.Dictionary):
            yield from _dictionary_codes(part, attach)
            waiting += [value for value in part.as_dict().values() if _direct(value)]
        elif isinstance(part, pikepdf.Array):
            waiting += [value for value in part.as_list() if _direct(value)]
        elif isinstance(part, pikepdf.Name) and part is whole:
            # An object that is only a name can be referred to as the type of an action.
            yield from {"/JavaScript": ["javascript"], "/Launch": ["launch_action"]}.get(str(part), [])


def _direct(value: object) -> bool:
    import pikepdf

    return isinstance(value, pikepdf.Dictionary | pikepdf.Array) and not value.is_indirect


def _stream_codes(stream: "pikepdf.Stream", attach: Callable[[EmbeddedFile], None]) -> Iterator[str]:
    if "/F" in stream.stream_dict:
        yield "external_stream"
    if stream.get("/Type") == "/EmbeddedFile":
        attach(EmbeddedFile("", stream))


def _dictionary_codes(part: Any, attach: Callable[[EmbeddedFile], None]) -> Iterator[str]:
    yield from _script_codes(part)
    yield from _action_codes(part)
    yield from _file_codes(part, attach)
    if "/XFA" in part:
        yield from _form_codes(part["/XFA"])
    for key in ("/URI", "/Base"):
        if (link := _string(part.get(key))) is not None and (code := address_code(link)):
            yield code
    if "/Ref" in part and _is_dictionary(part["/Ref"]) and "/F" in part["/Ref"]:
        yield "external_stream"


def _script_codes(part: Any) -> Iterator[str]:
    action, script = part.get("/S"), _script(part.get("/JS"))
    if "/OnInstantiate" in part:
        yield "javascript"
    elif script is not None and (action is not None or isinstance(script, str)):
        yield "form_script" if only_formats(script) else "javascript"
    elif action == "/JavaScript":
        yield "javascript"


def _script(value: Any) -> str | None:
    """The text of a script, which is a string or a stream. A font or an image can have this name too."""
    import pikepdf

    if isinstance(value, pikepdf.Stream):
        return (
            None if value.get("/Subtype") == "/Image" or "/Width" in value.stream_dict else text_of(value.read_bytes())
        )
    raw = _string(value)
    return None if raw is None else text_of(raw)


def _action_codes(part: Any) -> Iterator[str]:
    kind = str(part.get("/S", ""))
    if kind == "/Launch":
        yield "launch_action"
    elif kind in ("/GoToR", "/GoToE", "/Thread"):
        yield from _other_file_codes(part, kind)
    elif kind in _SENDING_ACTIONS or (kind == "/Sound" and _names_a_file(part.get("/Sound"))):
        yield "remote_action"
    for value in _actions(part):
        if str(value.get("/S", "")) not in _KNOWN_ACTIONS:
            yield "remote_action"


def _actions(part: Any) -> Iterator[Any]:
    """The dictionaries at the places where `part` has actions."""
    if "/O" in part and "/K" not in part and "/S" not in part:
        return  # attributes of a structure element, which are called /A too
    values = [part[key] for key in _ACTION_KEYS if key in part]
    if "/AA" in part and _is_dictionary(part["/AA"]):
        values += part["/AA"].as_dict().values()
    for value in values:
        for each in value.as_list() if _is_array(value) else [value]:
            if _is_dictionary(each) and "/O" not in each:
                yield each


def _other_file_codes(part: Any, kind: str) -> Iterator[str]:
    names = list(_file_names(part.get("/F")))
    if any(leads_away(name) for name in names):
        yield "remote_action"
    elif names or kind == "/GoToE":
        yield "external_link"


def _file_codes(part: Any, attach: Callable[[EmbeddedFile], None]) -> Iterator[str]:
    if part.get("/FS") == "/URL" and "/EF" not in part:
        yield "remote_action"
    if "/EF" in part and _is_dictionary(part["/EF"]):
        name = next((text_of(each) for each in _file_names(part)), "")
        for value in part["/EF"].as_dict().values():
            if _is_stream(value):
                attach(EmbeddedFile(name, value))
    if "/Movie" in part and _is_dictionary(part["/Movie"]) and _names_a_file(part["/Movie"]):
        yield "remote_action"
    if "/OPI" in part:
        yield "external_link"


def _file_names(value: Any) -> Iterator[bytes]:
    """The names in a file specification (ISO 32000-2, 7.11), which is a string or a dictionary."""
    if (raw := _string(value)) is not None:
        yield raw
    elif _is_dictionary(value):
        for key in ("/UF", "/F", "/Unix", "/DOS", "/Mac"):
            if (raw := _string(value.get(key))) is not None:
                yield raw


def _names_a_file(value: Any) -> bool:
    return (_is_dictionary(value) or _is_stream(value)) and "/F" in value


def _form_codes(xfa: Any) -> Iterator[str]:
    """Of an XFA form, which is one stream or a list of names and streams. UTF-16 is read as ASCII."""
    parts = xfa.as_list() if _is_array(xfa) else [xfa]
    text = b"".join(part.read_bytes() for part in parts if _is_stream(part)).replace(b"\0", b"")
    if _FORM_SCRIPT.search(text):
        yield "javascript"
    if _FORM_SENDS.search(_EMPTY_CONNECTIONS.sub(b"", text)):
        yield "remote_action"


def _string(value: Any) -> bytes | None:
    import pikepdf

    return bytes(value) if isinstance(value, pikepdf.String) else None


def _is_dictionary(value: Any) -> bool:
    import pikepdf

    return isinstance(value, pikepdf.Dictionary)


def _is_array(value: Any) -> bool:
    import pikepdf

    return isinstance(value, pikepdf.Array)


def _is_stream(value: Any) -> bool:
    import pikepdf

    return isinstance(value, pikepdf.Stream)
