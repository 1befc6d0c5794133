"""The examiner `pdf`: what a PDF runs, opens, sends or brings in, and the files that are attached to it.

How it works. qpdf (pikepdf) reads the objects, also those in object streams. Each object of the cross-reference is
examined once and by itself, wherever it is used, so no chain of actions can be hidden or endless. Then the objects that
the cross-reference does not reach follow: those of earlier revisions and those in gaps, which a program meets that
repairs the file. Attached files are members.

A file that opens with the empty password is readable for everybody, so it is examined; only one that needs another
password is `encrypted`. qpdf repairs a damaged file as PDF readers do, and the repaired file is examined; one whose
objects cannot all be read is `malformed`.

Embedded fonts, pictures and the operators of pages are not examined: none of them acts.
"""

import logging
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, BinaryIO

from workers.inspection.parsers.deduplicated import DeduplicatedOutput
from workers.inspection.parsers.pdfs.attachments import Attachments
from workers.inspection.parsers.pdfs.layout import Layout, report_end, scan
from workers.inspection.parsers.pdfs.objects import ObjectExaminer
from workers.inspection.parsers.pdfs.unreached import unreached_objects
from workers.inspection.parsers.pdfs.whole import has_lost_pages
from workers.inspection.parsers.port import EnvironmentFault, LimitExceeded, Output
from workers.inspection.parsers.ranges import section
from workers.inspection.readings import Reading

if TYPE_CHECKING:
    import pikepdf

MODULES: Sequence[str] = ("pikepdf", "lxml.etree")
DEFAULTS: Mapping[str, int] = MappingProxyType({"pdf_objects": 500_000, "pdf_depth": 100})

# The limit for one stream that is read here (a cross-reference, an object stream, a script, a form), unpacked.
_STREAM_BYTES = 64 << 20
_STREAM_FILTERS = 4
_MAPPED_BYTES = 256 << 20
_WARNINGS = 10_000
_MAX_DEPTH = 499  # qpdf's own limit: beyond it, its recursion could exhaust the stack

_LIMIT_REACHED = re.compile(
    r"memory limit|bad_alloc|too many warnings|warnings? limit|limits? error|max(imum)? nesting"
)
_NOT_READ = re.compile(r"error decoding stream data|unfilterable stream|error reading object|giving up on reading")
_NEEDS_KEY = re.compile(r"password|encrypt|crypt filter", re.IGNORECASE)
# Of two entries of one name, some readers take the first and others the last: those that decide what is run or opened.
_TWICE = re.compile(
    r"duplicated key /(?:A|AA|PA|NA|S|JS|URI|F|UF|FS|D|N|Next|Names|JavaScript|OpenAction|AcroForm|XFA|EF|Win|Annots"
    r"|Kids|Pages|Root|Prev|Movie|Base|R|C|Fields|Parent|Dests|Subtype|Filter)(?![\w#.-])"
)
# What qpdf and its cryptographic libraries say when they get no random numbers.
_ENVIRONMENT = re.compile(r"random|crypto provider|gnutls|openssl|evp_", re.IGNORECASE)


def examine(file: BinaryIO, size: int, reading: Reading, limits: Mapping[str, int], output: Output) -> None:
    """Examine one PDF (see `workers.inspection.parsers.port.Examiner`)."""
    output = DeduplicatedOutput(output)
    source = section(file, reading.start, reading.end or size)
    layout = scan(source, limits["pdf_objects"])
    report_end(source, layout, output)
    _set_qpdf_limits(limits)
    _open_and_examine(source, layout, limits, output)


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


def _open_and_examine(source: BinaryIO, layout: Layout, limits: Mapping[str, int], output: Output) -> None:
    import pikepdf
    from pikepdf import settings

    errors_before = settings.qpdf_limit_errors()
    source.seek(0)
    try:
        # A file that is mapped is read five times as fast; where it cannot be mapped, it is read as a stream.
        mode = pikepdf.AccessMode.mmap if layout.size <= _MAPPED_BYTES else pikepdf.AccessMode.stream
        with pikepdf.open(source, inherit_page_attributes=False, access_mode=mode) as pdf:
            _examine_objects(pdf, source, layout, limits, output)
            _report_warnings(" ".join(str(warning) for warning in pdf.get_warnings()), output)
    except RecursionError:
        raise
    except OSError as error:
        raise EnvironmentFault(str(error)) from error
    except (pikepdf.PikepdfError, RuntimeError, ValueError) as error:
        _report_unreadable(error, output)
    if settings.qpdf_limit_errors() > errors_before:
        raise LimitExceeded("The PDF is nested too deeply (pdf_depth), or a stream in it has too many filters.")


def _report_unreadable(error: Exception, output: Output) -> None:
    import pikepdf

    # An error about the file has its own class, and may quote the file; so it never counts as the environment's.
    if not isinstance(error, pikepdf.PdfError) and _ENVIRONMENT.search(str(error)):
        raise EnvironmentFault(f"qpdf: {error}") from error
    if _LIMIT_REACHED.search(str(error)):
        raise LimitExceeded("The PDF needs more memory than the limit.") from error
    if isinstance(error, pikepdf.PasswordError) or _NEEDS_KEY.search(str(error)):
        output.finding("encrypted", "The PDF is encrypted and needs a password or a key.")
    else:
        output.finding("malformed", "The PDF is broken, and programs may read it differently.")


def _report_warnings(warnings: str, output: Output) -> None:
    """Report what qpdf repaired or could not read. It omits such objects, and only its warnings say so."""
    if _LIMIT_REACHED.search(warnings):
        raise LimitExceeded("The PDF unpacks to more than the limit.")
    if _NOT_READ.search(warnings):
        output.finding("malformed", "Some objects of the PDF cannot be read.")
    if _TWICE.search(warnings):
        output.finding("malformed", "An object of the PDF says twice what it runs or opens, and programs differ.")
    if "reconstruct" in warnings:
        output.finding("irregular", "The list of the PDF's objects is broken; programs rebuild it.")


def _examine_objects(
    pdf: "pikepdf.Pdf", source: BinaryIO, layout: Layout, limits: Mapping[str, int], output: Output
) -> None:
    table = pdf.get_xref_table()
    if len(table) > limits["pdf_objects"]:
        raise LimitExceeded(f"The PDF has more than {limits['pdf_objects']:,} objects (pdf_objects).")
    attachments = Attachments(output)
    examiner = ObjectExaminer(output, attachments)
    examiner.examine(pdf.trailer)
    for one in pdf.objects:
        examiner.examine(one)
    for one in unreached_objects(pdf, table, source, layout, limits["pdf_objects"]):
        examiner.examine(one)
    if not layout.ended and has_lost_pages(source, layout, table):
        output.finding("truncated", "The PDF ends before its content does.")
    attachments.hand_out()
