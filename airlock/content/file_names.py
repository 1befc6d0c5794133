"""What systems and people make of a file's name. Pure."""

import re

BIDIRECTIONAL = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
"""Embeddings, overrides and isolates (Unicode Standard Annex #9, 2): with them `a\u202egnp.exe` looks like `aexe.png`.

The marks U+200E and U+200F reorder no Latin letters, and phones write them into names.
"""


def stored_name(path: str) -> str:
    """The name under which Windows stores a file: without folders, and without dots and spaces at the end.

    An alternate data stream is cut off too (`a.exe::$DATA`). Source: "Naming Files, Paths, and Namespaces", Microsoft.
    """
    return path.replace("\\", "/").rpartition("/")[2].partition("::")[0].rstrip(". ")


def extension(path: str) -> str:
    """The lower-case extension of `stored_name`, without its dot; "" where there is none."""
    _, dot, end = stored_name(path).rpartition(".")
    return end.lower() if dot else ""
