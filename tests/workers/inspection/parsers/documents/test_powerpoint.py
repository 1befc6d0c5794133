"""Presentations before 2007: records as PowerPoint writes them ([MS-PPT]), and what an attacker writes."""

import struct
import zlib

import pytest

from tests.workers.inspection.parsers.compound_samples import (
    atom,
    compound,
    container,
    excel,
    powerpoint,
    project,
    sheet,
)
from tests.workers.inspection.parsers.moniker_samples import file, hyperlink, ole_stream, picture, url
from tests.workers.inspection.parsers.office_samples import PPT, found
from workers.inspection.parsers.documents.ole import powerpoint as reader

NOTHING, MACRO, PROGRAM, JUMP, LINK, VERB, MEDIA, SHOW = range(8)
EMPTY = b'Attribute VB_Name = "M"\r\n'


def headed(kind: int, instance: int, body: bytes, version: int = 0) -> bytes:
    return struct.pack("<HHL", instance << 4 | version, kind, len(body)) + body


def text(instance: int, value: str) -> bytes:
    return headed(0x0FBA, instance, value.encode("utf-16-le"))


def interaction(action: int, *, hover: bool = False, link: int = 0, name: str = "") -> bytes:
    body = atom(0x0FF3, struct.pack("<LL8B", 0, link, action, 0, 0, 0, 8, 0, 0, 0))
    return headed(0x0FF2, int(hover), body + (text(2, name) if name else b""), 15)


def link(number: int, target: str) -> bytes:
    return container(
        0x0FD7, atom(0x0FD3, struct.pack("<L", number)), text(0, "shown"), text(1, target), text(3, "1,2,a")
    )


def media(kind: int, path: str) -> bytes:
    return container(kind, atom(0x1004, bytes(8)), text(0, path))


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ((interaction(NOTHING), interaction(JUMP), interaction(MEDIA), interaction(SHOW, name="Show 1")), []),
        ((link(1, "https://example.org/a.exe"), interaction(LINK, link=1)), []),
        ((link(1, "mailto:a@example.org"), interaction(LINK, link=1, hover=True)), []),
        ((link(1, "..\\b.ppt"), interaction(LINK, link=1, hover=True)), ["external_link"]),
        ((interaction(VERB),), []),
        ((interaction(MACRO, name="Module1.Go"),), ["active_action"]),
        ((interaction(PROGRAM, name="cmd.exe /c a"),), ["active_action"]),
        ((interaction(9),), ["active_action"]),
        ((interaction(PROGRAM, hover=True, name="powershell"),), ["active_action"]),
        ((interaction(VERB, hover=True),), ["active_action"]),
        ((interaction(LINK, link=2, hover=True), link(1, "#a"), link(2, "https://example.org/")), ["active_action"]),
        ((link(1, "\\\\example.org\\a.ppt"),), ["unsafe_link"]),
        ((link(1, "C:\\Windows\\System32\\calc.exe"),), ["unsafe_link"]),
        ((container(0x0F0C, hyperlink("\\\\example.org\\a.ppt")),), ["unsafe_link"]),
        ((atom(0x040B, hyperlink(url("https://example.org/"))),), []),
        ((atom(0x040B, picture("http://example.org/a.png")),), ["external_reference"]),
        ((media(0x1006, "C:\\a.avi"), media(0x1010, "a.wav"), media(0x1005, "")), []),
        ((media(0x1006, "https://example.org/a.avi"),), ["external_link"]),
        ((media(0x1006, "\\\\example.org\\a.avi"),), ["external_reference"]),
        ((media(0x1010, "\\\\example.org\\a.wav"),), ["external_reference"]),
        ((media(0x1007, "ms-msdt:a"),), ["external_reference"]),
        ((text(0, "\\\\example.org\\a.wav"),), []),
        ((container(0x0FEE, atom(0x0FFB, bytes(4))),), ["embedded_object"]),
        ((container(0x0FCE, atom(0x0FD1, bytes(12))),), ["external_link"]),
        ((container(0x0FCC, atom(0x0FCD, bytes(8))),), []),
        ((container(0xF132, atom(0xF13B, struct.pack("<LL", 3, 0))),), []),
        ((container(0xF132, atom(0xF13B, struct.pack("<LL", 3, 2))),), ["active_action"]),
        ((container(0x03FF, headed(0x0400, 0, struct.pack("<LLL", 1, 0, 2), 2)),), []),
        ((container(0x03FF, headed(0x0400, 0, struct.pack("<LLL", 1, 1, 2), 2)),), ["macros"]),
    ],
    ids=str,
)
def test_what_the_records_of_a_presentation_do(records: tuple[bytes, ...], expected: list[str]) -> None:
    assert found(powerpoint(*records), PPT) == expected


