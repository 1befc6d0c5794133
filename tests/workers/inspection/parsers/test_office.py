"""What holds for all documents: their container, their limits, and that no bytes break the examiner."""

import io
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.workers.inspection.parsers.compound_samples import (
    atom,
    compound,
    container,
    excel,
    linked_book,
    powerpoint,
    project,
    record,
    sheet,
    word,
)
from tests.workers.inspection.parsers.office_samples import (
    DOC,
    DOCX,
    EPUB,
    ODT,
    OLE,
    OTHER,
    PPT,
    PPTX,
    RTF,
    XLS,
    XLSX,
    chart,
    field,
    found,
    objections,
    open_document,
    open_xml,
    relations,
    zipped,
)
from tests.workers.inspection.parsers.recorder import codes, examined, nothing_left
from workers.inspection.parsers import office
from workers.inspection.readings import Reading

TEXT = open_xml()
ENCRYPTED = "application/x-tika-ooxml-protected"


def _locked(content: bytes) -> bytes:
    """The same zip with the mark of encrypted entries, in both of its headers."""
    local = content.replace(b"PK\x03\x04\x14\0\0\0", b"PK\x03\x04\x14\0\1\0")
    return local.replace(b"PK\x01\x02\x14\x03\x14\0\0\0", b"PK\x01\x02\x14\x03\x14\0\1\0")


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (TEXT, DOCX),
        (open_xml(main="xl/workbook.xml"), XLSX),
        (open_xml(main="ppt/presentation.xml"), PPTX),
        (open_document(), ODT),
        (word(template="C:\\Users\\a\\Normal.dot"), DOC),
        (excel(sheet(0)), XLS),
        (powerpoint(atom(0x0FD7)), PPT),
        (b"{\\rtf1 hello}", RTF),
    ],
    ids=lambda value: str(len(value)),
)
def test_a_good_file_has_no_finding(content: bytes, media_type: str) -> None:
    assert found(content, media_type) == []


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (compound({"EncryptionInfo": b"\4\0\4\0", "EncryptedPackage": bytes(5000)}), ENCRYPTED),
        (word(flags=0x0300), DOC),
        (excel(record(0x002F, bytes(54))), XLS),
        (powerpoint(token=0xF3D1C4DF), PPT),
        (open_document(manifest="<m:encryption-data/>"), ODT),
        (_locked(TEXT), DOCX),
        (_locked(open_document()), ODT),
    ],
    ids=lambda value: str(len(value)),
)
def test_what_needs_a_password_is_encrypted(content: bytes, media_type: str) -> None:
    assert found(content, media_type) == ["encrypted"]


def _with_bad_checksum() -> bytes:
    content = bytearray(open_xml(parts={"word/media/a.bin": b"a" * 100}))
    at = content.rindex(b"PK\x01\x02")
    content[at + 16] ^= 1
    return bytes(content)


def _claiming(size: int) -> bytes:
    """A Word document whose directory claims so many bytes for the text."""
    content = bytearray(word())
    at = content.index("WordDocument".encode("utf-16-le"))
    content[at + 120 : at + 124] = size.to_bytes(4, "little")
    return bytes(content)


def _packed_otherwise() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
    return target.getvalue()


def _packed_as(method: int) -> bytes:
    """A document whose first local header names another method than the directory."""
    content = bytearray(TEXT)
    content[8] = method
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (TEXT[:-40], DOCX),
        (word()[:700], DOC),
        (open_xml(body=b"<w:p>"), DOCX),
        (open_xml(parts={"word/_rels/a.xml.rels": b"<a"}), DOCX),
        (zipped({"[Content_Types].xml": b"<!DOCTYPE Types><Types/>"}), DOCX),
        (_with_bad_checksum(), DOCX),
        (_packed_otherwise(), DOCX),
        (_claiming(1 << 30), DOC),
        (zipped({"[Content_Types].xml": b"<x/>", "word/a.xml": b"<x/>", "WORD/A.xml": b"<x/>"}), DOCX),
        (zipped({"[Content_Types].xml": b"<x/>", "word/a.xml": b"<x/>", "word\\a.xml": b"<x/>"}), DOCX),
        (zipped({"a.txt": b"hello"}), DOCX),
        (b"PK\x03\x04 and no directory", DOCX),
        (open_xml(parts={"word/": b"<a/>"}), DOCX),
        (_packed_as(0), DOCX),
        (b"{\\rtf1 {\\sp{\\sn pFragments}{\\sv 1;6;11111111acc8}}}", RTF),
    ],
    ids=lambda value: str(len(value)),
)
def test_what_breaks_its_format_is_malformed(content: bytes, media_type: str) -> None:
    assert "malformed" in found(content, media_type)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_are_found_in_any_part(encoding: str) -> None:
    bomb = '<!DOCTYPE m [<!ENTITY a "b">]><m>&a;</m>'.encode(encoding)
    assert "entity_expansion" in found(open_xml(parts={"docProps/app.xml": bomb}), DOCX)
    assert "entity_expansion" in found(open_document(meta_xml=bomb), ODT)


def test_bytes_that_the_directory_does_not_list_are_found() -> None:
    hidden = zipped({"word/evil.xml": b"<a/>"})
    hidden = hidden[: hidden.index(b"PK\x01\x02")]
    assert found(_inserted(TEXT, hidden), DOCX) == ["hidden_entry"]
    assert found(_inserted(TEXT, bytes(16)), DOCX) == []


def _inserted(content: bytes, between: bytes) -> bytes:
    """The zip with these bytes before its directory."""
    directory, end = content.index(b"PK\x01\x02"), content.index(b"PK\x05\x06")
    offset = (directory + len(between)).to_bytes(4, "little")
    return content[:directory] + between + content[directory : end + 16] + offset + content[end + 20 :]


