"""Markup that one program reads in another way than the next: what any of them runs or loads is found."""

import base64

import pytest

from tests.workers.inspection.parsers.markup_samples import html, svg, xhtml
from tests.workers.inspection.parsers.recorder import codes
from workers.inspection.parsers import markup

SVG, HTML, XML = "image/svg+xml", "text/html", "application/xml"
RUNS = svg(b"<script>alert(1)</script>")


def data(content: bytes, media_type: bytes = b"image/svg+xml") -> bytes:
    return b"data:" + media_type + b";base64," + base64.b64encode(content)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"<style><g/>@import url(http://x.example/);</style>", "external_reference"),
        (b"<style><g>a{content:'</g>@import url(http://x.example/);</style>", "external_reference"),
        (b"<style>a{}<g>x</g>b{fill:url(http://x.example/)}</style>", "external_reference"),
        (b"<style>a{content:'<style>@import url(//x.example)</style>'}</style>", "external_reference"),
        (b'<image href="http://x.example/" xlink:href="#ok"/>', "external_reference"),
        (b'<image xlink:href="http://x.example/" href="#ok"/>', "external_reference"),
        (b'<a href="data:' + b" " * 300 + b'text/html,a"/>', "script"),
        (b'<use href="data:application/rss+xml,&lt;a/&gt;"/>', "script"),
        (b'<image href="' + data(RUNS) + b'"/>', "script"),
        (b'<image href="' + data(svg(b'<image href="' + data(RUNS) + b'"/>')) + b'"/>', "script"),
        (b"<style>a{b:url('" + data(RUNS) + b"')}</style>", "script"),
        (b'<image href="data:image/svg+xml,%3Csvg onload=%22a%22%3E"/>', "event_handler"),
        (b"<style>:root{--a:'https://x.example/'} a{b:image-set(var(--a) 1x)}</style>", "external_reference"),
        (b"<style>@property --a{syntax:'*';initial-value:'//x.example'}</style>", "external_reference"),
        (b"<rect style=\"--a:'https://x.example/'\"/>", "external_reference"),
        (b"<style>a{b:image-set(if(else:'https://x.example/') 1x)}</style>", "external_reference"),
        (b"<style>a{b:src('https://x.example/')}</style>", "external_reference"),
        (b"<style>a{content:image-set('https://x.example/' 1x)}</style>", "external_reference"),
        (b"<style>a{filter:progid:DXImageTransform.Microsoft.AlphaImageLoader(src='http://x.example/a')}</style>",
         "external_reference"),
        (b"<style>a{behavior:url(a.htc)}</style>", "script"),
        (b"<style>a{-moz-binding:url(a.xml#b)}</style>", "script"),
        (b"<style>@import url(//x.example/a</style>", "external_reference"),
        (b"<style>a{b:url('htt\\\np://x.example/')}</style>", "external_reference"),
        (b'<rect fill="u&#x5c;72l(//x.example/a#b )"/>', "external_reference"),
        (b'<a href="java\nscript:alert(1)"/>', "script"),
        (b'<use href="ht\ttps://x.example/a"/>', "external_reference"),
        (b'<rect style="width:expr/**/ession(alert(1))"/>', "script"),
        (b"<?php system($_GET[0]); ?>", "script"),
        (b'<i:include xmlns:i="http://www.w3.org/2003/XInclude" href="a.xml"/>', "external_reference"),
        (b'<a><set attributeName=" href " to=" java&#10;script:alert(1)"/></a>', "script"),
    ],
)  # fmt: skip
def test_what_an_svg_hides_is_found(body: bytes, code: str) -> None:
    assert codes(markup, svg(body), SVG) == [code]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"<img src=http://x.example/ src=a.png>", "external_reference"),
        (b"<a href=javascript:alert(1) href=a.html>x</a>", "script"),
        (b'<meta http-equiv=refresh content="0;http://x.example/?a=b">', "external_reference"),
        (b'<meta http-equiv=refresh content="0 //x.example/">', "external_reference"),
        (b'<!--#exec cmd="id" -->', "script"),
        (b"<?php system(1) ?>", "script"),
        (b"<?= `id` ?>", "script"),
        (b"<object><param name=movie value=//x.example/a></object>", "external_reference"),
        (b"<meta http-equiv=refresh http-equiv=x content=\"0;url='http://x.example/'\">", "external_reference"),
        (b'<iframe src="data:application/rdf+xml,x"></iframe>', "script"),
        (b'<embed src="data:application/pdf;base64,JVBERi0=">', "foreign_object"),
        (b'<a download="x.exe" href="data:application/octet-stream;base64,TVqQ">x</a>', "unsafe_link"),
        (b'<object classid="clsid:D27CDB6E-AE6D-11cf-96B8-444553540000"></object>', "foreign_object"),
        (b'<img attributionsrc="https://x.example/">', "external_reference"),
        (b'<a href="\\\\server\\share\\x">x</a>', "unsafe_link"),
        (b'<link rel="alternate stylesheet" href="https://x.example/a.css">', "external_reference"),
        (b'<img srcset="' + data(RUNS) + b' 1x">', "script"),
        (b"<table><tr><td>=cmd|'/c calc'!A1</td></tr></table>", "active_formula"),
        (b"<table><td>=<b>cmd</b>|&#39;/c calc&#39;!A1</table>", "active_formula"),
        (b"<table><td x:fmla=\"=cmd|'/c calc'!A1\">1</td></table>", "active_formula"),
        (b"<span style='mso-element:field-begin'></span> DDEAUTO cmd \"/k calc\" <span style='mso-element:field-end'>",
         "active_field"),
        (b"<p style='mso-element:field-begin'>QUOTE 68 68 69<p style='mso-element:field-end'>", "irregular"),
    ],
)  # fmt: skip
def test_what_a_page_hides_is_found(body: bytes, code: str) -> None:
    assert codes(markup, html(body), HTML) == ([] if code == "irregular" else [code])


