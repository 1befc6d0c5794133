"""Whether a PDF without an end has all of its pages: a file that was cut off loses what its pages refer to."""

import re
from collections.abc import Container
from typing import BinaryIO

from workers.inspection.parsers.pdfs.layout import Layout
from workers.inspection.parsers.pdfs.unreached import text_at

_NODE = re.compile(rb"/Type[\s\0]*/(?:Catalog|Pages?)\b")
_REFERENCE = re.compile(rb"(?<![\d.])(\d{1,10})[\s\0]{1,8}(\d{1,5})[\s\0]{1,8}R\b")


def has_lost_pages(file: BinaryIO, layout: Layout, present: Container[tuple[int, int]]) -> bool:
    """Whether a page, or what one shows, is referred to and is not among the objects `present` (number, generation).

    The text of the file is searched, as qpdf omits a reference that leads nowhere.
    """
    nodes = [text for text in (text_at(file, offset) for offset in layout.objects) if _NODE.search(text)]
    references = (found for text in nodes for found in _REFERENCE.findall(text))
    return not nodes or any((int(number), int(generation)) not in present for number, generation in references)
