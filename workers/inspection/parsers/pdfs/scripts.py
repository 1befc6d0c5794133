"""Scripts of form fields that only format or calculate: Acrobat's own functions (Forms JavaScript), called with
literals, and what Acrobat writes for its "simplified field notation", which is arithmetic with the values of fields.

They set or test the value of the field whose event runs them, and nothing else:
https://opensource.adobe.com/dc-acrobat-sdk-docs/library/jsapiref/ and Acrobat's AForm.js.
"""

import re
from enum import Enum

_FUNCTIONS = (
    r"AF(?:Number|Percent|Date|Time|Special)_(?:Format|Keystroke)|AF(?:Date|Time)_(?:Format|Keystroke)Ex"
    r"|AFSpecial_KeystrokeEx|AFRange_Validate|AFSimple_Calculate"
)

# The alternatives exclude one another by their first characters, so no text makes these expressions slow.
_BLANK = r"(?:[\s\ufeff]|/\*(?:[^*]|\*(?!/))*\*/|//[^\r\n\u2028\u2029]*)*+"
_STRING = r"""(?:"(?:[^"\\\r\n\u2028\u2029]|\\[^\r\n])*"|'(?:[^'\\\r\n\u2028\u2029]|\\[^\r\n])*')"""
_NUMBER = r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_SCALAR = rf"(?:{_STRING}|[+-]?{_NUMBER}|true|false|null)"


def _listed(item: str) -> str:
    return rf"(?:{_BLANK}{item}{_BLANK}(?:,{_BLANK}{item}{_BLANK})*|{_BLANK})"


_LIST = rf"(?:new\s+Array{_BLANK}\({_listed(_SCALAR)}\)|\[{_listed(_SCALAR)}\])"
_CALL = rf"(?:{_FUNCTIONS}){_BLANK}\({_listed(rf'(?:{_SCALAR}|{_LIST})')}\)"
_VALUE = rf"(?:this\.)?getField{_BLANK}\({_BLANK}{_STRING}{_BLANK}\){_BLANK}\.value\b"
_CALCULATION = rf"event\.value{_BLANK}=(?:{_BLANK}(?:AFMakeNumber(?={_BLANK}\()|{_VALUE}|{_NUMBER}|[-+*/()]))++"
_PART = re.compile(rf"{_BLANK}(?:(?P<call>{_CALL}|{_CALCULATION})|;|\Z)")


class Script(Enum):
    """What a script does."""

    NOTHING = "nothing"
    FORMATS = "formats"
    MORE = "more"


def judged(text: str) -> Script:
    """Whether a script only formats and calculates; `MORE` is everything that is not known to be harmless."""
    at, calls = 0, 0
    while at < len(text):
        part = _PART.match(text, at)
        if part is None or (part["call"] and not _ends(text, part.end())):
            return Script.MORE
        calls += part["call"] is not None
        at = part.end()
    return Script.FORMATS if calls else Script.NOTHING


def _ends(text: str, at: int) -> bool:
    """Whether a statement ends at `at`: else its value is used for something."""
    rest = re.compile(_BLANK).match(text, at)
    end = rest.end() if rest else at
    return end == len(text) or text[end] == ";" or bool(re.search(r"[\r\n]", text[at:end]) and text[end].isalpha())
