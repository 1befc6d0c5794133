"""The findings in one object of a PDF."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pikepdf

_NOTABLE = re.compile(rb"/(JS|JavaScript|OnInstantiate|Launch|EF|XFA|URI)\b")

# With any namespace prefix. An entity could expand to one.
_SCRIPT = re.compile(rb"<([\w.-]+:)?script[\s/>]|<!ENTITY", re.IGNORECASE)


def finding_codes(one: "pikepdf.Object") -> Iterator[str]:
    """The codes of the findings in one object. The objects that it refers to are tested by themselves."""
    import pikepdf

    whole: object = one.stream_dict if isinstance(one, pikepdf.Stream) else one
    # The text that qpdf writes has no escapes in names, and searching it is far quicker than walking the object.
    if not isinstance(whole, pikepdf.Object) or not _NOTABLE.search(whole.unparse(resolved=True)):
        return
    waiting: list[object] = [whole]
    while waiting:
        part = waiting.pop()
        if isinstance(part, pikepdf.Dictionary):
            yield from _dictionary_codes(part)
            waiting += [value for value in part.as_dict().values() if _direct(value)]
        elif isinstance(part, pikepdf.Array):
            waiting += [value for value in part.as_list() if _direct(value)]
        elif isinstance(part, pikepdf.Name) and part is whole:
            # An object that is only a name can be referred to as the type of an action.
            yield from {"/JavaScript": ["javascript"], "/Launch": ["launch_action"]}.get(str(part), [])


def _direct(value: object) -> bool:
    import pikepdf

    return isinstance(value, pikepdf.Dictionary | pikepdf.Array) and not value.is_indirect


def _dictionary_codes(part: "pikepdf.Object") -> Iterator[str]:
    import pikepdf

    action = part.get("/S")
    script = part.get("/JS")
    if action == pikepdf.Name.JavaScript or "/OnInstantiate" in part or _runs(script, action):
        yield "javascript"
    if action == pikepdf.Name.Launch:
        yield "launch_action"
    if isinstance(files := part.get("/EF"), pikepdf.Dictionary) and len(files.keys()):
        yield "embedded_file"
    if "/XFA" in part and _SCRIPT.search(_form(part["/XFA"])):
        yield "javascript"
    if isinstance(link := part.get("/URI"), pikepdf.String) and _scheme(bytes(link)) == b"javascript":
        yield "javascript"


def _runs(script: object, action: object) -> bool:
    """Whether /JS is a script. A font or an image can have this name too, but is a stream and in no action."""
    import pikepdf

    return isinstance(script, pikepdf.String) or (isinstance(script, pikepdf.Stream) and action is not None)


def _scheme(link: bytes) -> bytes:
    return re.sub(rb"[\0-\x20]", b"", link[:1000]).removeprefix(b"\xfe\xff").partition(b":")[0].lower()


def _form(xfa: "pikepdf.Object") -> bytes:
    """The text of an XFA form, which is one stream or a list of names and streams. UTF-16 is read as ASCII."""
    import pikepdf

    parts = xfa.as_list() if isinstance(xfa, pikepdf.Array) else [xfa]
    streams = [part for part in parts if isinstance(part, pikepdf.Stream)]
    return b"".join(stream.read_bytes() for stream in streams).replace(b"\0", b"")
