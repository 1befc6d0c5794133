"""The cause of a dead letter: its reason without names, ids and numbers, so that messages can be grouped by it."""

import re

NO_REASON = "received too often, moved by SQS without a reason"
"""The cause of messages that SQS moved, because each worker that received them ended before it gave a reason."""

# Names and keys are quoted as Python's repr does. An apostrophe inside a word is no quote.
_QUOTED = re.compile(r"""(?<!\w)(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")(?!\w)""")
# Ids of uploads, versions and requests: long, and with a digit in them. No path or sentence is.
_ID = re.compile(r"(?<![\w.-])(?=[A-Za-z._~+/=-]*\d)[\w.~+/=-]{16,}")
# The HTTP status after "answered" tells causes apart, so it stays.
_NUMBER = re.compile(r"(?<!answered )(?<![\w.-])\d+(?:[.,:]\d+)*(?![\w-])")


def cause(reason: str | None) -> str:
    """The cause for a reason: quoted texts and ids become `…`, numbers `N`. None or empty: `NO_REASON`."""
    if not reason:
        return NO_REASON
    return _NUMBER.sub("N", _ID.sub("…", _QUOTED.sub("'…'", reason)))
