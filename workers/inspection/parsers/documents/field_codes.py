"""The fields of Word's documents (docx, doc, RTF): ECMA-376 part 1, 17.16.5, and [MS-DOC] 2.9.90.

A field has an instruction and perhaps a result, and may stand in another's instruction, which is then made of its
result: so "DDEAUTO" can be spelled by a QUOTE of numbers. QUOTE is worked out here; any other inner field counts as a
text that is not known, and a field whose name is not known is one that can be anything.

A text may be in doubt: some programs skip it, and others take it for a part of the instruction. The instruction is then
judged with and without it.

The names of fields are a closed list. Those that show, count, format or ask are allowed; those that name a file are
judged by where it is; the others fetch something or start a program. A name that is not on the list is a bookmark's, of
which Word shows the text.
"""

import itertools
import re
from collections.abc import Iterator

from workers.inspection.parsers.documents.references import Place, clicked, place_of
from workers.inspection.parsers.port import LimitExceeded, Output

_HARMLESS = frozenset(
    {"=", "ADDIN", "ADDRESSBLOCK", "ADVANCE", "ASK", "AUTHOR", "AUTONUM", "AUTONUMLGL", "AUTONUMOUT", "AUTOTEXT",
     "AUTOTEXTLIST", "BARCODE", "BIBLIOGRAPHY", "BIDIOUTLINE", "CITATION", "COMMENTS", "COMPARE", "CREATEDATE",
     "CREATEPAGE", "DATE", "DISPLAYBARCODE", "DOCPROPERTY", "DOCVARIABLE", "EDITTIME", "EMBED", "EQ", "FILENAME",
     "FILESIZE", "FILLIN", "FORMCHECKBOX", "FORMDROPDOWN", "FORMTEXT", "FORMULA", "FTNREF", "GLOSSARY", "GOTOBUTTON",
     "GREETINGLINE", "IF", "INDEX", "INFO", "KEYWORDS", "LASTSAVEDBY", "LISTNUM", "MACROBUTTON", "MERGEBARCODE",
     "MERGEFIELD", "MERGEREC", "MERGESEQ", "NEXT", "NEXTIF", "NOTEREF", "NUMCHARS", "NUMPAGES", "NUMWORDS", "PAGE",
     "PAGEREF", "PRINTDATE", "PRIVATE", "QUOTE", "REF", "REVNUM", "SAVEDATE", "SECTION", "SECTIONPAGES", "SEQ",
     "SET", "SHAPE", "SKIPIF", "STYLEREF", "SUBJECT", "SYMBOL", "TA", "TC", "TEMPLATE", "TIME", "TITLE", "TOA",
     "TOC", "USERADDRESS", "USERINITIALS", "USERNAME", "XE"}
)  # fmt: skip
# Word wrote the names in its own language for some years; in new files they are English.
_LINKS = frozenset({"HYPERLINK", "LIENHYPERTEXTE", "HIPERVINCULO", "HIPERVÍNCULO", "COLLEGAMENTO.IPERTESTUALE"})
_PICTURES = frozenset(
    {"INCLUDEPICTURE", "IMPORT", "INCLUREIMAGE", "EINFÜGENGRAFIK", "INCLUIRIMAGEN", "INCLUDIIMMAGINE"}
)
_FILES = frozenset({"LINK", "RD", "LIAISON", "VERKNÜPFUNG", "VINCULAR", "COLLEGAMENTO"})
_ACTIVE = frozenset({"DDE", "DDEAUTO", "INCLUDETEXT", "INCLUDE", "DATABASE", "DATA", "PRINT", "INCLURETEXTE",
                     "EINFÜGENTEXT", "INCLUIRTEXTO", "INCLUDITESTO"})  # fmt: skip
