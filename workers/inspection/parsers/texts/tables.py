"""Cells of CSV and TSV that act when a spreadsheet program opens the file.

Any delimiter counts, as programs guess it. A cell acts where it begins a formula and calls a program (DDE:
`=cmd|'/c calc'!A1`), fetches or sends (WEBSERVICE, IMPORTXML, …), or links to more than a plain address. Numbers,
telephone numbers and formulas that only compute pass.

Sources: "Formula Injection" (OWASP); Excel's and LibreOffice's and Google Sheets' lists of functions.
"""

import re

from workers.inspection.parsers.port import Output

# A cell begins at a line's begin or behind a delimiter; quotes, blanks and marks are dropped.
_BEGIN = r"(?:^|[,;\t|\r\n])[\s\"'\ufeff\u200b]*[=+\-@\uff1d\uff0b\uff0d\uff20]"
# Program, topic and item: `cmd|'/c calc'!A1`, anywhere in the formula.
_DDE = re.compile(_BEGIN + r"[^\r\n]{0,300}?[\w.\\/:$-]\|(?:\"{0,2}'[^\r\n]{0,1000}?'|[^\s!]{1,300})\"{0,2}![\w'\"$]")
_FUNCTIONS = (
    "WEBSERVICE|IMPORTXML|IMPORTHTML|IMPORTFEED|IMPORTDATA|IMPORTRANGE|IMAGE|RTD|DDE|DDEAUTO|CALL|REGISTER|REGISTER\\.ID|EXEC"
    "|SQL\\.REQUEST|QUERYTABLE|STOCKHISTORY|FOPEN|RUN|MSQUERY"
)
_FETCHES = re.compile(_BEGIN + rf"[^\r\n]{{0,1000}}?(?<![\w.])(?:_xlfn\.)?(?:{_FUNCTIONS})\s*\(", re.IGNORECASE)
_LINKS = re.compile(_BEGIN + r"[^\r\n]{0,1000}?(?<![\w.])HYPERLINK\s*\(([^\r\n]{0,2000})", re.IGNORECASE)
# A plain address, in quotes (doubled in a quoted cell), and a label: it tells nothing of other cells.
_PLAIN_LINK = re.compile(
    r"\s*\"{1,2}(?:https?://|mailto:|tel:|#)[^\"&]*(?:&[\w.~%-]*=[^\"&]*)*\"{1,2}\s*(?:[,;]\s*(?:\"{1,2}[^\"]*\"{1,2}|[\d.]+)\s*)?\)",
    re.IGNORECASE,
)
_SYLK = re.compile(r"[\s\ufeff]*ID;P", re.IGNORECASE)
# A cell is at most 32,767 characters long in Excel; what is longer than this is cut there.
OVERLAP = 4096


def examine_start(text: str, output: Output) -> None:
    """Report a SYLK file, which Excel opens as one whatever its name is."""
    if _SYLK.match(text):
        output.finding("active_formula", "The text is a SYLK file, whose cells can start programs.")


def examine_cells(text: str, output: Output) -> None:
    """Report cells of `text` that act."""
    if _DDE.search(text):
        output.finding("active_formula", "A cell starts a program (DDE) when a spreadsheet program opens the file.")
    if _FETCHES.search(text):
        output.finding("active_formula", "A cell fetches or sends data when a spreadsheet program opens the file.")
    if any(not _PLAIN_LINK.match(link[1]) for link in _LINKS.finditer(text)):
        output.finding("active_formula", "A cell links to an address that it composes, or that is no plain address.")
