"""PDF: what runs, what starts programs, what carries other files; and what cannot be looked into at all.

Findings: `javascript`, `launch_action`, `embedded_file`, `malformed`, `trailing_data` (rejected), `encrypted`
(unscannable). qpdf reads the objects, those in object streams too. Each object that the file's cross-reference lists is
looked at once and by itself, wherever it hangs: no chain of actions is followed, so none can be hidden or endless.

A file that only needs the empty password opens for everybody, so it is looked into; `encrypted` is one that needs more.
A damaged file that qpdf can repair is judged by what the repair yields, as readers of PDFs would show it; one that
keeps back objects is `malformed`.
"""

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from workers.inspection.parsers.deduplicated import DeduplicatedOutput
from workers.inspection.parsers.port import Exceeded, Output

if TYPE_CHECKING:
    import pikepdf

MODULES: Sequence[str] = ("pikepdf",)
DEFAULTS: Mapping[str, int] = MappingProxyType({"pdf_objects": 200_000, "pdf_depth": 100})

# Readers look for the header in the first KiB and for the end in the last one: ISO 32000-1, Annex H, notes 13 and 18.
_SLACK = 1024
_HEADER = re.compile(rb"(\xef\xbb\xbf)?[\s\0]*%PDF-")
_LATE_HEADER = re.compile(rb"(?s).{,1023}[\r\n]%PDF-\d\.\d[\s\0]+(%[^\r\n]*[\s\0]+)?\d+[\s\0]+\d+[\s\0]+obj")
_END = re.compile(rb"startxref[\s\0]{1,16}\d{1,20}[\s\0]{1,16}%%EOF")
_TEXT = re.compile(rb"[\t\r\n -~]*")
_PIECE = 1 << 20

# One structure stream (a cross-reference, a packed group of objects, a form) unpacks to this at most.
_STREAM_BYTES = 64 << 20
_STREAM_FILTERS = 4
_WARNINGS = 10_000
_DEEPEST = 499  # qpdf's own: deeper, its recursion could use up the stack

_NOTABLE = re.compile(rb"/(JS|JavaScript|OnInstantiate|Launch|EF|XFA|URI)\b")
_OUT_OF_MEMORY = re.compile(
    r"memory limit|bad_alloc|too many warnings|warnings? limit|limits? error|max(imum)? nesting"
)
_KEPT_BACK = re.compile(r"error decoding stream data|unfilterable stream|error reading object|giving up on reading")
_NEEDS_KEY = re.compile(r"password|encrypt|crypt filter", re.IGNORECASE)

# Whatever the namespace's prefix is; an entity could stand for it.
_SCRIPT = re.compile(rb"<([\w.-]+:)?script[\s/>]|<!ENTITY", re.IGNORECASE)


class _Prescan(NamedTuple):
    """What the bytes say before any of them is parsed: how many objects begin, and where the last end marker ends."""

    objects: int
    end: int | None


def recognises(head: bytes) -> bool:
    """Whether it begins as a PDF, or has a PDF's first object in its first KiB behind something else."""
    return bool(_HEADER.match(head) or _LATE_HEADER.match(head))


def examine(file: BinaryIO, size: int, limits: Mapping[str, int], output: Output) -> None:
    """Look at one PDF, as `workers.inspection.parsers.port.Parser` says."""
    file.seek(0)
    if not recognises(file.read(4096)):
        return
    output = DeduplicatedOutput(output)
    prescan = _prescan(file)
    if prescan.objects > limits["pdf_objects"]:
        raise _too_many(limits)
    if prescan.end is None:
        output.finding("malformed", "rejected", "The PDF has no end marker: it was cut short.")
    elif _trails(file, prescan.end, size):
        output.finding("trailing_data", "rejected", "Something else follows the end of the PDF.")
    _open_and_look(file, limits, output)


def _prescan(file: BinaryIO) -> _Prescan:
    objects, marked, bare, base, carry = 0, None, None, 0, b""
    file.seek(0)
    while piece := file.read(_PIECE):
        window = carry + piece
        objects += _begun(window) - _begun(carry)
        for match in _END.finditer(window):
            marked = base + match.end()
        if (at := window.rfind(b"%%EOF")) >= 0:
            bare = base + at + len(b"%%EOF")
        carry = window[-64:]
        base += len(window) - len(carry)
    return _Prescan(objects, marked or bare)


def _begun(text: bytes) -> int:
    return text.count(b"obj") - text.count(b"endobj")


def _trails(file: BinaryIO, end: int, size: int) -> bool:
    """Blanks and zeros of any length, and the line or two of text that some servers append, are no trailing data."""
    file.seek(end)
    text, seen = b"", 0
    while piece := file.read(_PIECE):
        text += piece if text else piece.lstrip(b"\0\t\n\f\r ")
        seen += len(piece)
        if len(text) > _SLACK + _PIECE:
            return True
    text = text.rstrip(b"\0\t\n\f\r ")
    return end < size and (len(text) > _SLACK or not _TEXT.fullmatch(text))


