import zlib
from collections.abc import Mapping

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pikepdf import Array, Dictionary, Name, Pdf, String

from airlock.content.finding_codes import FINDING_CODES
from tests.workers.inspection.parsers import recorder
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
from tests.workers.inspection.parsers.recorder import nothing_left
from workers.inspection.parsers import pdf
from workers.inspection.parsers.port import EnvironmentFault

GOOD = made()


def examined(content: bytes, limits: Mapping[str, int] | None = None) -> recorder.Recorder:
    return recorder.examined(pdf, content, "application/pdf", limits)


def codes(content: bytes, limits: Mapping[str, int] | None = None) -> list[str]:
    return sorted(found.code for found in examined(content, limits).findings)


def objections(content: bytes) -> list[str]:
    """The codes that are more than a note by default."""
    return [code for code in codes(content) if FINDING_CODES[code].default != "note"]


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
        paged(page=b"/Annots[<</A<</S/GoTo>>/AP<</N<</Gr\xfcn 4 0 R>>>>/AS/Gr\xfcn/Type/Gr\xfcn>><</S/\xdc/A 3 0 R>>]"),
        paged(stream(b"", b"/Type/\xdc/Subtype/\xdc/S/\xdc/JX 1"), page=b"/AA<</\xdc<</S/Hide>>>>"),
        paged(catalog=b"/A 4 0 R").replace(b"4 0 R", b"1 0 R"),
    ],
    ids=lambda content: str(len(content)),
)
def test_a_good_file_has_no_objection(content: bytes) -> None:
    assert objections(content) == []


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
        made(
            lambda one: form(
                one, b'<xdp xmlns:t="t"><t:script contentType="application/x-javascript">1</t:script></xdp>'
            )
        ),
        made(lambda one: form(one, "<xdp><script >1</script></xdp>".encode("utf-16"))),
        with_object_stream(object_stream(0)),
    ],
    ids=lambda content: str(len(content)),
)
def test_javascript_is_found_in_any_object(content: bytes) -> None:
    assert "javascript" in codes(content)
    assert {*codes(content)} <= {"javascript", "remote_action"}  # a rendition plays something, too


@pytest.mark.parametrize(
    "content",
    [
        _root("/OpenAction", launch()),
        made(lambda one: chain(one, launch())),
        paged(b"/Launch", catalog=b"/OpenAction<</S 4 0 R/F(cmd.exe)>>"),
    ],
)
def test_what_starts_a_program_is_found(content: bytes) -> None:
    assert codes(content) == ["launch_action"]


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
def test_files_within_are_members(content: bytes) -> None:
    found = examined(content)
    assert found.findings == []
    assert len(found.members) == 1
    assert found.members[0][1] in (b"content", b"x")


def test_an_attachment_has_its_name_and_comes_once() -> None:
    (member,) = examined(made(_attached_to_a_page)).members
    assert member == ("a", b"content")


def test_an_attachment_that_nothing_names_is_a_member_too() -> None:
    content = paged(stream(b"hidden", b"/Type/EmbeddedFile"))
    assert examined(content).members == [("", b"hidden")]


def test_every_code_is_reported_and_each_once() -> None:
    def all_of_them(one: Pdf) -> None:
        attach(one)
        one.Root.OpenAction = script()
        one.Root.AA = Dictionary(WC=script(), DS=launch())

    assert codes(made(all_of_them)) == ["javascript", "launch_action"]


@pytest.mark.parametrize(
    "content", [made(password="secret"), made(password="secret").replace(b"/Standard", b"/Adobe.PubSec")]
)
def test_what_needs_a_password_or_a_key_is_unscannable(content: bytes) -> None:
    assert codes(content) == ["encrypted"]


@pytest.mark.parametrize(
    "content",
    [
        b"%PDF-1.7\nnothing else\n%%EOF\n",
        paged().replace(b"/Pages 2 0 R", b"/Pages 9 0 R"),
        with_object_stream(b"this is not deflated"),
    ],
)
def test_what_cannot_be_read_is_malformed(content: bytes) -> None:
    assert codes(content) == ["malformed"]


@pytest.mark.parametrize("tail", [b"PK\x03\x04 and more", b"x" * 1025, b"x" * (3 << 20), b" \0<?php \x80"])
def test_further_bytes_after_the_end_are_trailing_data(tail: bytes) -> None:
    assert objections(GOOD + tail) == ["trailing_data"]


def test_a_marker_without_its_cross_reference_is_no_end() -> None:
    assert codes(GOOD + b"PK\x03\x04 ... %%EOF") == ["trailing_data"]


