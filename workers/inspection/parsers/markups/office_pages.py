"""HTML as Word and Excel read it: both save and open pages, under the names .doc and .xls too.

Word's fields stand between elements of the style `mso-element:field-begin` and `field-end`. What begins as a formula in
a table's cell, or in the attribute `x:fmla`, is one in Excel.
"""

import html
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from workers.inspection.parsers.documents.field_codes import Fields
from workers.inspection.parsers.markups.findings import MarkupFindings
from workers.inspection.parsers.port import Output
from workers.inspection.parsers.texts.tables import acting_cells

_MARK = re.compile(r"<[^<>]*mso-element\s*:\s*field-(begin|separator|end)[^<>]*>", re.IGNORECASE)
_TAG = re.compile(r"<!--|-->|<[^<>]*>")
_CELL = re.compile(r"</?t(?:d|h|r|able|body)\b[^>]*>", re.IGNORECASE)
_FORMULA = re.compile(r"x:fmla\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", re.IGNORECASE)
_BLANKS = re.compile(r"[\r\n]+")
# A picture of the page, which Word writes as an element, too.
_PICTURE = re.compile(r"\s*INCLUDEPICTURE\b", re.IGNORECASE)


def examine_office_page(text: str, findings: MarkupFindings) -> None:
    """Codes: active_field, active_formula."""
    if "field-begin" in text.lower():
        _examine_fields(text, findings)
    if _CELL.search(text):
        _examine_cells(text, findings)


def _examine_fields(text: str, findings: MarkupFindings) -> None:
    output = _FieldOutput()
    fields = Fields(output)
    actions = {"begin": fields.begin, "separator": fields.separate, "end": fields.end}
    last = 0
    for mark in _MARK.finditer(text):
        if fields.in_instruction:
            instruction = html.unescape(_TAG.sub("", text[last : mark.start()]))
            fields.text("PAGE" if _PICTURE.match(instruction) else instruction)
        actions[mark[1].lower()]()
        last = mark.end()
    fields.close()
    if output.is_active:
        findings.add("active_field", "a field that Word loads content or starts a program by", 1)


def _examine_cells(text: str, findings: MarkupFindings) -> None:
    formulas = (found[1] or found[2] or "" for found in _FORMULA.finditer(text))
    cells = (_BLANKS.sub(" ", html.unescape(cell)) for cell in (*formulas, *_cells(text)))
    if next(acting_cells("\n".join(cells)), None):
        findings.add("active_formula", "a cell that starts a program or fetches data in a spreadsheet program", 1)


def _cells(text: str) -> Iterator[str]:
    return (_TAG.sub("", piece) for piece in _CELL.split(text)[1:])


class _FieldOutput(Output):
    """Notes whether a field acts."""

    def __init__(self) -> None:
        self.is_active = False

    def finding(self, code: str, message: str) -> None:  # noqa: ARG002 # the port's
        self.is_active = self.is_active or code == "active_field"

    def member(self, name: str) -> AbstractContextManager[Callable[[bytes], None]]:
        raise NotImplementedError(name)
