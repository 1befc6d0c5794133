"""The examiner `text`: texts, tables, JSON, calendars, cards, notebooks and source code.

All of the bytes have to decode as text. What is declared as JSON has to parse as JSON; what is only named so need not
(settings with comments are named so too). In tables, cells that start programs or fetch data are sought, in calendars
and cards alarms, links, pages and attachments, and in notebooks outputs that run scripts. Source code, Markdown, YAML
and the like are decoded and not interpreted: nothing runs them by opening them under their names.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import BinaryIO

from workers.inspection.identification.encodings import decoded_as, pieces, unpadded_size
from workers.inspection.parsers import markup
from workers.inspection.parsers.deduplicated import DeduplicatedOutput
from workers.inspection.parsers.mails.bodies import examine_html
from workers.inspection.parsers.port import LimitExceeded, Output
from workers.inspection.parsers.texts import json_documents, tables
from workers.inspection.parsers.texts.cards import BEGIN, examine_card
from workers.inspection.parsers.texts.notebooks import NOTEBOOK, examine_notebook
from workers.inspection.readings import Reading

MODULES: Sequence[str] = ("charset_normalizer", "orjson", *markup.MODULES)
DEFAULTS: Mapping[str, int] = MappingProxyType({"text_bytes": 64 * 1024 * 1024})

_HEAD = 64 * 1024
_WIDE = frozenset({"utf-16", "utf-16-le", "utf-16-be", "utf-32"})  # whose characters can end in a NUL byte
_TABLES = frozenset({"text/csv", "text/tab-separated-values"})
# Opened as a table where the name says nothing.
_MAYBE_TABLES = frozenset({*_TABLES, "text/plain"})


def examine(file: BinaryIO, size: int, reading: Reading, limits: Mapping[str, int], output: Output) -> None:
    """Examine one text (see `workers.inspection.parsers.port.Examiner`)."""
    file.seek(0)
    output = DeduplicatedOutput(output)
    encoding = decoded_as(file.read(_HEAD), file, size)
    if encoding is None:
        output.finding("malformed", "The bytes are no text in any encoding.")
        return
    if encoding not in _WIDE and unpadded_size(file, size) < size:
        output.finding("irregular", "NUL bytes follow the text.")
    if reading.media_type in json_documents.TYPES:
        whole = _whole(file, size, encoding, limits)
        _examine_json(whole, reading, output)
        if reading.media_type == NOTEBOOK:
            examine_notebook(whole, output, lambda page: examine_html(page, {}, output))
    elif reading.media_type in BEGIN:
        whole = _whole(file, size, encoding, limits)
        examine_card(whole, reading.media_type, output, lambda page: examine_html(page, {}, output))
    elif reading.media_type in _MAYBE_TABLES:
        _examine_table(file, encoding, reading.media_type in _TABLES, output)


def _whole(file: BinaryIO, size: int, encoding: str, limits: Mapping[str, int]) -> str:
    if size > limits["text_bytes"]:
        raise LimitExceeded(f"The text has {size} bytes; the limit is {limits['text_bytes']} (text_bytes).")
    return "".join(pieces(file, encoding)).removeprefix("\ufeff").rstrip("\0")


def _examine_json(text: str, reading: Reading, output: Output) -> None:
    problem = json_documents.problem(text, reading.media_type) if text.strip() else None
    if problem:
        output.finding(problem.code if reading.claimed else "irregular", problem.message)


def _examine_table(file: BinaryIO, encoding: str, is_table: bool, output: Output) -> None:
    carried, may_be_sylk, delimiter = "", None, ""
    for piece in pieces(file, encoding):
        text = carried + piece
        if may_be_sylk is None:
            may_be_sylk, delimiter = tables.begins_as_sylk(text), tables.delimiter_of(text)
        if may_be_sylk and tables.is_sylk(text):
            output.finding("active_formula", tables.SYLK)
        if is_table:
            tables.examine_cells(text, output, delimiter)
        carried = text[-tables.OVERLAP :]
