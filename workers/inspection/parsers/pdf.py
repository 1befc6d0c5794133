"""The examiner `pdf`: actions, scripts, links, forms and files inside; and what cannot be read at all.

qpdf reads the objects, also those in object streams. Each object in the file's cross-reference is looked at once and by
itself, wherever it is used: chains of actions are not followed, so none can be hidden or endless. Files that the PDF
embeds are members. Pictures and fonts inside are not decoded: readers do that, and no script is in them.

A file that opens with the empty password is readable for everybody, so it is examined; only one that needs another
password is `encrypted`. qpdf repairs a damaged file as PDF readers do, and the repaired file is examined; one whose
objects cannot all be read is `malformed`.
"""

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from types import MappingProxyType
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from workers.inspection.parsers.deduplicated import DeduplicatedOutput
from workers.inspection.parsers.pdfs.objects import MESSAGES, EmbeddedFile, examine_object
from workers.inspection.parsers.port import EnvironmentFault, LimitExceeded, Output, Reading

if TYPE_CHECKING:
    import pikepdf

MODULES: Sequence[str] = ("pikepdf",)
DEFAULTS: Mapping[str, int] = MappingProxyType({"pdf_objects": 200_000, "pdf_depth": 100})

# PDF readers accept the header in the first KiB, and the end in the last one: ISO 32000-1, Annex H, notes 13 and 18.
_SLACK = 1024
_END = re.compile(rb"startxref[\s\0]{1,16}\d{1,20}[\s\0]{1,16}%%EOF")
_TEXT = re.compile(rb"[\t\r\n\f -~\x04\x1a\x1b]*")
_WHITE = b"\0\t\n\f\r "
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
# qpdf takes random numbers from the system to open AES-256 files.
_ENVIRONMENT = re.compile(r"random|getrandom|entropy", re.IGNORECASE)
_NEEDS_KEY = re.compile(r"password|encrypt|crypt filter", re.IGNORECASE)


class _Prescan(NamedTuple):
    """Found without parsing: the number of objects, and the offset after the last end marker."""

    objects: int
    end: int | None


def examine(file: BinaryIO, size: int, reading: Reading, limits: Mapping[str, int], output: Output) -> None:  # noqa: ARG001
    """Examine one PDF (see `workers.inspection.parsers.port.Examiner`). qpdf finds its header itself, as readers do."""
    output = DeduplicatedOutput(output)
    prescan = _prescan(file)
    if prescan.objects > limits["pdf_objects"]:
        raise _too_many(limits)
    if prescan.end is None:
        output.finding("malformed", "The PDF has no end marker: it is incomplete.")
    else:
        _report_rest(file, prescan.end, size, output)
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


def _report_rest(file: BinaryIO, end: int, size: int, output: Output) -> None:
    """Report what follows the end: nothing of white space and zeros, a note of the short text that printers append."""
    file.seek(end)
    text = b""
    while piece := file.read(_PIECE):
        text += piece if text else piece.lstrip(_WHITE)
        if len(text) > _SLACK + _PIECE:
            break
    text = text.rstrip(_WHITE)
    if end >= size or not text:
        return
    if len(text) <= _SLACK and _TEXT.fullmatch(text):
        output.finding("irregular", "A short text follows the end of the PDF.")
    else:
        output.finding("trailing_data", "Further bytes follow the end of the PDF.")


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
    failures = (pikepdf.PikepdfError, RuntimeError, ValueError, TypeError, AttributeError, KeyError, OSError)
    attached: dict[tuple[int, int] | int, EmbeddedFile] = {}
    with ExitStack() as stack:
        try:
            pdf = stack.enter_context(
                pikepdf.open(file, inherit_page_attributes=False, access_mode=pikepdf.AccessMode.stream)
            )
            _check_objects(pdf, limits, output, attached)
            _report_unread_objects(" ".join(str(warning) for warning in pdf.get_warnings()), output)
        except RecursionError:
            raise
        except failures as error:
            _report_unreadable(error, output)
        for each in attached.values():
            _hand_out(each, output)
    if settings.qpdf_limit_errors() > errors_before:
        raise LimitExceeded("The PDF is nested too deeply (pdf_depth), or a stream in it has too many filters.")


def _hand_out(attached: EmbeddedFile, output: Output) -> None:
    import pikepdf

    try:
        content = attached.stream.read_bytes()
    except (pikepdf.PikepdfError, RuntimeError) as error:
        if _LIMIT_REACHED.search(str(error)):
            raise LimitExceeded("A file in the PDF unpacks to more than the limit.") from error
        output.finding("unsupported", "A file in the PDF cannot be read.")
        return
    with output.member(attached.name) as write:
        write(content)


def _report_unreadable(error: Exception, output: Output) -> None:
    import pikepdf

    if _LIMIT_REACHED.search(str(error)):
        raise LimitExceeded("The PDF needs more memory than the limit.") from error
    if _ENVIRONMENT.search(str(error)):
        raise EnvironmentFault(f"qpdf: {error}") from error
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


def _check_objects(
    pdf: "pikepdf.Pdf",
    limits: Mapping[str, int],
    output: Output,
    attached: dict[tuple[int, int] | int, EmbeddedFile],
) -> None:
    """Report the findings of every object; `attached` gets each file inside once, with its name where it has one."""
    if len(pdf.get_xref_table()) > limits["pdf_objects"]:
        raise _too_many(limits)

    def attach(file: EmbeddedFile) -> None:
        key = file.stream.objgen if file.stream.is_indirect else len(attached)
        if file.name or key not in attached:
            attached[key] = file

    for count, one in enumerate(_objects(pdf)):
        if count >= limits["pdf_objects"]:
            raise _too_many(limits)
        for code in examine_object(one, attach):
            output.finding(code, MESSAGES[code])


def _objects(pdf: "pikepdf.Pdf") -> Iterator["pikepdf.Object"]:
    yield pdf.trailer
    yield from pdf.objects
