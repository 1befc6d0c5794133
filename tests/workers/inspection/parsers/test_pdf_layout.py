"""What a PDF holds besides its current objects: earlier revisions, gaps, bytes around it, attached files."""

import time
import zlib

import pytest
from pikepdf import Array, Dictionary, Name, Pdf, String

from tests.workers.inspection.parsers.pdf_samples import made, paged, stream, with_object_stream
from tests.workers.inspection.parsers.recorder import codes, examined
from workers.inspection.parsers import pdf
from workers.inspection.parsers.pdfs.scripts import Script, judged
from workers.inspection.readings import Reading

PDF = "application/pdf"
SHOWN = paged(stream(b"0 0 m"), page=b"/Contents 4 0 R")
SCRIPT = b"<</S/JavaScript/JS(app.alert\\(1\\))>>"


def _updated(before: bytes, number: int, body: bytes) -> bytes:
    """`before` with a later revision, in which the object `number` is `body`."""
    start = int(before.rsplit(b"startxref\n", 1)[1].split()[0])
    table = len(before) + len(b"%d 0 obj\n%s\nendobj\n" % (number, body))
    return before + (
        b"%d 0 obj\n%s\nendobj\nxref\n%d 1\n%010d 00000 n \ntrailer\n<</Size 9/Root 1 0 R/Prev %d>>\nstartxref\n%d\n"
        b"%%%%EOF\n" % (number, body, number, len(before), start, table)
    )


def test_an_update_is_read_and_the_revision_before_it_too() -> None:
    assert codes(pdf, _updated(paged(b"<</S/GoTo>>", catalog=b"/OpenAction 4 0 R"), 4, SCRIPT), PDF) == ["javascript"]
    assert codes(pdf, _updated(paged(SCRIPT, catalog=b"/OpenAction 4 0 R"), 4, b"<</S/GoTo>>"), PDF) == ["javascript"]
    assert codes(pdf, _updated(paged(b"<</A 1>>"), 4, b"<</A 2>>"), PDF) == []


def test_an_object_that_nothing_lists_is_read() -> None:
    hidden = paged(b"<</X 1>>").replace(b"endobj\nxref", b"endobj\n7 0 obj" + SCRIPT + b"endobj\nxref")
    assert "javascript" in codes(pdf, hidden, PDF)
    packed = zlib.compress(b"6 0 9 12 <</S/GoTo>> " + SCRIPT)
    content = with_object_stream(packed).replace(b"/N 1/First 4", b"/N 2/First 9")
    assert "javascript" in codes(pdf, content, PDF)


def test_numbers_and_text_without_an_object_are_passed_over() -> None:
    text = b"(1 0 obj << /S /JavaScript " + b"9" * 200_000 + b" endobj) Tj 12 0 obj"
    started = time.perf_counter()
    assert codes(pdf, paged(stream(text), page=b"/Contents 4 0 R"), PDF) == []
    assert time.perf_counter() - started < 2


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (paged().removesuffix(b"%%EOF\n"), ["irregular"]),
        (paged().removesuffix(b"EOF\n"), ["irregular"]),
        (paged()[: paged().index(b"xref")] + b"trailer<</Root 1 0 R>>", ["irregular", "irregular"]),
        (SHOWN[: SHOWN.index(b"4 0 obj")] + b"trailer<</Root 1 0 R>>", ["irregular", "truncated"]),
        (paged().replace(b"xref\n0", b"xerf\n0"), ["irregular"]),
        (paged()[:60], ["irregular", "malformed"]),
    ],
)
def test_a_lost_end_is_a_note_unless_pages_are_lost_with_it(content: bytes, found: list[str]) -> None:
    assert {*codes(pdf, content, PDF)} == {*found}


def test_a_part_of_a_file_is_read_as_one() -> None:
    inner = paged(SCRIPT, catalog=b"/OpenAction 4 0 R")
    content = b"junk" * 1000 + inner + b"\x89more"
    assert codes(pdf, content, Reading(PDF, 4000, 4000 + len(inner))) == ["javascript"]
    assert codes(pdf, content, Reading(PDF, 4000)) == ["javascript", "trailing_data"]


@pytest.mark.parametrize("tail", [b"<?php x ?>", b"<!-- <?php x ?> -->", b"<script>x</script>", b"<!--" + b"x" * 2000])
def test_text_that_another_program_would_run_is_no_padding(tail: bytes) -> None:
    assert "trailing_data" in codes(pdf, paged() + tail, PDF)


def _holding(content: bytes, keys: bytes = b"", names: bytes = b"/F(a.txt)") -> bytes:
    return paged(stream(content, b"/Type/EmbeddedFile" + keys), b"<<%s/EF<</F 4 0 R>>>>" % names, catalog=b"/AF[5 0 R]")


@pytest.mark.slow
def test_an_attachment_may_be_larger_than_the_limit_of_a_stream() -> None:
    deflated = zlib.compress(bytes(70 << 20), 9)
    found = examined(pdf, _holding(deflated, b"/Filter/FlateDecode"), PDF)
    assert found.findings == []
    assert [(name, len(content)) for name, content in found.members] == [("a.txt", 70 << 20)]