@pytest.mark.parametrize(
    ("behind", "expected"), [(b"\n", "irregular"), (b"\x1a", "irregular"), (b"MZ", "trailing_data")]
)
def test_what_follows_the_end(behind: bytes, expected: str) -> None:
    assert found(TEXT + behind, DOCX) == [expected]
    assert found(b"{\\rtf1 a}" + behind, RTF) == ([expected] if expected == "trailing_data" else [])


@pytest.mark.parametrize("before", [b"\n", b"PK\x07\x08", b"MZ" + bytes(600)])
def test_a_document_behind_other_bytes_is_examined_all_the_same(before: bytes) -> None:
    content = before + open_xml(parts={"word/vbaProject.bin": OLE})
    assert codes(office, content, Reading(DOCX, len(before))) == ["macros"]


def test_every_code_is_reported_and_each_once() -> None:
    content = open_xml(
        ("attachedTemplate", "https://example.org/a.dotm", True),
        ("frame", "https://example.org/b", True),
        ("control", "a.xml", False),
        parts={"word/vbaProject.bin": OLE},
        body=field("DDE cmd"),
    )
    assert found(content, DOCX) == ["active_field", "embedded_object", "macros", "remote_template"]


def test_a_bomb_is_unscannable_before_it_is_unpacked() -> None:
    bomb = open_xml(parts={"word/media/a.png": b"\x89PNG\r\n\x1a\n" + bytes(20 << 20)})
    assert codes(office, bomb, DOCX, {"office_bytes": 10 << 20}) == ["limits_exceeded"]
    assert codes(office, bomb, DOCX) == []


@pytest.mark.parametrize("count", [200, 20_000])
def test_too_many_parts_are_unscannable(count: int) -> None:
    many = open_xml(parts={f"word/{number:0>30}.txt": b"" for number in range(count)})
    assert codes(office, many, DOCX, {"office_entries": 100}) == ["limits_exceeded"]


def test_too_many_streams_are_unscannable() -> None:
    many = compound({f"a{number}": b"" for number in range(50)})
    assert codes(office, many, OTHER, {"office_entries": 20}) == ["limits_exceeded"]


def test_what_is_nested_too_deeply_is_unscannable() -> None:
    assert found(open_xml(body=b"<a>" * 100_000 + b"</a>" * 100_000), DOCX) == ["limits_exceeded"]
    assert found(b"{\\rtf1 " + b"{" * 20_000, RTF) == ["limits_exceeded"]


def test_an_attribute_that_is_too_long_is_unscannable() -> None:
    long = bytes(11 << 20).replace(b"\0", b"c")
    assert found(open_xml(body=b'<a b="%s"/>' % long), DOCX) == ["limits_exceeded"]


def test_folders_that_lead_back_to_the_root_are_malformed() -> None:
    content = bytearray(word(Macros__a=b"x"))
    at = content.index("Macros".encode("utf-16-le"))
    content[at + 76 : at + 80] = bytes(4)
    assert found(bytes(content), DOC) == ["malformed"]


MUTABLE = [
    (open_xml(("image", "a.png", False), parts={"word/vbaProject.bin": OLE}, body=field("DDE cmd")), DOCX),
    (chart(open_xml(main="xl/workbook.xml")), PPTX),
    (open_document("<draw:object-ole/>", meta_xml=b"<m/>"), ODT),
    (zipped({"[Content_Types].xml": b"<T/>", "_rels/.rels": relations()}), DOCX),
    (zipped({"mimetype": EPUB.encode(), "a.css": b"a{}", "a.opf": b"<a/>"}), EPUB),
    (word("\x13 DDE cmd\x15", streams={f"Macros/{name}": body for name, body in project(b"Sub a").items()}), DOC),
    (excel(sheet(1), linked_book("cmd\x03/c calc"), sheet_records=(record(6, bytes(40)),)), XLS),
    (powerpoint(container(0x0409, container(0x0FCC))), PPT),
    (b"{\\rtf1{\\*\\template a}{\\object{\\*\\objdata 01050000}}{\\field{\\*\\fldinst DDE}}\\u123 ?\\bin3 abc}", RTF),
]


@pytest.mark.slow
@pytest.mark.long
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(MUTABLE), st.data())
def test_no_mutation_raises_or_leaves_a_file(sample: tuple[bytes, str], data: st.DataObject) -> None:
    mutated = bytearray(sample[0])
    # Where the structures are: at the front, at the back, and wherever.
    for _ in range(data.draw(st.integers(1, 12))):
        at = data.draw(st.one_of(st.integers(0, 1600), st.integers(-400, -1), st.integers(0, len(mutated))))
        at = min(at % len(mutated) if mutated else 0, len(mutated))
        mutated[at : at + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=8))
    with nothing_left():
        examined(office, bytes(mutated), sample[1])


@pytest.mark.parametrize(("content", "media_type"), MUTABLE, ids=lambda value: str(len(value)))
def test_a_second_format_in_front_or_behind_is_never_silent(content: bytes, media_type: str) -> None:
    """What stands in front is identification's to report, and does not hide what the document has."""
    zip_behind = zipped({"a.txt": b"hello"})
    assert {"trailing_data", "malformed"} & set(objections(content + b"<script>1</script>", media_type))
    assert objections(content + zip_behind, media_type) != []


def test_the_samples_are_what_they_are_taken_for() -> None:
    """The mark of encryption is where `zipfile` looks for it."""
    with zipfile.ZipFile(io.BytesIO(_locked(TEXT))) as archive:
        assert all(entry.flag_bits & 1 for entry in archive.infolist())
