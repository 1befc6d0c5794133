"""One OLE2 container that is a document, or in which a document embeds one.

Sources: [MS-DOC] 2.5 (the FIB), [MS-XLS] 2.4 (records), [MS-PPT] 2.3 and 2.4, [MS-OVBA] 2.2, [MS-OFFCRYPTO] 2.3.
"""

import zlib
from collections.abc import Mapping
from typing import BinaryIO

from workers.inspection.parsers.documents.ole.container import COMPOUND_ERRORS, Storage, open_container
from workers.inspection.parsers.documents.ole.excel import examine_excel
from workers.inspection.parsers.documents.ole.monikers import link_bases
from workers.inspection.parsers.documents.ole.objects import DOCUMENTS, OBJECT, examine_object
from workers.inspection.parsers.documents.ole.powerpoint import examine_powerpoint
from workers.inspection.parsers.documents.ole.vba import MACROS, report_macros
from workers.inspection.parsers.documents.ole.word import examine_word
from workers.inspection.parsers.documents.package import EncryptedDocument, MalformedDocument
from workers.inspection.parsers.documents.references import clicked
from workers.inspection.parsers.port import LimitExceeded, Output

_MAX_DEPTH = 5
BROKEN = "The document is broken, and programs may read it differently."
# Storages of a document in which an object is: of Excel by their name, of Word in a pool.
_EXCEL_OBJECTS = ("mbd", "lnk")
_POOL = "objectpool"
_PROPERTIES = "\x05DocumentSummaryInformation"


def examine_compound(file: BinaryIO | bytes, size: int, limits: Mapping[str, int], output: Output) -> None:
    """Examine a container that is a document of its own.

    Raises LimitExceeded, EncryptedDocument and MalformedDocument.
    """
    _Compound(limits, output).examine(file, size, embedded=False)


def examine_embedded(content: bytes, limits: Mapping[str, int], output: Output) -> None:
    """Examine a container that is an object in a document. Raises as `examine_compound`."""
    _Compound(limits, output).examine(content, len(content), embedded=True)


class _Compound:
    def __init__(self, limits: Mapping[str, int], output: Output) -> None:
        self._limits = limits
        self._output = output
        self._depth = 0

    def examine(self, file: BinaryIO | bytes, size: int, *, embedded: bool) -> None:
        try:
            root = open_container(file, size, self._limits["office_entries"])
            if root.has_trailing_data():
                self._output.finding("trailing_data", "There are further bytes behind the end of the document.")
            if embedded:
                self._macros(root)
                examine_object(root, self._output, self._document)
            else:
                self._document(root)
        except RecursionError:
            raise
        except (*COMPOUND_ERRORS, zlib.error) as error:
            raise MalformedDocument(BROKEN) from error

    def _document(self, storage: Storage) -> None:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise LimitExceeded(f"Documents are nested more than {_MAX_DEPTH} deep in the document.")
        streams = storage.streams
        if "encryptedpackage" in streams or "\x06dataspaces" in storage.storages:
            raise EncryptedDocument
        self._macros(storage)
        self._link_bases(storage)
        if "worddocument" in streams:
            examine_word(storage, self._output)
        for name in sorted(streams & {"workbook", "book"}):
            examine_excel(storage, name, self._output)
        if "powerpoint document" in streams:
            examine_powerpoint(storage, self._output, self._stored)
        if not streams & DOCUMENTS:
            self._output.finding("unsupported", "The document is of a program whose files are not examined.")
        self._objects(storage)
        self._depth -= 1

    def _macros(self, storage: Storage) -> None:
        """Projects, in whatever storage; those of Excel 95 have another form, and macros for certain."""
        for one in storage.walk():
            if "vba" in one.storages:
                report_macros(one, self._output)
            elif "_vba_project" in one.storages:
                self._output.finding("macros", MACROS)

    def _link_bases(self, storage: Storage) -> None:
        if storage.has(_PROPERTIES):
            for base in link_bases(storage.read(_PROPERTIES)):
                clicked(base, self._output)

    def _objects(self, storage: Storage) -> None:
        if "\x01ole10native" in storage.streams:
            examine_object(storage, self._output, self._nothing)
        for name, below in storage.storages.items():
            if name == _POOL:
                for pooled in below.storages.values():
                    examine_object(pooled, self._output, self._document)
            elif name.startswith(_EXCEL_OBJECTS):
                examine_object(below, self._output, self._document)

    def _nothing(self, _storage: Storage) -> None:
        """A document that is also an object is examined already; what is left of it is a finding."""
        self._output.finding("embedded_object", OBJECT)

    def _stored(self, content: bytes) -> bool:
        """Examine a container that a presentation stores in a record; True where it is the macro project."""
        root = open_container(content, len(content), self._limits["office_entries"])
        if any("vba" in one.storages for one in root.walk()) and not root.streams & DOCUMENTS:
            self._macros(root)
            return True
        self._macros(root)
        examine_object(root, self._output, self._document)
        return False
