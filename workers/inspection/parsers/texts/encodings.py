"""Placeholder of the lead until the real one is there: overwrite it."""

import codecs
from typing import BinaryIO


def decoded_as(head: bytes, whole: BinaryIO, size: int) -> str | None:
    whole.seek(0)
    body = whole.read()
    for mark, name in ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
        if body.startswith(mark):
            return name
    if set(body) & (set(range(32)) - set(b"\t\n\r\f\b\x1b\x1a")):
        return None
    for name in ("utf-8", "cp1252"):
        try:
            body.decode(name)
        except UnicodeDecodeError:
            continue
        return name
    return None