_CONTROLS = frozenset({"CONTROL", "HTMLCONTROL", "HTMLACTIVEX"})
# Switches that a link has a value for: a place in the file, a tip, a frame, and the format of all fields. They may
# stand anywhere.
_VALUED = re.compile(r"\\[lot*#@]", re.IGNORECASE)
_SWITCH = re.compile(r"\\[a-z*#@!]", re.IGNORECASE)
_ARGUMENT = re.compile(r'"([^"]*)"?|“([^”]*)”?|([^\s"“]+)')
# The same where a backslash before a quotation mark makes it a part of the argument.
_ESCAPED = re.compile(r'"((?:[^"\\]|\\.)*+)"?|“([^”]*)”?|([^\s"“]+)', re.DOTALL)
_NAME = re.compile(r"\s*[\"“]?\s*(=|[^\s\"”“=\\]*)")
_HIDDEN = re.compile(r"[\x00-\x08\x0e-\x1f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
# Stands for the result of a field that is not known.
_UNKNOWN = "\ufffc"
# An address whose beginning is not known: what is there may be that of a host.
_ANYWHERE = re.compile(r"(?:h|ht|htt|https?|f|ft|ftp|fi|fil|file(?::[\\/]*)?|[\\/]*)\ufffc", re.IGNORECASE)
# No real instruction is longer: Word's own are below 64 KiB, and those of reference managers a little above.
_LONGEST = 4 << 20
_DEEPEST = 200
# Word's own have a handful; an unquoted text has one for each word.
_MOST_ARGUMENTS = 10_000
# The texts in doubt in one instruction, whose number of readings doubles with each.
_MOST_DOUBTS = 4
ACTIVE = "A field loads content from elsewhere or starts a program."


class _Field:
    def __init__(self) -> None:
        self.pieces: list[tuple[str, int]] = []
        self.length = 0
        self.has_result = False

    def readings(self) -> Iterator[str]:
        """The instruction with and without each text in doubt; first without all of them."""
        doubts = list(dict.fromkeys(doubt for _, doubt in self.pieces if doubt))
        for chosen in itertools.product((False, True), repeat=len(doubts)):
            taken = {0, *itertools.compress(doubts, chosen)}
            yield "".join(text for text, doubt in self.pieces if doubt in taken)

    @property
    def doubts(self) -> int:
        return len({doubt for _, doubt in self.pieces if doubt})


class Fields:
    """Takes the marks and the text of fields in the order of the document, and reports to `output`."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._open: list[_Field] = []

    @property
    def in_instruction(self) -> bool:
        return bool(self._open) and not self._open[-1].has_result

    def begin(self) -> None:
        if len(self._open) >= _DEEPEST:
            raise LimitExceeded(f"Fields are nested more than {_DEEPEST} deep in the document.")
        self._open.append(_Field())

    def separate(self) -> None:
        if self._open:
            self._open[-1].has_result = True

    def text(self, text: str, doubt: int = 0) -> None:
        """A piece of an instruction; it belongs to the innermost field that still is in its instruction.

        `doubt` is 0, or the number of the text in doubt that the piece is a part of.
        """
        field = next((each for each in reversed(self._open) if not each.has_result), None)
        if field is None:
            if text.strip():
                self.instruction(text)
            return
        field.pieces.append((text, doubt))
        field.length += len(text)
        if field.length > _LONGEST:
            raise LimitExceeded(f"A field of the document has more than {_LONGEST:,} characters.")

    def end(self, doubt: int = 0) -> None:
        """The innermost field ends; `doubt` as in `text`."""
        if self._open:
            field = self._open.pop()
            if field.doubts > _MOST_DOUBTS:
                self._output.finding("active_field", "The instruction of a field is hidden among unknown groups.")
                return
            results = set(map(self.instruction, field.readings()))
            if self._open and not self._open[-1].has_result:
                self._open[-1].pieces.append((results.pop() if len(results) == 1 else _UNKNOWN, doubt))

    def close(self) -> None:
        """End the fields that the document leaves open."""
        while self._open:
            self.end()

    def instruction(self, instruction: str) -> str:
        """Judge a whole instruction; returns what it says where it stands in another instruction."""
        instruction = _HIDDEN.sub("", instruction)
        found = _NAME.match(instruction)
        name = found[1].upper() if found else ""
        rest = instruction[found.end() :] if found else ""
        self._judge(name, rest)
        return _quoted(rest) if name == "QUOTE" else _UNKNOWN

    def _judge(self, name: str, rest: str) -> None:
        if name in _HARMLESS or (not name and not rest.strip()):
            return
        if name in _LINKS:
            self._link(rest)
        elif name in _PICTURES or name in _FILES:
            self._file(rest)
        elif name in _CONTROLS:
            self._output.finding("embedded_object", "The document contains a control.")
        elif _UNKNOWN in name:
            self._output.finding("active_field", "The name of a field is made of other fields.")
        elif name in _ACTIVE:
            self._output.finding("active_field", ACTIVE)
        else:
            self._output.finding("irregular", "A field has a name that Word takes for that of a bookmark.")

    def _link(self, rest: str) -> None:
        for target in _arguments(rest, _VALUED):
            if target.startswith(_UNKNOWN):
                continue  # from a database or a bookmark: not known before it is clicked
            clicked(target, self._output)

    def _file(self, rest: str) -> None:
        """Every argument is judged, and the values of switches too: they are names, which lead nowhere."""
        for target in _arguments(rest, None):
            place = place_of(target)
            if place not in (Place.NOWHERE, Place.LOCAL) or _ANYWHERE.match(target):
                self._output.finding("active_field", ACTIVE)
            elif place == Place.LOCAL and re.search(r"[\\/]", target):
                self._output.finding(
                    "external_link", "A field refers to another file, which is read when it is asked for."
                )


def _arguments(rest: str, valued: re.Pattern[str] | None) -> Iterator[str]:
    """The arguments without switches, and without the values of those that `valued` matches."""
    forms = (_ARGUMENT, _ESCAPED) if '\\"' in rest else (_ARGUMENT,)
    for form in forms:
        for number, argument in enumerate(_arguments_by(form, rest, valued)):
            if number >= _MOST_ARGUMENTS:
                raise LimitExceeded(f"A field of the document has more than {_MOST_ARGUMENTS:,} arguments.")
            yield argument


def _arguments_by(form: re.Pattern[str], rest: str, valued: re.Pattern[str] | None) -> Iterator[str]:
    """A backslash is doubled in an argument; a switch may have what follows it behind it without a space."""
    skip = False
    for found in form.finditer(rest):
        quoted = found[3] is None
        argument = (found[3] or "") if not quoted else (found[1] or found[2] or "")
        switch = None if quoted else _SWITCH.match(argument)
        is_valued = bool(switch and valued and valued.match(argument))
        if switch and len(argument) == len(switch[0]):
            skip = is_valued
        elif skip or is_valued:
            skip = False
        else:
            yield argument.replace("\\\\", "\\")
            if "\\\\" in argument[:2]:
                yield argument
            if switch:
                yield argument[switch.end() :]


def _quoted(rest: str) -> str:
    """What QUOTE shows: its texts as they are, and numbers as characters (17.16.5.48)."""
    shown = []
    for argument in _ARGUMENT.finditer(rest):
        word = argument[3]
        if word is None:
            shown.append(argument[1] or argument[2] or "")
        elif re.fullmatch(r"0*\d{1,7}|0x[0-9a-fA-F]{1,6}", word):
            number = int(word, 16 if word.lower().startswith("0x") else 10)
            shown.append(chr(number) if 0 < number < 0xD800 else "")
        elif not word.startswith("\\"):
            shown.append(word)
    return "".join(shown)