def test_the_end_is_found_across_pieces() -> None:
    piece, around = 1 << 20, len(paged(stream(bytes(1_000_000)))) - 1_000_000
    for behind in range(1, 30, 3):
        content = paged(stream(bytes(piece + behind - around)))
        assert len(content) == piece + behind
        assert codes(content) == []


@pytest.mark.long
@pytest.mark.slow
def test_a_million_objects_end_at_the_limit() -> None:
    content = paged(*[b"<<>>"] * 1_000_000)
    (found,) = examined(content).findings
    assert found == ("limits_exceeded", "The PDF has more than 500,000 objects (pdf_objects).")


def test_objects_in_object_streams_are_counted() -> None:
    def many(one: Pdf) -> None:
        one.Root.Many = Array([one.make_indirect(Dictionary()) for _ in range(300)])

    packed = made(many, packed=True)
    assert codes(packed, {"pdf_objects": 200}) == ["limits_exceeded"]
    assert codes(packed, {"pdf_objects": 400}) == []


@pytest.mark.slow
def test_an_object_stream_that_unpacks_to_too_much_is_not_passed_over() -> None:
    assert codes(with_object_stream(object_stream(80 << 20))) == ["limits_exceeded"]


@pytest.mark.slow
def test_a_form_that_unpacks_to_too_much_is_unscannable() -> None:
    bomb = stream(zlib.compress(bytes(80 << 20), 9), b"/Filter/FlateDecode")
    assert codes(paged(bomb, catalog=b"/AcroForm<</XFA 4 0 R>>")) == ["limits_exceeded"]


@pytest.mark.slow
def test_pictures_are_not_unpacked() -> None:
    bomb = stream(zlib.compress(bytes(80 << 20), 9), b"/Subtype/Image/Filter/FlateDecode")
    assert codes(paged(bomb, page=b"/X 4 0 R")) == []


def test_deep_nesting_is_unscannable() -> None:
    assert codes(paged(b"[" * 5000 + b"]" * 5000, catalog=b"/X 4 0 R")) == ["limits_exceeded"]
    assert codes(paged(b"[" * 50 + b"]" * 50, catalog=b"/X 4 0 R")) == []


UNC, JS_UTF16 = (
    rb"(\\\\server\\share\\x.pdf)",
    b"<FEFF" + "java\tscript:alert(1)".encode("utf-16-be").hex().encode() + b">",
)


@pytest.mark.parametrize(
    ("action", "code"),
    [
        (b"<</S/GoToR/F" + UNC + b">>", "remote_action"),
        (b"<</S/GoToR/F<</FS/URL/F(http://x.example/a.pdf)>>>>", "remote_action"),
        (b"<</S/GoToR/F<</F(//server/a.pdf)>>>>", "remote_action"),
        (b"<</S/GoToR/F(file:///etc/passwd)>>", "remote_action"),
        (b"<</S/GoToE/F" + UNC + b"/T<</R/C/N(a)>>>>", "remote_action"),
        (b"<</S/GoToR/F(annex.pdf)>>", "external_link"),
        (b"<</S/SubmitForm/F(http://x.example/)>>", "remote_action"),
        (b"<</S/ImportData/F(a.fdf)>>", "remote_action"),
        (b"<</S/Rendition/OP 0>>", "remote_action"),
        (b"<</S/Unheard>>", "active_action"),
        (b"<</S/Launch/F(cmd.exe)>>", "launch_action"),
        (b"<</S/URI/URI(javascript:alert\\(1\\))>>", "unsafe_link"),
        (b"<</S/URI/URI( Java\\tScript :x)>>", "unsafe_link"),
        (b"<</S/URI/URI" + JS_UTF16 + b">>", "unsafe_link"),
        (b"<</S/URI/URI(file://server/share/a.exe)>>", "unsafe_link"),
        (b"<</S/URI/URI" + UNC + b">>", "unsafe_link"),
        (b"<</S/URI/URI(ms-msdt:/id)>>", "unsafe_link"),
        (b"<</S/URI/URI(search-ms:query)>>", "unsafe_link"),
        (b"<</S/JavaScript/JS(app.alert\\(1\\))>>", "javascript"),
        (b"<</S/JavaScript>>", "javascript"),
    ],
)
@pytest.mark.parametrize("place", ["on opening", "on a page", "on a link", "in a chain"])
def test_an_action_that_leaves_the_document_is_found_wherever_it_stands(action: bytes, code: str, place: str) -> None:
    catalog = {"on opening": b"/OpenAction 4 0 R", "in a chain": b"/OpenAction<</S/GoTo/D[3 0 R/Fit]/Next[4 0 R]>>"}
    page = {"on a page": b"/AA<</O 4 0 R>>", "on a link": b"/Annots[<</Subtype/Link/A 4 0 R>>]"}
    content = paged(action, catalog=catalog.get(place, b""), page=page.get(place, b""))
    assert code in codes(content)
    assert {*codes(content)} <= {code, "remote_action"}


