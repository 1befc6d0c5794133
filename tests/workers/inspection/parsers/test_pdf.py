import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pikepdf import Array, Dictionary, Name, Pdf, String

from tests.workers.inspection.parsers.pdf_samples import (
    attach,
    chain,
    form,
    launch,
    made,
    object_stream,
    paged,
    script,
    stream,
    with_object_stream,
)
from tests.workers.inspection.parsers.recorder import codes, findings, nothing_left
from workers.inspection.parsers import pdf

GOOD = made()


def _root(key: str, value: Dictionary) -> bytes:
    return made(lambda one: one.Root.__setitem__(key, value))


def _page(key: str, value: Dictionary | Array) -> bytes:
    return made(lambda one: one.pages[0].obj.__setitem__(key, value))


@pytest.mark.parametrize(
    "content",
    [
        GOOD,
        made(packed=True),
        made(password=""),
        b"\n" + GOOD,
        GOOD + bytes(5000) + b"\r\n" * 5000,
        GOOD + b"<!-- served in 0.1 s -->\n",
        GOOD.replace(b"startxref\n", b"startxref\n9"),
        with_object_stream(object_stream(0, b"<</S/GoTo>>")),
        paged(page=b"/JS(a)").replace(b"/JS(a)", b"/JX(a)"),
        paged(stream(b"", b"/Subtype/Form"), page=b"/Annots[<</Font<</JS 4 0 R/EF 4 0 R/Launch 4 0 R>>>>]"),
        paged(catalog=b"/Names<</JavaScript<</Names[]>>/EmbeddedFiles<</Names[]>>>>/Lang(/JavaScript)"),
        made(lambda one: form(one, b"<xdp><template><field name='script'>describe</field></template></xdp>")),
        paged(catalog=b"/A 4 0 R").replace(b"4 0 R", b"1 0 R"),
    ],
    ids=lambda content: str(len(content)),
)
def test_a_good_file_has_no_finding(content: bytes) -> None:
    assert findings(pdf, content) == []


@pytest.mark.parametrize(
    "content",
    [
        _root("/OpenAction", script()),
        _root("/AA", Dictionary(WC=script())),
        _page("/AA", Dictionary(O=script())),
        _page("/Annots", Array([Dictionary(Subtype=Name.Screen, A=script())])),
        _page("/Annots", Array([Dictionary(Subtype=Name.Screen, AA=Dictionary(K=script()))])),
        _root("/AcroForm", Dictionary(Fields=Array([Dictionary(T=String("f"), AA=Dictionary(F=script()))]))),
        _root("/Names", Dictionary(JavaScript=Dictionary(Names=Array([String("a"), script()])))),
        made(lambda one: chain(one, script())),
        made(lambda one: chain(one, script()), packed=True),
        made(lambda one: one.Root.__setitem__("/OpenAction", script()), password=""),
        paged(catalog=b"/OpenAction<</S/J#61vaScript/J#53(1)>>"),
        paged(b"/JavaScript", stream(b"1"), catalog=b"/OpenAction<</S 4 0 R/JS 5 0 R>>"),
        paged(b"<</S/Rendition/JS 5 0 R>>", stream(b"1"), catalog=b"/OpenAction 4 0 R"),
        paged(stream(b"1"), page=b"/Annots[<</3DD<</OnInstantiate 4 0 R>>>>]"),
        paged(page=b"/Annots[<</A<</S/URI/URI(\\152ava\\nscript:alert(1))>>>>]"),
        made(lambda one: form(one, b'<xdp><t:script contentType="application/x-javascript">1</t:script></xdp>')),
        made(lambda one: form(one, "<xdp><script >1</script></xdp>".encode("utf-16"))),
        with_object_stream(object_stream(0)),
    ],
    ids=lambda content: str(len(content)),
)
def test_javascript_is_found_in_any_object(content: bytes) -> None:
    assert [(found.code, found.outcome) for found in findings(pdf, content)] == [("javascript", "rejected")]


@pytest.mark.parametrize(
    "content",
    [
        _root("/OpenAction", launch()),
        made(lambda one: chain(one, launch())),
        paged(b"/Launch", catalog=b"/OpenAction<</S 4 0 R/F(cmd.exe)>>"),
    ],
)
def test_what_starts_a_program_is_found(content: bytes) -> None:
    assert [(found.code, found.outcome) for found in findings(pdf, content)] == [("launch_action", "rejected")]


def _attached_to_a_page(one: Pdf) -> None:
    held = Dictionary(F=one.make_stream(b"content"))
    note = Dictionary(Subtype=Name.FileAttachment, FS=Dictionary(Type=Name.Filespec, F=String("a"), EF=held))
    one.pages[0].obj.Annots = Array([note])


@pytest.mark.parametrize(
    "content",
    [
        made(attach),
        made(attach, packed=True),
        made(_attached_to_a_page),
        paged(stream(b"x"), b"<</EF<</UF 4 0 R>>>>", catalog=b"/AF[5 0 R]"),
    ],
)
def test_files_within_are_found(content: bytes) -> None:
    assert [(found.code, found.outcome) for found in findings(pdf, content)] == [("embedded_file", "rejected")]


