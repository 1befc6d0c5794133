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
# The name may go on. A comment or a template may follow it directly; a string only behind an operator or on a new line.
_OPENING = re.compile(
    rb"[\w$]*[\t\n\v\f\r ]*"
    rb"(?:(?P<direct>/\*|//|`)|[=;,?:+\-*%&|^<>.!()\[\]{}~\n\r][\t\n\v\f\r\x20-\x7e]*?(?P<later>/\*|//|[`\"']))"
)
_TEXT_BEHIND = rb"[\t\n\v\f\r\x20-\x7e]"
# What hides other bytes up to its end, and how much text has to follow there.
_HIDDEN = {
    b"/*": (rb".*?\*/", 3),
    b"//": (rb"[^\n\r]*[\n\r]", 12),
    b"`": (rb"[^`]*`", 12),
    b'"': (rb'(?:[^"\\\n\r]|\\.)*"', 12),
    b"'": (rb"(?:[^'\\\n\r]|\\.)*'", 12),
}
# What follows a name directly and hides something is followed by an operator: the colours of a GIF can be text too.
_OPERATOR = rb"[\t\v\f ]*[=;,?:+\-*/%&|^<>.!(\[\n\r]"
# A header of so much text is text: the fields of a picture have zeros among them.
_TEXT = re.compile(rb"[\t\n\v\f\r\x20-\x7e]{32}")
_HEADER = 128
# How far the end of what is hidden is sought.
_REACH = 256 * 1024 * 1024


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
    if opening is None:
        return False
    hidden, length = _HIDDEN[opening["direct"] or opening["later"]]
    operator = _OPERATOR if opening["direct"] in (b"/*", b"`") else b""
    file.seek(opening.end())
    program = re.compile(hidden + operator + _TEXT_BEHIND + b"{%d}" % length, re.DOTALL)
    return program.match(file.read(_REACH)) is not None