@pytest.mark.parametrize(
    "action",
    [
        b"<</S/GoTo/D[3 0 R/Fit]>>",
        b"<</S/Named/N/NextPage>>",
        b"<</S/Named/N/Print>>",
        b"<</S/Hide/T(a)>>",
        b"<</S/ResetForm>>",
        b"<</S/SetOCGState/State[/ON 4 0 R]>>",
    ],
)
def test_an_action_within_the_document_passes(action: bytes) -> None:
    assert codes(paged(action, page=b"/Annots[<</Subtype/Link/A 4 0 R>>]", catalog=b"/OpenAction 4 0 R")) == []


@pytest.mark.parametrize(
    "address",
    [
        b"https://x.example/?a=b",
        b"MAILTO:a@x.example",
        b"tel:+49170",
        b"www.x.example/a",
        b"page.html#a",
        b"x.example:8080/a",
        b"\xfe\xff" + "https://x.example/ü".encode("utf-16-be").replace(b"(", b"\\("),
    ],
)
def test_a_plain_link_passes_where_it_is_clicked_only(address: bytes) -> None:
    action = b"<</S/URI/URI<%s>>>" % address.hex().encode()
    assert objections(paged(action, page=b"/Annots[<</Subtype/Link/A 4 0 R/AA<</U 4 0 R>>>>]")) == []
    assert objections(paged(action, catalog=b"/OpenAction 4 0 R")) == ["remote_action"]
    assert objections(paged(action, page=b"/AA<</O<</S/GoTo/Next 4 0 R>>>>")) == ["remote_action"]
    assert objections(paged(action, page=b"/Annots[<</AA<</PV 4 0 R>>>>]")) == ["remote_action"]


@pytest.mark.parametrize(
    ("calls", "code"),
    [
        ('AFNumber_Format(2, 0, 0, 0, "\\u20ac ", true);', "form_script"),
        ("AFNumber_Keystroke(2,0,0,0,'',true)", "form_script"),
        ('AFDate_FormatEx("dd.mm.yyyy");', "form_script"),
        ('// adds up\nAFSimple_Calculate("SUM", new Array ("a", "b"));', "form_script"),
        ('AFSimple_Calculate("AVG", ["a.0", "a.1"])', "form_script"),
        ("AFRange_Validate(true, 0, true, 100); AFPercent_Format(2, 1);", "form_script"),
        ("AFNumber_Format(2, app.alert(1))", "javascript"),
        ("AFNumber_Format(2); app.launchURL('http://x')", "javascript"),
        ('AFNumber_Format("a" + x)', "javascript"),
        ("AFNumber_Format = 1", "javascript"),
        ("AFOther(1)", "javascript"),
        ("/* */ this.submitForm('http://x') // AFNumber_Format(1)", "javascript"),
        (
            '/** BVCALC a * b EVCALC **/ event.value = (AFMakeNumber(getField("a").value)) * getField("b").value',
            "form_script",
        ),
        ("event.value = this.getField('a').value / 1.19;", "form_script"),
        ("event.value = getField('a').value.constructor", "javascript"),
        ("event.value = getField('a').valueOf()", "javascript"),
        ("event.value = app.launchURL('http://x')", "javascript"),
        ("event.value = AFMakeNumber.constructor('app.alert(1)')()", "javascript"),
        ("event.value = 1; app.alert(1)", "javascript"),
        ("event.value = getField(getField('a').value).value", "javascript"),
    ],
)
def test_scripts_of_fields_that_only_format_are_a_note(calls: str, code: str) -> None:
    action = f"<</S/JavaScript/JS<{calls.encode('latin-1', 'replace').hex()}>>>".encode()
    field = b"<</FT/Tx/T(a)/AA<</F 4 0 R/K 4 0 R>>>>"
    assert codes(paged(action, field, catalog=b"/AcroForm<</Fields[5 0 R]>>")) == [code]
    packed = stream(calls.encode("latin-1", "replace"))
    assert codes(paged(packed, b"<</S/JavaScript/JS 4 0 R>>", catalog=b"/OpenAction 5 0 R")) == [code]


@pytest.mark.parametrize(
    ("objects", "code"),
    [
        ((b"<</Length 0/F(other.bin)>>\nstream\n\nendstream",), "external_stream"),
        ((b"<</Type/XObject/Ref<</F(other.pdf)/Page 0>>>>",), "external_stream"),
        ((b"<</Type/Filespec/FS/URL/F(http://x.example/a)>>",), "remote_action"),
        ((b"<</Subtype/Movie/Movie<</F(a.mov)>>>>",), "remote_action"),
        ((b"<</Type/XObject/OPI<</2.0<</F(a.tif)>>>>>>",), "external_link"),
        ((b"<</Base(\\\\\\\\server\\\\share)>>",), "unsafe_link"),
    ],
)
def test_what_is_kept_elsewhere_is_found(objects: tuple[bytes, ...], code: str) -> None:
    found = codes(paged(*objects, page=b"/X 4 0 R"))
    assert code in found
    assert {*found} <= {code, "external_link"}  # what it names is another file, too


