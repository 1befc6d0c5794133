"""Whether a macro project ([MS-OVBA]) has code. Office keeps an empty project in documents that once had a macro.

A project is empty only if nothing in it could run: no module has a line of source besides its attributes and options,
none has compiled lines (which Office runs in place of the source), no form is in it, and no reference leads elsewhere.
Whatever cannot be read counts as code.
"""

import re
import struct
from collections.abc import Iterator

from workers.inspection.parsers.documents.ole.container import COMPOUND_ERRORS, Storage, open_container
from workers.inspection.parsers.port import Output

_MODULE_NAME, _MODULE_OFFSET = 0x001A, 0x0031
_REFERENCES = re.compile(rb"(?:#|\*\\[A-D])(?:\\\\|https?:|file:)", re.IGNORECASE)
# A colon begins another statement, except in a text or a comment.
_CODELESS = re.compile(
    r"\s*(?:$|'|rem\b|(?:attribute\s+\w+|option\s+(?:explicit|base|compare|private)\b)(?:[^:\"']|\"[^\"]*\")*(?:$|'))",
    re.IGNORECASE,
)
_LINE_END = re.compile(r"\r\n|\r|\n")
# Streams beside the modules: the directory, and what was compiled.
_NO_MODULE = re.compile("dir|_vba_project|__srp_[0-9a-f]+")
# What precedes the count of compiled lines in a module's cache, which has no published format.
_COMPILED = b"\xfe\xca\x01\x00"
_UNPACKED = 16 << 20
MACROS = "The document contains macros."


def report_macros(storage: Storage, output: Output) -> None:
    """Report the project whose storage (of any name) has the storage `VBA`."""
    _report(output, code=has_code(storage))


def report_project(content: bytes, output: Output) -> None:
    """Report a project that is a file of its own (`vbaProject.bin`)."""
    try:
        root = open_container(content, len(content), 10_000)
        project = next((one for one in root.walk() if "vba" in one.storages), None)
        code = project is None or has_code(project)
    except RecursionError:
        raise
    except COMPOUND_ERRORS:
        code = True
    _report(output, code=code)


def _report(output: Output, *, code: bool) -> None:
    if code:
        output.finding("macros", MACROS)
    else:
        output.finding("empty_macros", "The document has a macro project in which there is no code.")


def has_code(project: Storage) -> bool:
    """Whether the project of a storage that has the storage `VBA` has code, or cannot be read."""
    vba = project.storages.get("vba")
    if vba is None or not (vba.streams or vba.storages):
        return bool(project.streams - {"project", "projectwm"}) or bool(set(project.storages) - {"vba"})
    if set(project.storages) - {"vba"} or vba.storages:
        return True  # a form
    try:
        directory = decompress(vba.read("dir"))
        modules = dict(_modules(directory))
        unlisted = vba.streams - {name.lower() for name in modules}
        if _REFERENCES.search(directory) or not all(_NO_MODULE.fullmatch(name) for name in unlisted):
            return True
        return any(_module_has_code(vba, *each) for each in modules.items())
    except (*COMPOUND_ERRORS, LookupError):
        return True


def _modules(directory: bytes) -> Iterator[tuple[str, int]]:
    """The stream and the offset of the source of each module ([MS-OVBA] 2.3.4.2.3.2)."""
    code_page, name, at = "cp1252", "", 0
    while at + 6 <= len(directory):
        kind, size = struct.unpack_from("<HL", directory, at)
        body = directory[at + 6 : at + 6 + size]
        if kind == 0x0003:
            code_page = f"cp{struct.unpack('<H', body)[0]}"
        elif kind == _MODULE_NAME:
            name = body.decode({"cp10000": "mac_roman", "cp65001": "utf-8"}.get(code_page, code_page))
        elif kind == _MODULE_OFFSET:
            yield name, struct.unpack("<L", body)[0]
        at += 6 + (6 if kind == 0x0009 else size)  # the version's record has a size that leaves out its last part


def _module_has_code(vba: Storage, name: str, offset: int) -> bool:
    stream = vba.read(name)
    source = decompress(stream[offset:]).decode("latin-1")
    lines = _LINE_END.split(re.sub(r" _\r?\n", " ", source))
    if any(not _CODELESS.match(line) for line in lines if not _continues_attribute(line)):
        return True
    return _compiled_lines(stream[:offset]) > sum(bool(line.strip()) for line in lines)


def _continues_attribute(line: str) -> bool:
    """The head that the source of a form or class has: `VERSION 1.0 CLASS`, `BEGIN`, `END`, `MultiUse = -1`."""
    return bool(re.fullmatch(r"VERSION 1\.0 CLASS|BEGIN|END|\s*MultiUse = -?\d.*", line))


def _compiled_lines(cache: bytes) -> int:
    """How many lines were compiled; a cache without the mark is that of a program which compiles nothing."""
    at = cache.rfind(_COMPILED)
    if at < 0:
        return 0 if len(cache) < 64 else 1 << 16
    return int.from_bytes(cache[at + 4 : at + 6], "little")


def decompress(data: bytes) -> bytes:
    """A compressed container ([MS-OVBA] 2.4.1.3.1). Raises ValueError where it is none."""
    if data[:1] != b"\1":
        raise ValueError("no compressed container")
    out, at = bytearray(), 1
    while at + 2 <= len(data):
        header = int.from_bytes(data[at : at + 2], "little")
        if header >> 12 & 7 != 3:
            break  # padding behind the last chunk
        end = min(at + (header & 0xFFF) + 3, len(data))
        _chunk(data[at + 2 : end], bool(header & 0x8000), out)
        if len(out) > _UNPACKED:
            raise ValueError("too much unpacked")
        at = end
    return bytes(out)


def _chunk(chunk: bytes, packed: bool, out: bytearray) -> None:
    if not packed:
        out += chunk
        return
    start, at = len(out), 0
    while at < len(chunk):
        flags = chunk[at]
        at += 1
        for bit in range(8):
            if at >= len(chunk):
                return
            if flags >> bit & 1:
                at = _copy(chunk, at, out, start)
            else:
                out.append(chunk[at])
                at += 1


def _copy(chunk: bytes, at: int, out: bytearray, start: int) -> int:
    """Copy what a token refers to (2.4.1.3.19); returns the position behind the token."""
    token = int.from_bytes(chunk[at : at + 2], "little")
    bits = max(4, (len(out) - start - 1).bit_length())
    length = (token & (0xFFFF >> bits)) + 3
    offset = (token >> (16 - bits)) + 1
    if offset > len(out) - start:
        raise ValueError("a copy from before the chunk")
    for _ in range(length):
        out.append(out[-offset])
    return at + 2
