from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.workers.inspection.parsers.markup_samples import BAD, GOOD, LAUGHS, TEXTS, html, svg, xml
from tests.workers.inspection.parsers.recorder import codes, findings, nothing_left
from workers.inspection.parsers import markup

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
    assert markup.recognises(GOOD[name][:4096])
    assert findings(markup, GOOD[name]) == []


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_that_is_no_markup_is_left_alone(name: str) -> None:
    assert findings(markup, TEXTS[name]) == []


@pytest.mark.parametrize(("code", "content"), [(code, content) for code in BAD for content in BAD[code]])
def test_a_bad_text_has_exactly_its_code(code: str, content: bytes) -> None:
    assert [(found.code, found.outcome) for found in findings(markup, content)] == [(code, "rejected")]


@pytest.mark.parametrize("code", ["script", "event_handler"])
def test_what_runs_is_found_in_broken_markup_too(code: str) -> None:
    for content in BAD[code]:
        assert {code} <= set(codes(markup, content + b"<")) <= {code, "malformed"}


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
    assert codes(markup, content) == sorted([code, "malformed"])


def test_a_code_is_reported_once_with_its_first_line() -> None:
    content = svg(b"\n<g/>\n<script/>\n<script/>\n<g onload='a'/><g onclick='a'/>")
    assert [(found.code, found.message) for found in findings(markup, content)] == [
        ("script", "Line 3 has a script element."),
        ("event_handler", "Line 5 has an event handler (onload)."),
    ]


def test_lines_of_html_are_counted_as_well() -> None:
    assert [found.message for found in findings(markup, b"\n<html>\n<p>\n<p onclick=a>")] == [
        "Line 4 has an event handler (onclick)."
    ]


def test_a_message_shows_what_was_found_short_and_printable() -> None:
    (found,) = findings(markup, svg('<image href="http://é&#9;/{}"/>'.format("x" * 500).encode()))
    assert found.message == "Line 1 has a reference to http://??/" + "x" * 70 + "."


def test_limits_are_met_by_text_by_depth_and_by_number() -> None:
    assert codes(markup, svg(b" " * 100), {"markup_bytes": 100}) == ["limits_exceeded"]
    assert codes(markup, xml(b"<a>" * 50 + b"</a>" * 50), {"markup_depth": 50}) == ["limits_exceeded"]
    assert codes(markup, xml(b"<a>" * 49 + b"</a>" * 49), {"markup_depth": 50}) == []
    assert codes(markup, xml(b"<a b='c'/>" * 50), {"markup_nodes": 100}) == ["limits_exceeded"]
    assert codes(markup, xml(b"<a b='c'/>" * 49), {"markup_nodes": 100}) == []


def test_findings_before_a_limit_are_reported() -> None:
    content = svg(b"<script/>" + b"<g>" * 50 + b"</g>" * 50)
    assert codes(markup, content, {"markup_depth": 50}) == ["limits_exceeded", "script"]


@pytest.mark.without_coverage
@pytest.mark.parametrize(
    "piece", [b"<a ", b"<a b=", b"<a<a", b"<a b='", b'<a b="', b"<style", b"<!--", b"<a b='<a c=\""]
)
def test_no_text_takes_more_than_its_length_can_explain(piece: bytes) -> None:
    assert set(codes(markup, html(piece * (300_000 // len(piece))))) <= {"limits_exceeded"}


@pytest.mark.parametrize("size", [10, 100_000])
def test_a_billion_laughs_stay_unexpanded(size: int) -> None:
    assert codes(markup, LAUGHS.replace(b"lol", b"l" * size)) == ["entity_expansion"]


def test_frames_within_frames_are_followed_to_an_end() -> None:
    content = b"<p onclick=a>"
    for _ in range(3):
        content = b'<iframe srcdoc="' + content.replace(b"&", b"&amp;").replace(b'"', b"&quot;") + b'">'
    assert codes(markup, html(content)) == ["event_handler"]


@pytest.mark.without_coverage
@settings(max_examples=400)
@given(st.sampled_from(EVERY), st.data())
def test_no_mutation_raises_or_leaves_a_file(content: bytes, data: st.DataObject) -> None:
    mutated = bytearray(content)
    for _ in range(data.draw(st.integers(1, 12))):
        at = data.draw(st.integers(0, len(mutated)))
        mutated[at : at + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=8) | st.sampled_from(PIECES))
    with nothing_left():
        findings(markup, bytes(mutated))


@given(st.text(alphabet=st.characters(exclude_characters="<\ufeff")))
def test_a_text_that_begins_with_no_tag_is_never_markup(text: str) -> None:
    assert not markup.recognises(("." + text + "<script>").encode("utf-8", "replace"))