@pytest.mark.parametrize(
    ("form_text", "found"),
    [
        (b"<xdp><template><field name='script'>describe</field></template></xdp>", []),
        (b"<x:xdp xmlns:x='x'><x:connectionSet/></x:xdp>", []),
        (b"<xdp><submit target='http://x.example'/></xdp>", ["remote_action"]),
        (b"<sourceSet><source><connect/></source></sourceSet>", ["remote_action"]),
        (b"<xdp><connectionSet><wsdlConnection/></connectionSet></xdp>", ["remote_action"]),
        (b"<event xmlns:t='t'><t:script>x</t:script></event>", ["javascript"]),
        ("<event><script>x</script></event>".encode("utf-16"), ["javascript"]),
        (b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", ["malformed"]),
        (b"<a><b></a>", ["malformed"]),
        (b"<xdp><image href='//server/x.png'/></xdp>", ["remote_action"]),
        (b"<xdp><subform usehref='http://x.example/a.xdp#b'/></xdp>", ["remote_action"]),
        (b"<xdp><subform usehref='#b'/><script/></xdp>", []),
    ],
)
def test_an_xfa_form_may_neither_run_nor_send(form_text: bytes, found: list[str]) -> None:
    assert codes(made(lambda one: form(one, form_text))) == found
    as_string = b"/AcroForm<</XFA<%s>>>" % form_text.hex().encode()
    assert codes(paged(catalog=as_string)) == found


@pytest.mark.parametrize(
    ("catalog", "page", "found"),
    [
        (b"/OpenAction[<</S/URI/URI(http://x.example)>>]", b"", ["remote_action"]),
        (b"/OpenAction[3 0 R/Fit]", b"", []),
        (b"", b"/PresSteps<</Type/NavNode/NA<</S/URI/URI(http://x.example)>>>>", ["remote_action"]),
    ],
)
def test_what_acts_by_itself_is_found_in_lists_and_presentations(catalog: bytes, page: bytes, found: list[str]) -> None:
    assert codes(paged(catalog=catalog, page=page)) == found


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        (b"/OpenAction<</S/JavaScript/JS(1)>>/OpenAction<</S/GoTo/D[3 0 R]>>", ["malformed"]),
        (b"/OpenAction<</S/GoTo/S/GoTo/D[3 0 R]>>", ["malformed"]),
        (b"/Lang(en)/Lang(en)/Type/Catalog", []),
    ],
)
def test_an_object_that_says_twice_what_it_opens_is_malformed(keys: bytes, found: list[str]) -> None:
    assert codes(paged(catalog=keys)) == found


@pytest.mark.parametrize(
    "tail", [b"\x1a", b"\n\x1a\x1a", b"\x1b%-12345X@PJL EOJ\r\n\x1b%-12345X", b"<!-- page -->", b"\x04"]
)
def test_what_printers_and_servers_append_is_a_note(tail: bytes) -> None:
    assert codes(GOOD + tail) == ["irregular"]
    assert codes(GOOD + b"\n\0\r\n" * 3) == []


def test_a_missing_device_is_the_environments_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("unable to find device in /dev for generating random numbers")

    monkeypatch.setattr("pikepdf.open", fail)
    with pytest.raises(EnvironmentFault, match="random numbers"):
        codes(GOOD)


MUTABLE = [
    GOOD,
    made(packed=True),
    made(password=""),
    made(attach),
    made(lambda one: chain(one, launch()), packed=True),
]


@pytest.mark.slow
@pytest.mark.long
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(MUTABLE), st.data())
def test_no_mutation_raises_or_leaves_a_file(content: bytes, data: st.DataObject) -> None:
    mutated = bytearray(content)
    for _ in range(data.draw(st.integers(1, 12))):
        at = data.draw(st.integers(0, len(mutated)))
        mutated[at : at + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=8))
    with nothing_left():
        codes(bytes(mutated))


def test_a_broken_file_writes_nothing_to_the_standard_streams(capfd: pytest.CaptureFixture[str]) -> None:
    broken = paged().replace(b"/Kids[3 0 R]", b"/Kids[3 0 R 7]")
    codes(broken)
    codes(broken.replace(b"/Count 1", b"/Count (a)").replace(b"xref", b"xxxx"))
    assert capfd.readouterr() == ("", "")
