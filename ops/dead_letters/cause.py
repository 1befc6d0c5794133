"""The cause of a dead letter: its reason without what is particular to this one, so that letters can be grouped."""

import re

WITHOUT_A_WORD = "received too often without a word"
"""Of letters that SQS moved by itself, because each worker that had one ended before it could say why."""

# Names and keys are told in quotes, as Python writes them. An apostrophe within a word begins none.
_QUOTED = re.compile(r"""(?<!\w)(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")(?!\w)""")
# Ids of uploads, versions and requests: long, and with a digit in them. No path or sentence is.
_ID = re.compile(r"(?<![\w.-])(?=[A-Za-z._~+/=-]*\d)[\w.~+/=-]{16,}")
# The status of an answer is a cause of its own.
_NUMBER = re.compile(r"(?<!answered )(?<![\w.-])\d+(?:[.,:]\d+)*(?![\w-])")


def cause(reason: str | None) -> str:
    """The group to which a reason belongs: quoted texts and ids become `…`, numbers `N`. None: nobody gave one."""
    if not reason:
        return WITHOUT_A_WORD
    return _NUMBER.sub("N", _ID.sub("…", _QUOTED.sub("'…'", reason)))
