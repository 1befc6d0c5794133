"""Where the objects of a PDF begin and where it ends, found without parsing; and what follows the end.

PDF readers accept the end marker anywhere in the last KiB (ISO 32000-1, annex H, note 18), so printers' controls, a web
server's comment and the padding of a block stand behind it in files that everybody opens.
"""

import re
from array import array
from typing import BinaryIO, NamedTuple

from workers.inspection.parsers.port import LimitExceeded, Output

_SLACK = 1024
_PIECE = 1 << 20
_LONGEST = 64  # bytes of "startxref 123 %%EOF" or of "123 0 obj", with white space

_END = re.compile(rb"startxref[\s\0]{1,16}\d{1,20}[\s\0]{1,16}%%EOF")
# The last bytes were lost, or the writer forgot them: the offset of the cross-reference is there.
_CUT_END = re.compile(rb"startxref[\s\0]+\d{1,20}[\s\0]*%{0,2}E?O?\Z")
_NUMBERED = re.compile(rb"(?<!\d)\d{1,10}[\s\0]{1,8}\d{1,5}[\s\0]{0,8}\Z")

_WHITE = b"\0\t\n\f\r "
# The ends of a text under DOS and of a job in PostScript, and flash memory that was not written.
_CONTROLS = b"\x1a\x04\xff"
# A printer's job language (PJL) ends a job so; a comment is what web servers append.
_KNOWN = re.compile(
    rb"\x1b%-12345X(@PJL[^\r\n<]*[\r\n]*)*|<!--(?:(?!<[?%!a-z]|-->).){0,1024}-->", re.DOTALL | re.IGNORECASE
)
_TEXT = re.compile(rb"[\t\r\n -;=-~\0]*")


class Layout(NamedTuple):
    """Offsets from the PDF's beginning: where objects begin ("1 0 obj"), and where the last end marker ends.

    `marked` says whether there is an end marker, without which `end` is the size; `ended` whether there is one or at
    least the place of the cross-reference.
    """

    objects: "array[int]"
    end: int
    marked: bool
    ended: bool
    size: int


def scan(file: BinaryIO, limit: int) -> Layout:
    """Read all of `file`. Raises LimitExceeded where more than `limit` objects begin."""
    objects: array[int] = array("Q")
    marked = bare = base = 0
    carry = b""
    file.seek(0)
    while piece := file.read(_PIECE):
        data = carry + piece
        _add_objects(data, base, len(carry), objects)
        if len(objects) > limit:
            raise LimitExceeded(f"The PDF has more than {limit:,} objects (pdf_objects).")
        for match in _END.finditer(data):
            marked = base + match.end()
        if (at := data.rfind(b"%%EOF")) >= 0:
            bare = base + at + len(b"%%EOF")
        carry = data[-_LONGEST:]
        base += len(data) - len(carry)
    size = base + len(carry)
    cut = _CUT_END.search(carry.rstrip(_WHITE))
    return Layout(objects, marked or bare or size, bool(marked or bare), bool(marked or bare or cut), size)


def _add_objects(data: bytes, base: int, known: int, objects: "array[int]") -> None:
    """Add where "1 0 obj" begins; what ends within the first `known` bytes was found before."""
    at = data.find(b"obj")
    while at >= 0:
        if at + 3 > known and (found := _NUMBERED.search(data[max(at - 32, 0) : at])):
            objects.append(base + max(at - 32, 0) + found.start())
        at = data.find(b"obj", at + 3)


def report_end(file: BinaryIO, layout: Layout, output: Output) -> None:
    """Report a lost end, and bytes behind the end that are more than padding."""
    if not layout.marked:
        output.finding("irregular", "The PDF has no end marker.")
    file.seek(layout.end)
    text = b""
    while piece := file.read(_PIECE):
        text += piece if text else piece.lstrip(_WHITE)
        if len(text) > _SLACK + _PIECE:
            break
    text = text.rstrip(_WHITE)
    if not text:
        return
    inner = text.strip(_WHITE + _CONTROLS)
    if len(inner) > _SLACK or not _TEXT.fullmatch(_KNOWN.sub(b"", inner)):
        output.finding("trailing_data", "Further bytes follow the end of the PDF.")
    else:
        output.finding("irregular", "A short text follows the end of the PDF.")