def test_an_attachment_is_a_member_under_each_of_its_names() -> None:
    other = b"<</UF<FEFF0062002E006800740061>/EF<</UF 4 0 R>>/RF<</F[(c.txt)4 0 R]>>>>"
    content = paged(stream(b"x"), b"<</F(a.txt)/EF<</F 4 0 R>>>>", other, catalog=b"/AF[5 0 R 6 0 R]")
    assert examined(pdf, content, PDF).members == [("a.txt", b"x"), ("b.hta", b"x"), ("c.txt", b"x")]


def test_an_attachment_that_cannot_be_unpacked_is_reported() -> None:
    assert codes(pdf, _holding(b"x", b"/Filter/Unheard"), PDF) == ["unsupported"]
    assert codes(pdf, _holding(b"not deflated", b"/Filter/FlateDecode"), PDF) == ["malformed"]


def test_the_name_of_an_attachment_leads_nowhere_and_that_of_another_file_does() -> None:
    assert codes(pdf, _holding(b"x", names=b"/F(\\\\\\\\server\\\\a.txt)"), PDF) == []
    assert codes(pdf, _holding(b"x", names=b"/FS/URL/F(http://x.example/a.txt)"), PDF) == ["remote_action"]


@pytest.mark.parametrize("password", [None, ""])
def test_models_and_films_are_members(password: str | None) -> None:
    def change(one: Pdf) -> None:
        one.Root.Model = one.make_stream(b"U3D", Type=Name("/3D"), Subtype=Name.U3D)
        clip = Dictionary(F=String("a.mp4"), EF=Dictionary(F=one.make_stream(b"film")))
        rendition = Dictionary(S=Name.MR, C=Dictionary(S=Name.MCD, D=clip))
        one.Root.Play = Array([Dictionary(S=Name.Rendition, R=rendition, OP=0)])

    found = examined(pdf, made(change, password=password), PDF)
    assert found.findings == []
    assert sorted(found.members) == [("a.mp4", b"film"), ("model.u3d", b"U3D")]


@pytest.mark.parametrize(
    ("clip", "found"),
    [
        (b"/D<</FS/URL/F(http://x.example/a.mp4)>>", ["remote_action"]),
        (b"/D(\\\\\\\\server\\\\a.mp4)", ["remote_action"]),
        (b"/D(a.mp4)", ["external_link", "remote_action"]),
    ],
)
def test_a_film_from_elsewhere_is_found(clip: bytes, found: list[str]) -> None:
    action = b"<</S/Rendition/OP 0/R<</S/MR/C<</S/MCD%s>>>>>>" % clip
    assert codes(pdf, paged(action, page=b"/Annots[<</A 4 0 R>>]"), PDF) == found


@pytest.mark.parametrize(
    ("name", "found"),
    [
        (b"../annex.pdf", "external_link"),
        (b"/c/docs/annex.pdf", "external_link"),
        (b"/home/me/annex.pdf", "external_link"),
        (b"/10.0.0.1/share/annex.pdf", "remote_action"),
        (b"/x.example@SSL/share/annex.pdf", "remote_action"),
        (b"//server/share/annex.pdf", "remote_action"),
        (b"tool.exe", "launch_action"),
    ],
)
def test_where_another_file_is_decides(name: bytes, found: str) -> None:
    for key in (b"F", b"UF", b"DOS", b"Unix", b"Mac"):
        clicked = b"<</S/GoToR/F<</%s(%s)>>>>" % (key, name)
        assert codes(pdf, paged(clicked, page=b"/Annots[<</A 4 0 R>>]"), PDF) == [found]
    opened = b"<</S/GoToR/F(%s)>>" % name
    assert "remote_action" in codes(pdf, paged(opened, catalog=b"/OpenAction 4 0 R"), PDF)


def test_a_command_of_a_menu_that_is_not_known_is_found() -> None:
    assert codes(pdf, paged(b"<</S/Named/N/Scripts:Evil>>", page=b"/Annots[<</A 4 0 R>>]"), PDF) == ["active_action"]


def test_attributes_of_tagged_content_are_no_actions() -> None:
    tagged = b"<</Type/StructElem/S/Figure/P 1 0 R/A[<</O/Layout/BBox[0 0 1 1]>>]>>"
    assert codes(pdf, paged(tagged, b"<</S/My#20Style/P 4 0 R/A<</O/List/S/Foo>>>>"), PDF) == []


@pytest.mark.parametrize(
    "text", ["/*" * 50_000, "AFNumber_Format(" + " " * 50_000, "AFDate_Format(" + "1," * 50_000, "//" * 50_000]
)
def test_no_script_takes_long_to_judge(text: str) -> None:
    started = time.perf_counter()
    assert judged(text) in Script
    assert time.perf_counter() - started < 1