def test_pages_in_frames_are_examined_in_html_and_xhtml_to_any_depth_or_to_the_limit() -> None:
    content = b"<p onclick='a'>"
    for _ in range(6):
        content = b'<iframe srcdoc="' + content.replace(b"&", b"&amp;").replace(b'"', b"&quot;") + b'">'
    assert codes(markup, html(content), HTML) == ["event_handler"]
    for _ in range(6):
        content = b'<iframe srcdoc="' + content.replace(b"&", b"&amp;").replace(b'"', b"&quot;") + b'">'
    assert codes(markup, html(content.replace(b"onclick", b"title")), HTML) == ["limits_exceeded"]
    assert codes(markup, xhtml(b'<iframe srcdoc="&lt;script&gt;a&lt;/script&gt;"/>'), "application/xhtml+xml") == [
        "script"
    ]


@pytest.mark.parametrize(
    "content",
    [
        b'<html><!-- <meta charset="iso-2022-jp"> -->\x1b$B<script>alert(1)</script>',
        b'<html><img alt="\x1b$B" \x1b(B title="><script>alert(1)</script> a=">',
    ],
)
def test_escapes_of_iso_2022_jp_hide_no_tag(content: bytes) -> None:
    assert codes(markup, content, HTML) == ["script"]


@pytest.mark.parametrize(
    "content",
    [
        b'<!DOCTYPE a SYSTEM "http://169.254.169.254/x"><a/>',
        b'<!DOCTYPE a PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://x.example/x.dtd"><a/>',
        b'<!DOCTYPE a SYSTEM "http://www.apple.com/../x.dtd"><a/>',
        b'<!DOCTYPE a SYSTEM "/etc/x.dtd"><a/>',
        b'<!DOCTYPE a SYSTEM "http://www.apple.com@x.example/x.dtd"><a/>',
        b'<!DOCTYPE svg SYSTEM "http://www.apple.com/x.dtd">' + svg(b""),
        b'<!DOCTYPE svg SYSTEM "x.dtd">' + svg(b""),
    ],
)
def test_a_document_type_elsewhere_is_found(content: bytes) -> None:
    assert codes(markup, content, XML) == ["external_reference"]


@pytest.mark.parametrize(
    "content",
    [
        b'<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd"><plist/>',
        b'<!DOCTYPE mapper PUBLIC "-//mybatis.org//DTD Mapper 3.0//EN" "http://mybatis.org/dtd/mybatis-3-mapper.dtd"><mapper/>',
        b'<!DOCTYPE log4j:configuration SYSTEM "log4j.dtd"><log4j:configuration xmlns:log4j="http://jakarta.apache.org/log4j/"/>',
        b'<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd"><fontconfig/>',
        b'<project xmlns:x="http://www.w3.org/2001/XMLSchema-instance" x:schemaLocation="urn:a http://a.example/a.xsd"/>',
        b'<kml xmlns="http://www.opengis.net/kml/2.2"><description><![CDATA[<img src="http://x/a">]]></description></kml>',
        b'<Button xmlns:android="http://schemas.android.com/apk/res/android" android:onClick="foo"/>',
        b'<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"/>',
    ],
)  # fmt: skip
def test_xml_that_is_data_passes(content: bytes) -> None:
    assert codes(markup, content, XML) == []


def test_a_piece_of_xml_has_a_note() -> None:
    assert codes(markup, b"<chapter>&product;</chapter>", XML) == ["irregular"]
    assert codes(markup, b"<w:p/>", XML) == ["irregular"]
    assert codes(markup, b"<w:p><x:script/></w:p>", XML) == ["irregular", "script"]
    assert codes(markup, b"<w:svg/>", SVG) == ["malformed"]


@pytest.mark.parametrize(
    "body",
    [
        b"<style>a[href^='http://x']{b:c} a::after{content:'https://x'} q{quotes:'//a' 'b'}</style>",
        b'<image href="data:img/png;base64,iVBORw0KGgo="/><image href="data:;base64,iVBORw0KGgo="/>',
        b'<image href="' + data(svg(b"<g/>")) + b'"/>',
        b"<style>a{b:url(\"data:image/svg+xml;utf8,&lt;svg fill='#fff'>&lt;g>\")}</style>",
        b"<style>@font-face{src:url(data:application/octet-stream;base64,AAAA)}</style>",
        b"<style>/* an expression (of joy) */a{b:c}</style><desc>see http: and a b: c</desc>",
        b'<style>a{scroll-behavior:smooth}</style><g transform="matrix(1 0 0 1 0 0)"/>',
    ],
)  # fmt: skip
def test_styles_and_pictures_as_programs_write_them_pass(body: bytes) -> None:
    assert codes(markup, svg(body), SVG) == []


@pytest.mark.parametrize(
    "body",
    [
        b"<style>v\\:* {behavior:url(#default#VML);}</style>",
        b'<math><mi href="https://x.example/">x</mi></math>',
        b"<table><td>=SUM(A1:A3)</td><td>-5</td><td>a | b! c</td></table>",
        b'<a download="a.csv" href="data:text/csv;charset=utf-8,a;b">x</a>',
        b'<link rel="canonical" href="https://x.example/">',
        b"<p><%= x %> &lt;?php echo 1 ?&gt; <!-- include --></p>",
        b"<p style='mso-element:field-begin'>INCLUDEPICTURE \"cid:a\"<p style='mso-element:field-end'>",
    ],
)
def test_pages_as_programs_write_them_pass(body: bytes) -> None:
    assert codes(markup, html(body), HTML) == []
