"""Cells of CSV and TSV that act when a spreadsheet program opens the file.

A cell acts where it begins a formula that calls a program (DDE: `=cmd|'/c calc'!A1`), fetches or sends (WEBSERVICE,
IMPORTXML, …), reads a file elsewhere, or links to more than a plain address. Numbers, telephone numbers and formulas
that only compute pass.

How it works: what is rare in a table is sought first (a bar before a quoted topic, the name of such a function), and
then, before it, the beginning of a formula: any delimiter counts, as programs guess it.

Sources: "CSV Injection" (OWASP); the lists of functions of Excel (in the languages of its users: it reads CSV in the
language of the system), LibreOffice and Google Sheets; "SYLK file format" (Microsoft's Multiplan).
"""

import re
from collections.abc import Iterator

from workers.inspection.parsers.port import Output

# A formula at the beginning of a cell; quotes, blanks and marks are dropped, and East Asian forms count.
_SIGNS = "=+@\uff1d\uff0b\uff0d\uff20-"
_BEGIN = re.compile(rf"(?:^|[,;\t|\r\n>])[\s\"'\ufeff\u200b]*[{_SIGNS}]")
_EQUALS = re.compile(r"(?:^|[,;\t|\r\n>])[\s\"'\ufeff\u200b]*[=\uff1d]")
# The cell is in quotes, and has line ends before what is sought.
_BEGIN_IN_QUOTES = re.compile(rf"(?:^|[,;\t|\r\n])\s*\"[\s']*[{_SIGNS}](?:[^\"]|\"\")*\Z")

# Topic and item behind the program's name. A topic in quotes is in hardly any other text, so that any sign before it
# counts, behind whatever a program may take for a delimiter; blanks do not matter.
_DDE = re.compile(r"[|\uff5c]\s*\"{0,2}'(?:[^']|''){0,8192}'\"{0,2}\s*[!\uff01]")
_SIGN = re.compile(f"[{_SIGNS}]")
_BARE_DDE = re.compile(r"\|(?<=[\w$.\\/:]\|)[^\s!|,;'\"]{1,300}![\w$'\"]")
_FETCHES = frozenset(
    {"WEBSERVICE", "WEBDIENST", "SERVICEWEB", "SERVICIOWEB", "SERVIZIO.WEB", "SERVIZIOWEB", "SERVIÇOWEB", "SERVICOWEB",
     "WEBBTJÄNST", "WEBTJENESTE", "VERKKOPALVELU", "WEBHİZMETİ", "ВЕБСЛУЖБА", "WEBOVÁSLUŽBA", "WEBSZOLGÁLTATÁS",
     "IMPORTXML", "IMPORTHTML", "IMPORTFEED", "IMPORTDATA", "IMPORTRANGE", "RTD", "DDEAUTO", "REGISTER.ID",
     "SQL.REQUEST", "QUERYTABLE", "MSQUERY", "STOCKHISTORY", "FOPEN"}
)  # fmt: skip
# Words that also stand before a bracket in a text: they count where no delimiter is between.
_WORDS = frozenset({"IMAGE", "CALL", "DDE", "REGISTER", "EXEC", "RUN"})
_LINKS = frozenset(
    {"HYPERLINK", "LIEN_HYPERTEXTE", "HIPERVINCULO", "HIPERVÍNCULO", "HIPERLIGAÇÃO", "HIPERLINK", "COLLEG.IPERTESTUALE",
     "HYPERLÄNK", "HYPERKOBLING", "HYPERLINKKI", "HIPERŁĄCZE", "ГИПЕРССЫЛКА", "KÖPRÜ", "HYPERTEXTOVÝ.ODKAZ"}
)  # fmt: skip
_ELSEWHERE = re.compile(
    r"'\s*(?:(?:file|https?|ftps?|smb|webdav):|\\\\|//)[^'\r\n]{0,2000}'\s*[#!$]"
    r"|(?:(?:file|https?):/|\\)[\\/][^\s,;\"'\[]{1,500}\[[^\]\s]{1,200}\][^\s!,;]{1,100}!",
    re.IGNORECASE,
)
_NAMES = tuple(sorted({*_FETCHES, *_WORDS, *_LINKS}, key=len, reverse=True))
_LONGEST_NAME = 64  # with blanks behind it
# What a function's name cannot stand behind; `_xlfn.` before it says that the function is a newer one.
_WITHIN_NAME = re.compile(r"(?<!_XLFN)(?<!_XLWS)[\w.]\Z")
# A plain address, in quotes (doubled in a quoted cell), and a label: it tells nothing of other cells.
_PLAIN_LINK = re.compile(
    r"\s*\"{1,2}(?:https?://|mailto:|tel:|#)[^\"\r\n]*\"{1,2}\s*(?:[,;](?:\"[^\"]*\"|[^()\"\r\n])*)?\)", re.IGNORECASE
)
_STRING = re.compile(r"\"[^\"]*\"")
_BRACKETS = re.compile(r"\([^()]*\)")
# A cell has at most 32,767 characters in Excel: what begins a formula is not further away than that.
OVERLAP = 32 * 1024

