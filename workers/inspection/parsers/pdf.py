"""The parser `pdf`: JavaScript, actions that start programs, and embedded files; and what cannot be read at all.

Codes: `javascript`, `launch_action`, `embedded_file`, `malformed`, `trailing_data` (rejected), `encrypted`
(unscannable). qpdf reads the objects, also those in object streams. Each object in the file's cross-reference is tested
once and by itself, wherever it is used: chains of actions are not followed, so none can be hidden or endless.

A file that opens with the empty password is readable for everybody, so it is tested; only one that needs another
password is `encrypted`. qpdf repairs a damaged file as PDF readers do, and the repaired file is tested; one whose
objects cannot all be read is `malformed`.
"""

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from workers.inspection.parsers.deduplicated import DeduplicatedOutput
from workers.inspection.parsers.pdfs.objects import finding_codes
from workers.inspection.parsers.port import LimitExceeded, Output

if TYPE_CHECKING:
    import pikepdf

MODULES: Sequence[str] = ("pikepdf",)
DEFAULTS: Mapping[str, int] = MappingProxyType({"pdf_objects": 200_000, "pdf_depth": 100})

# PDF readers accept the header in the first KiB, and the end in the last one: ISO 32000-1, Annex H, notes 13 and 18.
_SLACK = 1024
_HEADER = re.compile(rb"(\xef\xbb\xbf)?[\s\0]*%PDF-")
_LATE_HEADER = re.compile(rb"(?s).{,1023}[\r\n]%PDF-\d\.\d[\s\0]+(%[^\r\n]*[\s\0]+)?\d+[\s\0]+\d+[\s\0]+obj")
_END = re.compile(rb"startxref[\s\0]{1,16}\d{1,20}[\s\0]{1,16}%%EOF")
_TEXT = re.compile(rb"[\t\r\n -~]*")
_PIECE = 1 << 20

# The limit for one structure stream (a cross-reference, an object stream, a form), unpacked.
_STREAM_BYTES = 64 << 20
_STREAM_FILTERS = 4
_WARNINGS = 10_000
_MAX_DEPTH = 499  # qpdf's own limit: beyond it, its recursion could exhaust the stack

_LIMIT_REACHED = re.compile(
    r"memory limit|bad_alloc|too many warnings|warnings? limit|limits? error|max(imum)? nesting"
)
_NOT_READ = re.compile(r"error decoding stream data|unfilterable stream|error reading object|giving up on reading")
_NEEDS_KEY = re.compile(r"password|encrypt|crypt filter", re.IGNORECASE)

_MESSAGES = {
    "javascript": "The PDF contains JavaScript.",
    "launch_action": "The PDF can start a program.",
    "embedded_file": "The PDF contains another file.",
}


class _Prescan(NamedTuple):
    """Found without parsing: the number of objects, and the offset after the last end marker."""

    objects: int
    end: int | None


def recognises(head: bytes) -> bool:
    """Whether `head` begins a PDF, or has other bytes and then a PDF's first object within the first KiB."""
    return bool(_HEADER.match(head) or _LATE_HEADER.match(head))


def examine(file: BinaryIO, size: int, limits: Mapping[str, int], output: Output) -> None:
    """Examine one PDF (see `workers.inspection.parsers.port.Parser`)."""
    file.seek(0)
    if not recognises(file.read(4096)):
        return
    output = DeduplicatedOutput(output)
    prescan = _prescan(file)
    if prescan.objects > limits["pdf_objects"]:
        raise _too_many(limits)
    if prescan.end is None:
        output.finding("malformed", "The PDF has no end marker: it is incomplete.")
    elif _has_trailing_data(file, prescan.end, size):
        output.finding("trailing_data", "Further bytes follow the end of the PDF.")
    _set_qpdf_limits(limits)
    _open_and_check(file, limits, output)


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


def _has_trailing_data(file: BinaryIO, end: int, size: int) -> bool:
    """Whether more follows than white space and zeros, or the short text that some servers append."""
    file.seek(end)
    text = b""
    while piece := file.read(_PIECE):
        text += piece if text else piece.lstrip(b"\0\t\n\f\r ")
        if len(text) > _SLACK + _PIECE:
            return True
    text = text.rstrip(b"\0\t\n\f\r ")
    return end < size and (len(text) > _SLACK or not _TEXT.fullmatch(text))


def _set_qpdf_limits(limits: Mapping[str, int]) -> None:
    from pikepdf import settings

    settings.set_qpdf_limits(
        flate_max_memory=_STREAM_BYTES,
        run_length_max_memory=_STREAM_BYTES,
        png_max_memory=_STREAM_BYTES,
        tiff_max_memory=_STREAM_BYTES,
        max_stream_filters=_STREAM_FILTERS,
        parser_max_nesting=min(limits["pdf_depth"], _MAX_DEPTH),
        doc_max_warnings=_WARNINGS,
    )
    # Else a hostile file writes any number of warnings to the standard error stream.
    logging.getLogger("pikepdf").setLevel(logging.CRITICAL + 1)


def _open_and_check(file: BinaryIO, limits: Mapping[str, int], output: Output) -> None:
    import pikepdf
    from pikepdf import settings

    errors_before = settings.qpdf_limit_errors()
    file.seek(0)
    try:
        with pikepdf.open(file, inherit_page_attributes=False, access_mode=pikepdf.AccessMode.stream) as pdf:
            _check_objects(pdf, limits, output)
            _report_unread_objects(" ".join(str(warning) for warning in pdf.get_warnings()), output)
    except RecursionError:
        raise
    except (pikepdf.PikepdfError, RuntimeError, ValueError, TypeError, AttributeError, KeyError, OSError) as error:
        _report_unreadable(error, output)
    if settings.qpdf_limit_errors() > errors_before:
        raise LimitExceeded("The PDF is nested too deeply (pdf_depth), or a stream in it has too many filters.")


def _report_unreadable(error: Exception, output: Output) -> None:
    import pikepdf

    if _LIMIT_REACHED.search(str(error)):
        raise LimitExceeded("The PDF needs more memory than the limit.") from error
    if isinstance(error, pikepdf.PasswordError) or _NEEDS_KEY.search(str(error)):
        output.finding("encrypted", "The PDF is encrypted and needs a password or a key.")
    else:
        output.finding("malformed", "The PDF is broken, and programs may read it differently.")


def _report_unread_objects(warnings: str, output: Output) -> None:
    """Report objects that qpdf could not read. It omits them, and only its warnings say so."""
    if _LIMIT_REACHED.search(warnings):
        raise LimitExceeded("The PDF unpacks to more than the limit.")
    if _NOT_READ.search(warnings):
        output.finding("malformed", "Some objects of the PDF cannot be read.")


def _too_many(limits: Mapping[str, int]) -> LimitExceeded:
    return LimitExceeded(f"The PDF has more than {limits['pdf_objects']:,} objects.")


def _check_objects(pdf: "pikepdf.Pdf", limits: Mapping[str, int], output: Output) -> None:
    if len(pdf.get_xref_table()) > limits["pdf_objects"]:
        raise _too_many(limits)
    for count, one in enumerate(_objects(pdf)):
        if count >= limits["pdf_objects"]:
            raise _too_many(limits)
        for code in finding_codes(one):
            output.finding(code, _MESSAGES[code])


def _objects(pdf: "pikepdf.Pdf") -> Iterator["pikepdf.Object"]:
    yield pdf.trailer
    yield from pdf.objects
