"""Whether a PDF without an end has all of its pages: a file that was cut off loses what its pages refer to."""

import re
from collections.abc import Container
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pikepdf

_REFERENCE = re.compile(rb"(\d+) (\d+) R\b")


def has_lost_pages(pdf: "pikepdf.Pdf", present: Container[tuple[int, int]]) -> bool:
    """Whether a page, or what one shows, is referred to and is not among the objects `present` (number, generation)."""
    import pikepdf

    kinds = (pikepdf.Name.Page, pikepdf.Name.Pages, pikepdf.Name.Catalog)
    nodes = [one for one in pdf.objects if isinstance(one, pikepdf.Dictionary) and one.get("/Type") in kinds]
    references = (found for one in nodes for found in _REFERENCE.findall(one.unparse(resolved=True)))
    return not nodes or any((int(number), int(generation)) not in present for number, generation in references)
