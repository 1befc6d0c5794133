"""Objects that a document embeds, and the containers that they are in."""

import struct
from collections.abc import Mapping

import pytest

from tests.workers.inspection.parsers.compound_samples import compound, excel, native, packed, project, sheet, word
from tests.workers.inspection.parsers.office_samples import DOC, XLS, found, members
from tests.workers.inspection.parsers.recorder import Recorder
from workers.inspection.parsers.documents.ole.document import examine_embedded
from workers.inspection.parsers.documents.ole.vba import decompress

EQUATION, MATHTYPE = "0002CE02-0000-0000-C000-000000000046", "0002CE03-0000-0000-C000-000000000046"
THINK_CELL = "3EAB3858-A0E0-4A3B-A405-F4D525E85265"
CLIP_ART, ORGANIZATION = "00030026-0000-0000-C000-000000000046", "E4C18D40-1CD5-101C-B325-00AA001F3168"
PE = b"MZ" + bytes(58) + struct.pack("<I", 64) + b"PE\0\0"
PNG, CODE = b"\x89PNG\r\n\x1a\n" + bytes(60), b"Sub AutoOpen()\r\nEnd Sub\r\n"
MATH = struct.pack("<H", 28).ljust(28, b"\0") + b"\5\1\0\6\0"
CLASS = b'VERSION 1.0 CLASS\r\nBEGIN\r\n  MultiUse = -1  \'True\r\nEND\r\nAttribute VB_Base = "0{a:b}"\r\n'
EMPTY = b'Attribute VB_Name = "M"\r\n'


def pooled(streams: Mapping[str, bytes]) -> bytes:
    """A text with this object in its pool."""
    return word(streams={f"ObjectPool/_1/{name}": body for name, body in streams.items()})


@pytest.mark.parametrize(
    ("streams", "class_id", "expected"),
    [
        ({"Odd": b"x"}, THINK_CELL, []),
        ({"Odd": b"x"}, "", ["embedded_object"]),
        ({"\x01Ole10Native": b"\x09\0\0\0" + b"a gallery" * 600}, CLIP_ART, []),
        ({"CONTENTS": b"an organization"}, ORGANIZATION, []),
        ({"CONTENTS": b"", "Other": PE + bytes(60)}, ORGANIZATION, ["embedded_object"]),
        ({"Below/Odd": b"<script>"}, THINK_CELL, ["embedded_object"]),
        ({"\x01Ole10Native": native(b"a.exe", b"MZ")}, CLIP_ART, ["embedded_object"]),
        ({"Package": b"PK\3\4"}, ORGANIZATION, []),
        ({"\x01CompObj": b"x"}, EQUATION, ["embedded_object"]),
        ({"Equation Native": MATH}, MATHTYPE, []),
        ({"Equation Native": MATH}, "", ["embedded_object"]),
        ({"Equation Native": MATH.replace(b"\5\1\0", b"\2\1\0")}, MATHTYPE, ["embedded_object"]),
    ],
)
def test_an_object_is_judged_by_its_class(streams: dict[str, bytes], class_id: str, expected: list[str]) -> None:
    output = Recorder()
    examine_embedded(compound(streams, class_id), {"office_entries": 100}, output)
    assert [finding.code for finding in output.findings] == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (pooled({"\x01CompObj": b"x", "\x03ObjInfo": b"x", "\x03EPRINT": b"x"}), []),
        (pooled({"\x01CompObj": b"x", "Odd": b"x"}), ["embedded_object"]),
        (pooled({"Below/Odd": b"x"}), ["embedded_object"]),
        (pooled({"\x01Ole10Native": struct.pack("<L", 60) + PNG}), []),
        (pooled({"\x01Ole10Native": struct.pack("<L", 9) + b"no package"}), ["embedded_object"]),
        (pooled({"\x01Ole10Native": native(b"a.exe", b"MZ")[:-6] + b"\xff" * 4}), ["embedded_object"]),
        (pooled({"CONTENTS": PNG}), []),
        (pooled({"EncryptedPackage": b"x"}), ["encrypted"]),
        (word(streams={"\x01Ole10Native": native(b"a.exe", b"MZ")}), ["embedded_object"]),
        (word(streams={"\x01Ole10Native": b"", "\x01CompObj": b"x"}), ["embedded_object"]),
        (word(streams={"\x01Ole10Native": b"x", "EncryptedPackage": b"x"}), ["encrypted"]),
        (word(streams={"\x06DataSpaces/Version": b"x"}), ["encrypted"]),
        (excel(streams={"_VBA_PROJECT/M": b"x"}), ["macros"]),
        (excel(streams={"LNK00000001/\x01Ole": bytes(20)}), []),
    ],
    ids=lambda value: str(value)[-40:],
)  # fmt: skip
def test_an_object_is_judged_by_what_reads_it(content: bytes, expected: list[str]) -> None:
    assert found(content, DOC if b"W\0o\0r\0d\0D" in content else XLS) == expected


