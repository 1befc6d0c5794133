"""Formulas of spreadsheets: those that fetch something or start a program. Pure.

A formula acts by a function of the program itself, or by a link to another program's data (DDE, `program|topic!item`).
The program's functions are a closed list, so those that act can be named ([MS-XLS] 2.5.198.17, [MS-XLSX] 2.2.2,
OpenFormula 1.3). Any other name is a function of a macro or an add-in, which the document would have to contain.
"""

import re

from workers.inspection.parsers.documents.references import clicked
from workers.inspection.parsers.port import Output

_ACTIVE = frozenset(
    {"WEBSERVICE", "IMAGE", "RTD", "DDE", "CALL", "REGISTER", "REGISTER.ID", "UNREGISTER", "EXEC", "EXECUTE",
     "INITIATE", "POKE", "REQUEST", "TERMINATE", "SEND.KEYS", "RUN", "FOPEN", "FWRITE", "FWRITELN", "FREAD",
     "FREADLN", "SQL.REQUEST", "SQL.OPEN", "SQL.EXEC.QUERY", "SQL.RETRIEVE", "OPEN", "OPEN.DIALOG", "ALERT",
     "ON.TIME", "ON.KEY", "FORMULA.FILL", "SAVE.AS", "APP.ACTIVATE", "FILES", "DIRECTORY", "CREATE.OBJECT",
     "INSERT.OBJECT"}
)  # fmt: skip
_STRING = re.compile(r'"(?:[^"]|"")*"')
_QUOTED = re.compile(r"'(?:[^']|'')*'")
_BRACKETS = re.compile(r"\[[^\[\]]*\]")
_FUNCTION = re.compile(r"([A-Za-z_][\w.]*)\s*\(")
_JOINED = re.compile(r'"\s*&\s*"')
_HYPERLINK = re.compile(r'\bHYPERLINK\s*\(\s*"((?:[^"]|"")*)"', re.IGNORECASE)
# The address of a cell, with a text for a name; and one that the formula makes, of which any text may be a part.
_OF_A_CELL = re.compile(r'\bHYPERLINK\s*\([^()"]*,\s*"(?:[^"]|"")*"\s*\)', re.IGNORECASE)
_MADE = re.compile(r'\bHYPERLINK\s*\(\s*[^\s")]', re.IGNORECASE)
ADDRESS = re.compile(r"\s*(?:[A-Za-z][\w+.-]*:\S|\\\\|//\S)")
"""What leads out of the document, and no sentence such as "Note: see below"."""
_NAMES = re.compile(r"^(_XLFN\.|_XLWS\.|COM\.MICROSOFT\.|ORG\.LIBREOFFICE\.|COM\.SUN\.STAR\.SHEET\.ADDIN\.)+")
ACTIVE = "A formula fetches something from elsewhere or starts a program."


def is_active(name: str) -> bool:
    """Whether a function fetches something or starts a program, by its name in any spelling that files have."""
    return _NAMES.sub("", name.upper()) in _ACTIVE


def formula(text: str, output: Output, *, rows_by_bar: bool = False) -> None:
    """Report a formula that acts; in OpenFormula a bar separates the rows of an array (`rows_by_bar`)."""
    if "(" not in text and "|" not in text:
        return
    plain = _STRING.sub('""', text)
    if any(is_active(name) for name in _FUNCTION.findall(plain)):
        output.finding("active_formula", ACTIVE)
    if "|" in plain and not rows_by_bar and _is_dde(plain):
        output.finding("active_formula", ACTIVE)
    _links(_JOINED.sub("", text), output)


def _links(text: str, output: Output) -> None:
    texts = _HYPERLINK.findall(text)
    text = _OF_A_CELL.sub("", text)
    if _MADE.search(text):
        texts += [one for one in (found[1:-1] for found in _STRING.findall(text)) if ADDRESS.match(one)]
    for target in texts:
        clicked(target.replace('""', '"'), output)


def _is_dde(plain: str) -> bool:
    """Whether a bar is left outside names in quotes and brackets, where it only stands in the name of a sheet."""
    plain = _QUOTED.sub("''", plain)
    while (shorter := _BRACKETS.sub("", plain)) != plain:
        plain = shorter
    return "|" in plain