def packed(content: bytes) -> bytes:
    return headed(0x1011, 1, struct.pack("<L", len(content)) + zlib.compress(content))


LINKED = {"\x01Ole": ole_stream(file("b.xls"), file("C:\\b.xls", "C:\\b.xls")), "\x01CompObj": b"x"}
REMOTE = {"\x01Ole": ole_stream(absolute=file("\\\\example.org\\b.xls"))}


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (packed(excel(sheet(0))), []),
        (packed(excel(sheet(1))), ["macros"]),
        (packed(compound(project(EMPTY))), ["empty_macros"]),
        (container(0x03FF, atom(0x0400, b"\1\0\0\0\1\0\0\0")) + packed(compound(project(EMPTY))), ["empty_macros"]),
        (packed(compound(LINKED)), ["external_link"]),
        (packed(compound(REMOTE)), ["remote_template"]),
        (packed(compound({"Odd": b"x"})), ["embedded_object"]),
        (headed(0x1011, 0, compound({"Odd": b"x"})), ["embedded_object"]),
        (headed(0x1011, 1, packed(excel())[8:60]), ["malformed"]),
        (headed(0x1011, 1, b"\0\0\0\0no deflate"), ["malformed"]),
        (headed(0x1011, 0, b"no container"), ["malformed"]),
    ],
    ids=lambda value: str(value)[-40:],
)
def test_objects_that_are_stored_in_records_are_examined(record: bytes, expected: list[str]) -> None:
    assert found(powerpoint(record), PPT) == expected


def test_an_object_that_unpacks_to_too_much_is_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "_OBJECT_BYTES", 1000)
    assert found(powerpoint(packed(bytes(2000))), PPT) == ["limits_exceeded"]


def test_too_many_records_are_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "_RECORDS", 5)
    assert found(powerpoint(*[atom(0)] * 5), PPT) == ["limits_exceeded"]


def test_a_presentation_that_needs_a_password_is_encrypted() -> None:
    assert found(powerpoint(token=0xF3D1C4DF), PPT) == ["encrypted"]


def _edited(document: bytes, *offsets: int, previous: int = 0, key: int | None = None, kind: int = 0x1772) -> bytes:
    """A presentation with a directory of these offsets behind the document, and an edit that names it."""
    runs = struct.pack(f"<L{len(offsets)}L", len(offsets) << 20 | 1, *offsets)
    directory = atom(kind, runs)
    edit = struct.pack("<LHHLLLLHH", 256, 0, 3, previous, len(document), 1, 2, 1, 0)
    edit = atom(0x0FF5, edit if key is None else edit + struct.pack("<L", key))
    user = struct.pack("<HHLLLL", 0, 0x0FF6, 20, 20, 0xE391C05F, len(document + directory))
    return compound({"Current User": user, "PowerPoint Document": document + directory + edit})


HIDDEN = atom(0x0FFF, bytes(16) + interaction(PROGRAM))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (_edited(container(0x03E8), 0), []),
        (_edited(container(0x03E8), 0, 1 << 20), []),
        (_edited(container(0x03E8), 0, key=0), []),
        (_edited(container(0x03E8), 0, key=5), ["encrypted"]),
        (_edited(HIDDEN, 24), ["active_action"]),
        (_edited(HIDDEN, 24, kind=0x1773), ["malformed"]),
        (_edited(HIDDEN, 24, previous=1), ["active_action", "malformed"]),
        (powerpoint(struct.pack("<HHL", 15, 0x03F8, 8), struct.pack("<HHL", 0, 1, 1 << 20), interaction(PROGRAM)),
         ["active_action"]),
        (compound({"PowerPoint Document": container(0x03E8, interaction(PROGRAM))}), ["active_action"]),
    ],
    ids=lambda value: str(value)[-40:],
)  # fmt: skip
def test_records_are_found_however_a_reader_gets_to_them(content: bytes, expected: list[str]) -> None:
    """By the directory of an edit, or by the end of a container inside which an atom says that it is longer."""
    assert found(content, PPT) == expected