def test_a_document_that_is_itself_a_file_is_a_member() -> None:
    assert [body[:4] for _, body in members(pooled({"Package": b"PK\3\4", "\x01CompObj": b"x"}), DOC)] == [b"PK\3\4"]


@pytest.mark.parametrize(("depth", "expected"), [(4, []), (5, ["limits_exceeded"])])
def test_documents_are_examined_five_deep(depth: int, expected: list[str]) -> None:
    path = "/".join(f"MBD{number:08X}" for number in range(depth))
    streams = {"/".join([*path.split("/")[: number + 1], "Workbook"]): b"" for number in range(depth)}
    assert found(excel(sheet(0), streams=streams), XLS) == expected


def _directory(*rows: tuple[int, bytes]) -> bytes:
    return packed(b"".join(struct.pack("<HL", kind, len(body)) + body for kind, body in rows))


def _listed(name: bytes) -> tuple[tuple[int, bytes], tuple[int, bytes]]:
    return (0x001A, name), (0x0031, bytes(4))


LISTED, MODULE = _listed(b"M"), {"VBA/M": packed(EMPTY)}
UMLAUT, UTF_8 = _listed("Modül".encode("cp1252")), _listed("Modül".encode())


@pytest.mark.parametrize(
    ("streams", "expected"),
    [
        (project(b"Option Explicit ' as always: yes\r\n' caf\xe9 \x85 more\r\nRem a: b\r\n\r\n"), "empty_macros"),
        (project(CLASS), "empty_macros"),
        (project(b"Option Explicit: Sub AutoOpen(): Shell 1: End Sub\r\n"), "macros"),
        (project(b'Attribute VB_Name = "M": Sub AutoOpen()\r\n'), "macros"),
        (project(b"Option _\r\nExplicit\r\n"), "empty_macros"),
        ({**project(EMPTY), "VBA/__SRP_0": b"x"}, "empty_macros"),
        ({**project(EMPTY), "VBA/Hidden": packed(CODE)}, "macros"),
        ({"VBA/dir": _directory((0x0003, b"\xe4\x04"), *UMLAUT), "VBA/Modül": packed(EMPTY)}, "empty_macros"),
        ({"VBA/dir": _directory((0x0003, b"\xe9\xfd"), *UTF_8), "VBA/Modül": packed(EMPTY)}, "empty_macros"),
        ({"VBA/dir": _directory((0x0003, b"\x9f\x86"), *LISTED), **MODULE}, "macros"),
        ({"VBA/dir": _directory(*_listed(b"Gone"))}, "macros"),
        ({"VBA/dir": _directory((0x000D, b"*\\G{0}#2.0#0#C:\\a.tlb"), *LISTED), **MODULE}, "empty_macros"),
        ({"VBA/dir": _directory((0x000E, b"*\\A\\\\example.org\\a.dot"), *LISTED), **MODULE}, "macros"),
        ({"VBA/dir": b"\2", **MODULE}, "macros"),
        ({"VBA/dir": _directory(*LISTED), "VBA/M": b"no"}, "macros"),
        ({"VBA/Form/x": b"x", **project(EMPTY)}, "macros"),
        ({"PROJECT": b"x", "Other": b"x", "VBA/": b""}, "macros"),
    ],
    ids=lambda value: str(value)[:60],
)  # fmt: skip
def test_a_macro_project_is_empty_only_if_nothing_in_it_could_run(streams: dict[str, bytes], expected: str) -> None:
    assert found(word(streams={f"Macros/{name}": body for name, body in streams.items()}), DOC) == [expected]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\1\2\x30abc", b"abc"),
        (b"\1\2\x30abc\0\0\0", b"abc"),
        (b"\1\3\xb0\0abc", b"abc"),
        (b"\1\3\xb0\2a\3\0", b"aaaaaaa"),
        (b"\1\1\xb0\xff\0", None),
        (b"\1\3\xb0\1\0\0", None),
        (b"\0", None),
        (b"", None),
    ],
)
def test_sources_are_unpacked_or_refused(data: bytes, expected: bytes | None) -> None:
    if expected is None:
        with pytest.raises(ValueError, match=r"chunk|container"):
            decompress(data)
    else:
        assert decompress(data) == expected
