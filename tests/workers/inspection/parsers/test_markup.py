import io
from collections.abc import Mapping
from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.workers.inspection.parsers import recorder
from tests.workers.inspection.parsers.markup_samples import BAD, GOOD, LAUGHS, TEXTS, html, svg, xml
from tests.workers.inspection.parsers.recorder import nothing_left
from workers.inspection.identification.identify import identify
from workers.inspection.parsers import markup
from workers.inspection.readings import ExaminerFinding


def media_type(content: bytes) -> str:
    """What identification takes it for, where its name says that it is XML."""
    return identify(io.BytesIO(content), len(content), ("application/xml",))[0].media_type


def findings(content: bytes, limits: Mapping[str, int] | None = None) -> list[ExaminerFinding]:
    return recorder.examined(markup, content, media_type(content), limits).findings


def codes(content: bytes, limits: Mapping[str, int] | None = None) -> list[str]:
    return sorted(found.code for found in findings(content, limits))


EVERY = [*GOOD.values(), *chain.from_iterable(BAD.values())]
PIECES = [
    b"<",
    b">",
    b"</",
    b"<!--",
    b"-->",
    b"<![CDATA[",
    b"]]>",
    b'"',
    b"'",
    b"=",
    b"&#x",
    b"<!",
    b"<?",
    b"<a ",
    b"\xff",
]


@pytest.mark.parametrize("name", GOOD)
def test_good_markup_is_read_and_has_no_finding(name: str) -> None:
    assert findings(GOOD[name]) == []


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_that_is_no_markup_is_a_text(name: str) -> None:
    claims = ("text/markdown",) if name.endswith("md") else ()
    assert identify(io.BytesIO(TEXTS[name]), len(TEXTS[name]), claims)[0].media_type == (claims or ("text/plain",))[0]


@pytest.mark.parametrize(("code", "content"), [(code, content) for code in BAD for content in BAD[code]])
def test_a_bad_text_has_exactly_its_code(code: str, content: bytes) -> None:
    assert codes(content) == [code]


@pytest.mark.parametrize("code", ["script", "event_handler"])
def test_what_runs_is_found_in_broken_markup_too(code: str) -> None:
    for content in BAD[code]:
        assert {code} <= set(codes(content + b"<")) <= {code, "malformed"}


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b'<svg><x:g a=b><image href="http://example.com/"></svg>', "external_reference"),
        (b'<svg><x:g a=b><xi:include href="a"></svg>', "external_reference"),
        (b'<svg a=b><style>@import "http://example.com/a.css"</style></svg>', "external_reference"),
        (b'<svg a=b><g xml:base="http://example.com/"></svg>', "external_reference"),
        (b'\n<?xml version="1.0"?><?xml-stylesheet href="a.xsl"?><a/>', "external_reference"),
        (b'\n<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "c">]><a/>', "external_reference"),
        (b'\n<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "&c;">]><a/>', "entity_expansion"),
        (b"<svg a=b><foreignObject></svg>", "foreign_object"),
    ],
)
def test_what_is_not_well_formed_is_read_as_browsers_might(content: bytes, code: str) -> None:
    assert codes(content) == sorted([code, "malformed"])


def test_a_code_is_reported_once_with_its_first_line() -> None:
    content = svg(b"\n<g/>\n<script/>\n<script/>\n<g onload='a'/><g onclick='a'/>")
    assert [(found.code, found.message) for found in findings(content)] == [
        ("script", "Line 3 has a script element."),
        ("event_handler", "Line 5 has an event handler (onload)."),
    ]


def test_lines_of_html_are_counted_as_well() -> None:
    assert [found.message for found in findings(b"\n<html>\n<p>\n<p onclick=a>")] == [
        "Line 4 has an event handler (onclick)."
    ]


def test_a_message_shows_what_was_found_short_and_printable() -> None:
    (found,) = findings(svg('<image href="http://é&#9;/{}"/>'.format("x" * 500).encode()))
    assert found.message == "Line 1 has a reference to http://??/" + "x" * 70 + "."


def test_limits_are_met_by_text_by_depth_and_by_number() -> None:
    assert codes(svg(b" " * 100), {"markup_bytes": 100}) == ["limits_exceeded"]
    assert codes(xml(b"<a>" * 50 + b"</a>" * 50), {"markup_depth": 50}) == ["limits_exceeded"]
    assert codes(xml(b"<a>" * 49 + b"</a>" * 49), {"markup_depth": 50}) == []
    assert codes(xml(b"<a b='c'/>" * 50), {"markup_nodes": 100}) == ["limits_exceeded"]
    assert codes(xml(b"<a b='c'/>" * 49), {"markup_nodes": 100}) == []


def test_findings_before_a_limit_are_reported() -> None:
    content = svg(b"<script/>" + b"<g>" * 50 + b"</g>" * 50)
    assert codes(content, {"markup_depth": 50}) == ["limits_exceeded", "script"]


