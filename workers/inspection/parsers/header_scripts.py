"""Pictures and sounds whose first bytes a browser also reads as JavaScript.

A server or a page that loads such a file with `<script src=…>` runs it. The signature is then the name of a variable,
and the fields behind it are an operator and the beginning of a comment or a string that hides the rest. Marks cannot
find these, since no word of theirs is fixed.

JavaScript has no control characters outside of comments and strings, and one error anywhere stops all of a script. So
this looks for a header of printable text up to a comment or a string, and for text again behind it.

Sources: https://portswigger.net/research/bypassing-csp-using-polyglot-jpegs; ECMA-262, section 12.
"""

import re
from typing import BinaryIO

# Names as far as JavaScript is concerned: the first four of a JPEG are letters in ISO 8859-1.
_NAMES = re.compile(rb"GIF8[79]a|BM|RIFF|FORM|#!AMR(?:-WB)?\n|ID3|\xff\xd8\xff[\xc0-\xd6\xd8-\xf6\xf8-\xfe]")
_OPENING = re.compile(rb"[\t\n\v\f\r\x20-\x7e]*?(/\*|//|[`\"'])", re.DOTALL)
_CLOSINGS = {
    b"/*": re.compile(rb"\*/([\t\n\v\f\r\x20-\x7e]{4})"),
    b"//": re.compile(rb"[\n\r]([\t\n\v\f\r\x20-\x7e]{12})"),
    b"`": re.compile(rb"`([\t\n\v\f\r\x20-\x7e]{12})"),
    b'"': re.compile(rb'"([\t\n\v\f\r\x20-\x7e]{12})'),
    b"'": re.compile(rb"'([\t\n\v\f\r\x20-\x7e]{12})"),
}
# A header of so much text is text: the fields of a picture have zeros among them.
_TEXT = re.compile(rb"[\t\n\v\f\r\x20-\x7e]{32}")
_HEADER = 128
_PIECE = 1024 * 1024


def begins_as_script(file: BinaryIO) -> bool:
    """Whether the first fields of `file` are what JavaScript reads as code."""
    file.seek(0)
    head = file.read(_HEADER)
    name = _NAMES.match(head)
    if name is None:
        return False
    if _TEXT.match(head, name.end()):
        return True
    opening = _OPENING.match(head, name.end())
    return opening is not None and _closes(file, opening.end(), opening[1])


def _closes(file: BinaryIO, start: int, opening: bytes) -> bool:
    """Whether what is opened before `start` is closed by the first mark of its kind, with text behind it."""
    file.seek(start)
    behind = b""
    while piece := file.read(_PIECE):
        data = behind + piece
        if opening in (b"/*", b"`") and (found := data.find(b"*/" if opening == b"/*" else b"`")) >= 0:
            data = data[found:] + file.read(32)
            return _CLOSINGS[opening].match(data) is not None
        if opening not in (b"/*", b"`"):
            return _CLOSINGS[opening].search(data) is not None
        behind = data[-1:]
    return False
