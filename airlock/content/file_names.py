"""What systems and people make of a file's name. Pure."""

import re
import unicodedata
from collections.abc import Iterator

BIDIRECTIONAL = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
"""Embeddings, overrides and isolates (Unicode Standard Annex #9, 2): with them `a\u202egnp.exe` looks like `aexe.png`.

The marks U+200E and U+200F reorder no Latin letters, and phones write them into names.
"""
# What stands before a colon is the file, and what follows a stream beside it (NTFS); "12: a.txt" is a name of macOS.
_STREAM = re.compile(r":(?! )")


def stored_name(path: str) -> str:
    """The name under which Windows stores a file: without folders, and without dots and spaces at the end.

    An alternate data stream is cut off too (`a.exe::$DATA`). Source: "Naming Files, Paths, and Namespaces", Microsoft.
    """
    return path.replace("\\", "/").rpartition("/")[2].partition("::")[0].rstrip(". ")


def extension(path: str) -> str:
    """The lower-case extension of `stored_name`, without its dot; "" where there is none."""
    _, dot, end = stored_name(path).rpartition(".")
    return end.lower() if dot else ""


def stored_names(path: str) -> Iterator[str]:
    """Each name under which some system stores a file, without folders: one with a colon is two on Windows."""
    if not path.isascii():
        # Windows turns wide letters into plain ones where a program has no Unicode, and nobody sees the formats.
        path = "".join(each for each in unicodedata.normalize("NFKC", path) if unicodedata.category(each) != "Cf")
    name = path.replace("\\", "/").rstrip("/. ").rpartition("/")[2]
    yield name
    if ":" in name:
        yield _STREAM.split(name)[0].rstrip(". ")