def test_every_code_is_reported_and_each_once() -> None:
    def all_of_them(one: Pdf) -> None:
        attach(one)
        one.Root.OpenAction = script()
        one.Root.AA = Dictionary(WC=script(), DS=launch())

    assert codes(pdf, made(all_of_them)) == ["embedded_file", "javascript", "launch_action"]


@pytest.mark.parametrize(
    "content", [made(password="secret"), made(password="secret").replace(b"/Standard", b"/Adobe.PubSec")]
)
def test_what_needs_a_password_or_a_key_is_unscannable(content: bytes) -> None:
    assert [(found.code, found.outcome) for found in findings(pdf, content)] == [("encrypted", "unscannable")]


@pytest.mark.parametrize(
    "content",
    [
        b"%PDF-1.7\nnothing else\n%%EOF\n",
        GOOD[:-8],
        paged().replace(b"/Pages 2 0 R", b"/Pages 9 0 R"),
        with_object_stream(b"this is not deflated"),
    ],
)
def test_what_cannot_be_read_is_malformed(content: bytes) -> None:
    assert [(found.code, found.outcome) for found in findings(pdf, content)] == [("malformed", "rejected")]


@pytest.mark.parametrize("tail", [b"PK\x03\x04 and more", b"x" * 1025, b"x" * (3 << 20), b" \0<?php \x80"])
def test_further_bytes_after_the_end_are_trailing_data(tail: bytes) -> None:
    assert codes(pdf, GOOD + tail) == ["trailing_data"]


def test_a_marker_without_its_cross_reference_is_no_end() -> None:
    assert codes(pdf, GOOD + b"PK\x03\x04 ... %%EOF") == ["trailing_data"]


def test_the_end_is_found_across_pieces() -> None:
    piece, around = 1 << 20, len(paged(stream(bytes(1_000_000)))) - 1_000_000
    for behind in range(1, 30, 3):
        content = paged(stream(bytes(piece + behind - around)))
        assert len(content) == piece + behind
        assert findings(pdf, content) == []


def test_a_million_objects_end_at_the_limit() -> None:
    content = paged(*[b"<<>>"] * 1_000_000)
    (found,) = findings(pdf, content)
    assert found == ("limits_exceeded", "unscannable", "The PDF has more than 200,000 objects.")


def test_objects_in_object_streams_are_counted() -> None:
    def many(one: Pdf) -> None:
        one.Root.Many = Array([one.make_indirect(Dictionary()) for _ in range(300)])

    packed = made(many, packed=True)
    assert codes(pdf, packed, {"pdf_objects": 200}) == ["limits_exceeded"]
    assert codes(pdf, packed, {"pdf_objects": 400}) == []


def test_an_object_stream_that_unpacks_to_too_much_is_not_passed_over() -> None:
    assert codes(pdf, with_object_stream(object_stream(80 << 20))) == ["limits_exceeded"]


def test_a_form_that_unpacks_to_too_much_is_unscannable() -> None:
    bomb = stream(zlib.compress(bytes(80 << 20), 9), b"/Filter/FlateDecode")
    assert codes(pdf, paged(bomb, catalog=b"/AcroForm<</XFA 4 0 R>>")) == ["limits_exceeded"]


def test_pictures_are_not_unpacked() -> None:
    bomb = stream(zlib.compress(bytes(80 << 20), 9), b"/Subtype/Image/Filter/FlateDecode")
    assert codes(pdf, paged(bomb, page=b"/X 4 0 R")) == []


def test_deep_nesting_is_unscannable() -> None:
    assert codes(pdf, paged(b"[" * 5000 + b"]" * 5000, catalog=b"/X 4 0 R")) == ["limits_exceeded"]
    assert codes(pdf, paged(b"[" * 50 + b"]" * 50, catalog=b"/X 4 0 R")) == []


def test_other_formats_have_no_finding() -> None:
    assert findings(pdf, b"The header of a PDF is %PDF-1.7, and its objects follow.") == []
    assert not pdf.recognises(b"GIF89a" + bytes(100))
    assert pdf.recognises(b"GIF89a\n%PDF-1.4\n1 0 obj\n")


MUTABLE = [
    GOOD,
    made(packed=True),
    made(password=""),
    made(attach),
    made(lambda one: chain(one, launch()), packed=True),
]


@pytest.mark.without_coverage
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(MUTABLE), st.data())
def test_no_mutation_raises_or_leaves_a_file(content: bytes, data: st.DataObject) -> None:
    mutated = bytearray(content)
    for _ in range(data.draw(st.integers(1, 12))):
        at = data.draw(st.integers(0, len(mutated)))
        mutated[at : at + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=8))
    with nothing_left():
        findings(pdf, bytes(mutated))


def test_a_broken_file_writes_nothing_to_the_standard_streams(capfd: pytest.CaptureFixture[str]) -> None:
    broken = paged().replace(b"/Kids[3 0 R]", b"/Kids[3 0 R 7]")
    findings(pdf, broken)
    findings(pdf, broken.replace(b"/Count 1", b"/Count (a)").replace(b"xref", b"xxxx"))
    assert capfd.readouterr() == ("", "")