_SYLK = re.compile(r"[\s\ufeff]*ID;")
_SYLK_HEAD = re.compile(r"[\s\ufeff]*ID;P(?:[^;\r\n]*(?:;[NE])+)?\s*(?:[\r\n]|\Z)")
# A record of a cell, by its fields: column, row, value, formula.
_SYLK_CELL = re.compile(r"(?:^|[\r\n])\s*C;(?:[A-Z][^;\r\n]*;)*(?:[XYRC]\d|[KE][^\r\n])")

# The first line by which a table says what its delimiter is, to Excel and LibreOffice.
_DELIMITER = re.compile(r"[\s\ufeff]*\"?sep=(.)\"?[ \t]*(?:[\r\n]|\Z)", re.IGNORECASE)

DDE = "A cell starts a program (DDE) when a spreadsheet program opens the file."
FETCHES = "A cell fetches or sends data when a spreadsheet program opens the file."
LINKS = "A cell links to an address that it composes, or that is no plain address."
SYLK = "The text is a SYLK file, whose cells can start programs."


def begins_as_sylk(text: str) -> bool:
    """Whether a text begins as SYLK does, which Excel opens as such whatever its name is; so do some tables."""
    return _SYLK.match(text) is not None


def is_sylk(text: str) -> bool:
    """Whether a text that begins so, or a later piece of it, is one."""
    return _SYLK_HEAD.match(text) is not None or _SYLK_CELL.search(text) is not None


def delimiter_of(text: str) -> str:
    """The delimiter that a table gives in its first line; "" where it gives none."""
    found = _DELIMITER.match(text)
    return found[1] if found else ""


def examine_cells(text: str, output: Output, delimiter: str = "") -> None:
    """Report cells of `text` that act. A `delimiter` other than the usual ones is one besides them."""
    for each in {text, text.replace(delimiter, "\t") if delimiter else text}:
        for message in acting_cells(each):
            output.finding("active_formula", message)


def acting_cells(text: str) -> Iterator[str]:
    """A sentence for each way in which cells of `text` act."""
    text = text.replace("\r", "\n")
    if ("|" in text or "\uff5c" in text) and _has_dde(text):
        yield DDE
    if any(_EQUALS.search(_line_before(text, found.start())) for found in _ELSEWHERE.finditer(text)):
        yield FETCHES
    if "(" in text:
        yield from _acting_calls(text)


def _has_dde(text: str) -> bool:
    return any(_in_formula(text, found.start(), _SIGN) for found in _DDE.finditer(text)) or any(
        _in_same_cell(text, found.start(), _EQUALS) for found in _BARE_DDE.finditer(text)
    )


def _acting_calls(text: str) -> Iterator[str]:
    for name, start, end in _calls(text):
        if (name in _FETCHES and _in_formula(text, start)) or (name in _WORDS and _in_same_cell(text, start, _BEGIN)):
            yield FETCHES
        elif name in _LINKS and not _PLAIN_LINK.match(text, end) and _in_formula(text, start):
            yield LINKS


def _calls(text: str) -> Iterator[tuple[str, int, int]]:
    """The name of each function above that is called, where it begins, and where its arguments do."""
    at = text.find("(")
    while at >= 0:
        before = text[max(0, at - _LONGEST_NAME) : at].rstrip().upper()
        if before.endswith(_NAMES):
            name = next(each for each in _NAMES if before.endswith(each))
            if not _WITHIN_NAME.search(before.removesuffix(name)):
                yield name, at - len(name), at + 1
        at = text.find("(", at + 1)


def _line_before(text: str, at: int) -> str:
    least = max(0, at - OVERLAP)
    return text[max(text.rfind("\n", least, at), least) : at]


def _in_formula(text: str, at: int, begins: re.Pattern[str] = _BEGIN) -> bool:
    """Whether a formula `begins` before `at`, in the line or in the quoted cell."""
    if begins.search(_line_before(text, at)):
        return True
    return _BEGIN_IN_QUOTES.search(text[max(0, at - OVERLAP) : at]) is not None


def _in_same_cell(text: str, at: int, begins: re.Pattern[str]) -> bool:
    """Whether a formula `begins` before `at`, and no delimiter is between, but for those in brackets and in strings."""
    line = _line_before(text, at)
    for begin in begins.finditer(line):
        between = _STRING.sub("", line[begin.end() :])
        while (shorter := _BRACKETS.sub("", between)) != between:
            between = shorter
        if not re.search(r"[,;\t|\"]", between.partition("(")[0]):
            return True
    return False