@pytest.mark.slow
@pytest.mark.without_coverage
@pytest.mark.parametrize(
    "piece", [b"<a ", b"<a b=", b"<a<a", b"<a b='", b'<a b="', b"<style", b"<!--", b"<a b='<a c=\""]
)
def test_no_text_takes_more_than_its_length_can_explain(piece: bytes) -> None:
    assert set(codes(html(piece * (300_000 // len(piece))))) <= {"limits_exceeded"}


@pytest.mark.parametrize("size", [10, 100_000])
def test_a_billion_laughs_stay_unexpanded(size: int) -> None:
    assert codes(LAUGHS.replace(b"lol", b"l" * size)) == ["entity_expansion"]


def test_frames_within_frames_are_followed_to_an_end() -> None:
    content = b"<p onclick=a>"
    for _ in range(3):
        content = b'<iframe srcdoc="' + content.replace(b"&", b"&amp;").replace(b'"', b"&quot;") + b'">'
    assert codes(html(content)) == ["event_handler"]


@pytest.mark.slow
@pytest.mark.long
@settings(max_examples=400)
@given(st.sampled_from(EVERY), st.data())
def test_no_mutation_raises_or_leaves_a_file(content: bytes, data: st.DataObject) -> None:
    mutated = bytearray(content)
    for _ in range(data.draw(st.integers(1, 12))):
        at = data.draw(st.integers(0, len(mutated)))
        mutated[at : at + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=8) | st.sampled_from(PIECES))
    with nothing_left():
        findings(bytes(mutated))


@given(st.text(alphabet=st.characters(exclude_characters="<\ufeff")))
def test_a_text_that_begins_with_no_tag_is_never_markup(text: str) -> None:
    assert media_type(("." + text + "<script>").encode("utf-8", "replace")) != "text/html"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (svg(b'<a href="java' + b"&#9;" * 300 + b'script:alert(1)"/>'), "script"),
        (html(b'<a href="java' + b"\t" * 300 + b'script:alert(1)">x</a>'), "script"),
        (svg(b'<a href="&#9;&#10;jav&#97;script:alert(1)"/>'), "script"),
        (svg(b'<image href="ht' + b"&#10;" * 500 + b'tps://x.example/a"/>'), "external_reference"),
        (svg(b'<a href="ms-msdt:/id"/>'), "unsafe_link"),
        (svg(b'<a href="search-ms:query=a"/>'), "unsafe_link"),
        (svg(b'<a href="file://server/share/a.exe"/>'), "unsafe_link"),
        (
            b'<?xml-stylesheet xhref="#a" href="https://x.example/a.css" type="text/css"?>' + svg(b""),
            "external_reference",
        ),
        (
            b'<?xml-stylesheet title="href=\'#a\'" href="//x.example/a" type="text/css"?>' + svg(b""),
            "external_reference",
        ),
        (b'<?xml-stylesheet href="#a" type="text/xsl" title="text/css"?>' + svg(b""), "script"),
        (
            b'<?xml-stylesheet href="data:text/css,@import%20%22//x.example%22" type="text/css"?>' + svg(b""),
            "external_reference",
        ),
        (svg(b"<style>@media all { @import 'https://x.example/a.css'; }</style>"), "external_reference"),
        (svg(b"<style>@layer a; @import/**/url( '//x.example/a' ) layer(b);</style>"), "external_reference"),
        (svg(b"<style>a{b:image-set('#a' 1x, 'https://x.example/a' 2x)}</style>"), "external_reference"),
        (svg(b"<style>a{b:-webkit-image-set(url(#a) 1x, url(//x.example/a) 2x)}</style>"), "external_reference"),
        (svg(b"<style>a{b:u\\72l(https://x.example/a)}</style>"), "external_reference"),
        (svg(b"<style>@font-face{src:local(a),url(https://x.example/a.woff2)}</style>"), "external_reference"),
        (svg(b"<style>@import 'data:text/css;base64,QGltcG9ydCAiLy94LmV4YW1wbGUiOw==';</style>"), "external_reference"),
        (svg(b"<style>@import 'data:text/css,@import%20%22data:text/css,a%22';</style>"), "external_reference"),
        (svg(b"<style>a{b:expression(alert(1))}</style>"), "script"),
        (b'<!DOCTYPE svg SYSTEM "http://www.w3.org/../evil.dtd">' + svg(b""), "external_reference"),
        (b'<!DOCTYPE svg SYSTEM "http://www.w3.org/a/.././evil.dtd">' + svg(b""), "external_reference"),
        (b'<?mso-application progid="Word.Document"?><a/>', "unsupported"),
        (b'<office:document xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"/>', "unsupported"),
        (b'<pkg:package xmlns:pkg="http://schemas.microsoft.com/office/2006/xmlPackage"/>', "unsupported"),
        (b'<x><y xmlns="http://www.w3.org/1999/xhtml"><script>a</script></y></x>', "script"),
    ],
)
def test_addresses_and_styles_are_read_as_browsers_read_them(content: bytes, code: str) -> None:
    assert codes(content) == [code]


@pytest.mark.parametrize(
    "content",
    [
        svg(b'<a href="https://x.example/"/><a href="mailto:a@x.example"/><a href="#b"/><a href="page.html"/>'),
        svg(
            b"<style>@namespace svg url(http://www.w3.org/2000/svg); a{fill:url(#b);content:'http://x.example'}</style>"
        ),
        svg(b"<style>@import 'data:text/css,a{fill:red}';</style>"),
        svg(b'<image href="data:image/png;base64,iVBORw0KGgo="/>'),
        b'<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">'
        + svg(b""),
        b'<?xml-stylesheet type="text/css" href="#style"?>' + svg(b""),
    ],
)
def test_what_drawing_programs_write_passes(content: bytes) -> None:
    assert codes(content) == []


def test_a_page_that_its_name_alone_says_to_be_one_is_read_as_a_page() -> None:
    assert recorder.codes(markup, b"hello", "text/html") == []
    assert recorder.codes(markup, b"hello <script>alert(1)</script>", "text/html") == ["script"]
