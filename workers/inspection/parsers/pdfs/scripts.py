"""Scripts of form fields that only format or add up: calls of Acrobat's own functions with literal arguments.

Acrobat writes them when somebody chooses "number" or "date" for a field, and readers have these functions built in
(JavaScript for Acrobat API Reference, "AForm"). Every other script counts as one that can do anything.
"""

import re

_FUNCTIONS = (
    "AFNumber_Format|AFNumber_Keystroke|AFPercent_Format|AFPercent_Keystroke|AFDate_Format|AFDate_FormatEx"
    "|AFDate_Keystroke|AFDate_KeystrokeEx|AFTime_Format|AFTime_FormatEx|AFTime_Keystroke|AFSpecial_Format"
    "|AFSpecial_Keystroke|AFSpecial_KeystrokeEx|AFSimple_Calculate|AFRange_Validate|AFMergeChange|AFExactMatch"
)
_STRING = r"\"(?:[^\"\\\r\n]|\\.)*\"|'(?:[^'\\\r\n]|\\.)*'"
_LITERAL = rf"(?:{_STRING}|[-+]?\d+(?:\.\d*)?|[-+]?\.\d+|true|false|null)"
_LIST = rf"(?:new\s+Array\s*\(\s*(?:{_LITERAL}\s*(?:,\s*{_LITERAL}\s*)*)?\)|\[\s*(?:{_LITERAL}\s*(?:,\s*{_LITERAL}\s*)*)?\])"
_ARGUMENT = rf"(?:{_LITERAL}|{_LIST})"
_CALL = rf"(?:{_FUNCTIONS})\s*\(\s*(?:{_ARGUMENT}\s*(?:,\s*{_ARGUMENT}\s*)*)?\)\s*;?"
_ONLY_CALLS = re.compile(rf"\s*(?:{_CALL}\s*)*\Z")
_COMMENT = re.compile(rf"({_STRING})|//[^\r\n]*|/\*.*?\*/", re.DOTALL)
_LONGEST = 20_000


def only_formats(script: str) -> bool:
    """Whether the script does nothing but call functions of the list with literals."""
    if len(script) > _LONGEST:
        return False
    return _ONLY_CALLS.match(_COMMENT.sub(lambda found: found[1] or " ", script)) is not None