def _open_and_look(file: BinaryIO, limits: Mapping[str, int], output: Output) -> None:
    import pikepdf
    from pikepdf import settings

    settings.set_qpdf_limits(
        flate_max_memory=_STREAM_BYTES,
        run_length_max_memory=_STREAM_BYTES,
        png_max_memory=_STREAM_BYTES,
        tiff_max_memory=_STREAM_BYTES,
        max_stream_filters=_STREAM_FILTERS,
        parser_max_nesting=min(limits["pdf_depth"], _DEEPEST),
        doc_max_warnings=_WARNINGS,
    )
    # Otherwise a hostile file writes as much as it likes to the standard error stream.
    logging.getLogger("pikepdf").setLevel(logging.CRITICAL + 1)
    before = settings.qpdf_limit_errors()
    file.seek(0)
    try:
        with pikepdf.open(file, inherit_page_attributes=False, access_mode=pikepdf.AccessMode.stream) as pdf:
            _check_objects(pdf, limits, output)
            _report_unread_objects(" ".join(str(warning) for warning in pdf.get_warnings()), output)
    except (pikepdf.PikepdfError, RuntimeError, ValueError, TypeError, AttributeError, KeyError, OSError) as error:
        if isinstance(error, RecursionError):
            raise
        _unreadable(error, output)
    if settings.qpdf_limit_errors() > before:
        raise Exceeded("The PDF is nested more deeply, or packed more often, than is looked into.")


def _unreadable(error: Exception, output: Output) -> None:
    import pikepdf

    if _OUT_OF_MEMORY.search(str(error)):
        raise Exceeded("The PDF needs more memory than it may have.") from error
    if isinstance(error, pikepdf.PasswordError) or _NEEDS_KEY.search(str(error)):
        output.finding("encrypted", "unscannable", "The PDF is encrypted and needs a password or a key.")
    else:
        output.finding("malformed", "rejected", "The PDF is broken: no reader can be relied upon to open it.")


def _report_unread_objects(warnings: str, output: Output) -> None:
    """What qpdf could not read it replaces by nothing, and says so only here."""
    if _OUT_OF_MEMORY.search(warnings):
        raise Exceeded("The PDF unpacks to more than is looked into.")
    if _KEPT_BACK.search(warnings):
        output.finding("malformed", "rejected", "Some objects of the PDF cannot be read.")


def _too_many(limits: Mapping[str, int]) -> Exceeded:
    return Exceeded(f"The PDF has more than {limits['pdf_objects']:,} objects.")


def _check_objects(pdf: "pikepdf.Pdf", limits: Mapping[str, int], output: Output) -> None:
    if len(pdf.get_xref_table()) > limits["pdf_objects"]:
        raise _too_many(limits)
    for count, one in enumerate(_objects(pdf)):
        if count >= limits["pdf_objects"]:
            raise _too_many(limits)
        for code in _codes(one):
            output.finding(code, "rejected", _SENTENCES[code])


_SENTENCES = {
    "javascript": "The PDF contains JavaScript.",
    "launch_action": "The PDF can start a program.",
    "embedded_file": "The PDF carries another file inside.",
}


def _objects(pdf: "pikepdf.Pdf") -> Iterator["pikepdf.Object"]:
    yield pdf.trailer
    yield from pdf.objects


def _codes(one: "pikepdf.Object") -> Iterator[str]:
    """The objections to one object; what it refers to is another one."""
    import pikepdf

    whole: object = one.stream_dict if isinstance(one, pikepdf.Stream) else one
    # What is written out has escapes in names undone, and is far quicker to search than the object is to walk.
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
            # A name that stands alone is there to be referred to, where it would be looked for.
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
    """A font or an image may be called JS as well; those are streams, and stand in no action."""
    import pikepdf

    return isinstance(script, pikepdf.String) or (isinstance(script, pikepdf.Stream) and action is not None)


def _scheme(link: bytes) -> bytes:
    return re.sub(rb"[\0-\x20]", b"", link[:1000]).removeprefix(b"\xfe\xff").partition(b":")[0].lower()


def _form(xfa: "pikepdf.Object") -> bytes:
    """The text of an XFA form, which is one stream or a list of names and streams; UTF-16 made legible."""
    import pikepdf

    parts = xfa.as_list() if isinstance(xfa, pikepdf.Array) else [xfa]
    streams = [part for part in parts if isinstance(part, pikepdf.Stream)]
    return b"".join(stream.read_bytes() for stream in streams).replace(b"\0", b"")
