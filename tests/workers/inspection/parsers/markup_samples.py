"""Small texts: markup without findings, and markup with one, by its code."""

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">%s</svg>'
HTML = b"<!DOCTYPE html><html><head><title>t</title></head><body>%s</body></html>"
XHTML = b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><body>%s</body></html>'
XML = b'<?xml version="1.0"?><root>%s</root>'


def svg(body: bytes) -> bytes:
    return SVG.replace(b"%s", body)


def html(body: bytes) -> bytes:
    return HTML.replace(b"%s", body)


def xhtml(body: bytes) -> bytes:
    return XHTML.replace(b"%s", body)


def xml(body: bytes) -> bytes:
    return XML.replace(b"%s", body)


def declared(subset: bytes, body: bytes = b"&a;") -> bytes:
    """An SVG with declarations of its own."""
    return b"<!DOCTYPE svg [" + subset + b"]>" + svg(b"<text>" + body + b"</text>")


LAUGHS = declared(
    b'<!ENTITY a0 "lol">' + b"".join(b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 10)),
    b"&a9;",
)
ILLUSTRATOR = (
    b'<?xml version="1.0" encoding="utf-8"?>\n'
    b'<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd" [\n'
    b'<!ENTITY ns_svg "http://www.w3.org/2000/svg"><!ENTITY ns_graphs "http://ns.adobe.com/Graphs/1.0/">]>\n'
    b'<svg xmlns="&ns_svg;" xmlns:graph="&ns_graphs;" width="9"><rect width="9"/></svg>'
)
INKSCAPE = (
    b"<!-- Created with Inkscape (http://www.inkscape.org/) -->\n"
    b'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    b' xmlns:inkscape="http://www.inkscape.org/namespaces/inkscape" xmlns:cc="http://web.resource.org/cc/"'
    b' xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" inkscape:export-filename="file:///home/me/a.png">'
    b'<metadata><rdf:RDF><cc:Work rdf:about=""><cc:license rdf:resource="http://creativecommons.org/l/by/4.0/"/>'
    b'</cc:Work></rdf:RDF></metadata><defs><linearGradient id="a" xlink:href="#b"/></defs>'
    b'<path style="fill:url(#a);marker:url( \'#m\' )" d="M0 0" filter="url(#f)"/><!-- <path d="M1 1"/> --></svg>'
)

GOOD = {
    "svg": svg(b"<path d='M0 0'/>"),
    "svg, prefixed": b'<s:svg xmlns:s="http://www.w3.org/2000/svg"><s:g/></s:svg>',
    "svg, links": svg(b'<a xlink:href="https://example.com/"><text>x</text></a><use href="#a"/><image href="b.png"/>'),
    "svg, images": svg(
        b'<image xlink:href="data:image/png;base64,AAAA"/><image href="data:image/svg+xml,%3Csvg/%3E"/>'
    ),
    "svg, animated": svg(b'<animate attributeName="x" from="0" to="9"/><set attributeName="href" to="#b"/>'),
    "svg, style": svg(b"<style><![CDATA[@namespace s url(http://www.w3.org/2000/svg); a > b {fill:url(#c)}]]></style>"),
    "svg, of illustrator": ILLUSTRATOR,
    "svg, of inkscape": INKSCAPE,
    "svg, utf-16": b"\xff\xfe" + ('<?xml version="1.0" encoding="utf-16"?>' + svg(b"").decode()).encode("utf-16-le"),
    "svg, latin-1": b'<?xml version="1.0" encoding="iso-8859-1"?>' + svg(b"<desc>caf\xe9</desc>"),
    "svg, of illustrator, with its own data": svg(
        b'<switch><foreignObject requiredExtensions="http://ns.adobe.com/AdobeIllustrator/10.0/">'
        b'<i:pgfRef xmlns:i="http://ns.adobe.com/AdobeIllustrator/10.0/" xlink:href="#a"/></foreignObject></switch>'
    ),
    "svg, of draw.io": svg(
        b'<switch><foreignObject style="overflow:visible"><div xmlns="http://www.w3.org/1999/xhtml" style="color:red">'
        b'<b>a</b><br/></div></foreignObject><a xlink:href="https://www.drawio.com/doc/faq/svg-export-text-problems"/>'
        b"</switch><form/>"
    ),
    "svg, japanese": b'<?xml version="1.0" encoding="Shift_JIS"?>' + svg(b"<desc>\x83\x5c\x8b\x40</desc>"),
    "svg, a comment first": b"<!-- " + b"licence " * 1000 + b"-->" + svg(b""),
    "html": html(b'<a href="https://example.com/">x</a><img src="a.png"><form action="https://example.com/">'),
    "html, not closed": b" \r\n<html><p>a<br>b & c <i>one = two",
    "html, old": b'<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01//EN" "http://www.w3.org/TR/html4/strict.dtd"><html>',
    "html, legacy": b'<!DOCTYPE html SYSTEM "about:legacy-compat"><html/>',
    "html, about handlers": html(b"<p>Set <code>onload = x</code>, or javascript: addresses; online = yes</p>"),
    "html, styled": html(b"<style>p{background:url(a.png)}</style><p style='color:red'>"),
    "html, unknown letters": b'<html><meta charset="x-none"><p>caf\xe9',
    "html, misdeclared": b'<html><meta charset="utf-16"><p>x',
    "html, styled oddly": html("<style>/*é*/p{content:'\\d800\\e9'}</style>".encode()),
    "svg, with a style sheet of its own": b'<?xml-stylesheet type="text/css" href="#a"?>' + svg(b""),
    "html, refreshed": html(b'<meta http-equiv="refresh" content="5">'),
    "xhtml": b'<?xml version="1.0"?><!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" '
    b'"http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd"><html xmlns="http://www.w3.org/1999/xhtml">&nbsp;</html>',
    "xml": xml(b'<script language="x">a</script><b onload="c" href="https://example.com/"/>'),
    "xml, with markup in an entity": b'<!DOCTYPE a [<!ENTITY b "<c>name</c>">]><a>&b; and &b;</a>',
    "xml, quoting html": xml(b"<![CDATA[<p onclick='a'><script>]]><!-- <script> -->"),
    "xml, without a declaration": b'<config version="1"><online value="1"/></config>',
    "fragment": b'<p align="center"><img src="badge.png"></p>\n\n# A project\n',
}

TEXTS = {
    "nothing": b"",
    "space": b" \n\t" * 3000,
    "talk": b"A <script> tag runs, <svg onload=...> does too.\n",
    "talk, with a tag first": b"<script>? It runs.".replace(b"<script>", b"< script >"),
    "chat": b"<alice> did you see <script src='http://a'>?\n<bob> no\n",
    "mail": b"<alice@example.com> wrote: javascript:alert(1)\n",
    "csv": b"name,html\nx,<script>alert(1)</script>\n",
    "json": b'{"a": "<svg onload=alert(1)>"}',
    "markdown": b"<!-- contents -->\n# Title\n```html\n<script></script>\n```\n",
    "php": b"<?php echo '<script>'; ?>",
}

_LOADED = (
    svg(b'<image xlink:href="http://example.com/a.png"/>'),
    svg(b'<image href="//example.com/a.png"/>'),
    svg(b'<use href="https://example.com/a.svg#b"/>'),
    svg(b'<image href="file:///etc/passwd"/>'),
    svg(b'<image href="\\\\server\\share"/>'),
    svg(b'<image href=" ht&#10;tps:/example.com"/>'),
    svg(b'<g xml:base="http://example.com/"/>'),
    svg(b"<style>@import 'http://example.com/a.css';</style>"),
    svg(b"<style>@\\69mport url(//example.com/a.css);</style>"),
    svg(b'<style><![CDATA[a{fill:u/**/; b:url( "https://example.com/a" )}]]></style>'),
    svg(b'<rect fill="url(http://example.com/a#b)"/>'),
    svg(b'<rect style="fill:\\75rl(http://example.com/a#b)"/>'),
    svg(b'<set attributeName="xlink:href" to="https://example.com/a.png"/>'),
    svg(b'<i:include xmlns:i="http://www.w3.org/2001/XInclude" href="a.xml"/>'),
    b'<?xml-stylesheet type="text/css" href="a.css"?>' + svg(b""),
    b'<?xml version="1.0"?><?xml-stylesheet href="http://example.com/a.xsl" type="text/xsl"?><root/>',
    b'<!DOCTYPE svg SYSTEM "http://example.com/a.dtd">' + svg(b""),
    b'<!DOCTYPE svg PUBLIC "a" "file:///etc/passwd">' + svg(b""),
    declared(b'<!ENTITY a SYSTEM "file:///etc/passwd">'),
    xml(b'<i:include xmlns:i="http://www.w3.org/2001/XInclude" href="file:///etc/passwd" parse="text"/>'),
    xml(b'<x:import xmlns:x="http://www.w3.org/1999/XSL/Transform" href="a.xsl"/>'),
    xhtml(b'<img src="http://example.com/a.png"/>'),
    html(b"<IMG SRC=http://example.com/a.png>"),
    html(b'<img srcset="a.png 1x, https://example.com/b.png 2x">'),
    html(b"<link rel=stylesheet href=//example.com/a.css>"),
    html(b'<meta http-equiv=Refresh content="0; url=https://example.com/">'),
    html(b"<style>@import url(https://example.com/a.css)</style>"),
    html(b"<style>p{background:url(//example.com/a.png)}"),
    html(b'<iframe src="https://example.com/"></iframe>'),
    html(b'<object data="https://example.com/">'),
    html(b"<table background='http://example.com/a.png'>"),
)
_RUNS = (
    svg(b"<script>alert(1)</script>"),
    svg(b"<SCRIPT/>"),
    svg(b'<script href="#a"/>'),
    b'<s:svg xmlns:s="http://www.w3.org/2000/svg"><s:script>1</s:script></s:svg>',
    svg(b'<h:script xmlns:h="http://www.w3.org/1999/xhtml">1</h:script>'),
    b"<svg><script>alert(1)</script></svg>",
    svg(b'<a xlink:href="javascript:alert(1)"><text>x</text></a>'),
    svg(b'<a href=" java&#10;script&#58;alert(1)"/>'),
    svg(b'<a href="data:text/html,hello"/>'),
    svg(b'<use href="data:image/svg+xml;base64,AAAA"/>'),
    svg(b'<animate attributeName="href" values="#a;javascript:alert(1)"/>'),
    svg(b"<!--><script>alert(1)</script>-->"),
    svg(b"<desc><![CDATA[</desc><script>alert(1)</script>]]></desc>"),
    svg(b"<style><![CDATA[</style><script>alert(1)</script>]]></style>"),
    svg(b"<?x > <script>alert(1)</script> ?>"),
    declared(b'<!ENTITY a "javascript:alert(1)">', b'<a href="&a;"/>'),
    declared(b'<!ENTITY a "&#60;script/>">'),
    b"\xef\xbb\xbf" + svg(b"<script/>"),
    b"\xff\xfe" + svg(b"<script/>").decode().encode("utf-16-le"),
    svg(b"<script/>").decode().encode("utf-16-be"),
    b'<?xml version="1.0" encoding="iso-8859-1"?>' + svg(b"\xe9<script/>"),
    b"\n" * 70_000 + svg(b"<script/>"),
    b"\xfe\xff" + ("\n" * 70_001 + svg(b"<script/>").decode()).encode("utf-16-be"),
    b"<!-- " + b"x" * 70_000 + b"-->" + svg(b"<script/>"),
    xhtml(b"<script>alert(1)</script>"),
    xml(b'<s:svg xmlns:s="http://www.w3.org/2000/svg"><s:script/></s:svg>'),
    xml(b'<x:element xmlns:x="http://www.w3.org/1999/XSL/Transform" name="script"/>'),
    xml(b'<m:script xmlns:m="urn:schemas-microsoft-com:xslt"/>'),
    b'<?xml-stylesheet type="text/xsl" href="#a"?><root/>',
    html(b"<SCRIPT>alert(1)</SCRIPT>"),
    html(b"<!--><script>alert(1)</script>"),
    html(b"<svg:script>"),
    html(b"<script/src=a.js>"),
    html(b'<a href="JaVaScRiPt&colon;alert(1)">x</a>'),
    html(b"<form action=javascript:alert(1)>"),
    html(b"<iframe srcdoc='&lt;script>alert(1)&lt;/script>'>"),
    html(b"<embed src='data:image/svg+xml,a'>"),
    html(b"<style>p{background:url('javascript:alert(1)')}</style>"),
    b"\t<script>alert(1)</script>",
    b"<div><script>alert(1)</script>",
    b'<html><meta http-equiv="Content-Type" content="text/html; charset=windows-1252">\xe9<script>',
)
_HANDLES = (
    svg(b"").replace(b"<svg", b'<svg onload="alert(1)"'),
    svg(b'<rect OnClick="alert(1)"/>'),
    svg(b'<set attributeName="onmouseover" to="alert(1)"/>'),
    svg(b"<!--><img title='--> <desc>' onerror=alert(1) x='</desc>"),
    b'<svg onload="alert(1)"/>',
    b'<!DOCTYPE svg [<!ATTLIST svg onload CDATA "alert(1)">]>' + svg(b""),
    xhtml(b'<p onclick="alert(1)"/>'),
    html(b"<img src=x onerror=alert(1)>"),
    html(b"<IMG/ONERROR=alert(1)/src=x>"),
    html(b'<b title="a"onmouseover="b">'),
    html(b"<body onload\n=\n'a'>"),
    b"<img src=a.png onerror=alert(1)>",
)

BAD = {
    "external_reference": _LOADED,
    "script": _RUNS,
    "event_handler": _HANDLES,
    "foreign_object": (
        svg(b'<foreignObject><h:form xmlns:h="http://www.w3.org/1999/xhtml"/></foreignObject>'),
        svg(b"<foreignObject><g><iframe xmlns='http://www.w3.org/1999/xhtml'/></g></foreignObject>"),
        html(b"<svg><FOREIGNOBJECT>"),
    ),
    "entity_expansion": (
        LAUGHS,
        declared(b'<!ENTITY a "&b;"><!ENTITY b "x">'),
        declared(b'<!ENTITY a "' + b"x" * 5000 + b'">'),
        declared(b'<!ENTITY % a "x">', b""),
        b'<!DOCTYPE svg SYSTEM "http://www.w3.org/a.dtd" [%a;]>' + svg(b""),
        b'<!DOCTYPE html [<!ENTITY a "&b;">]><html/>',
    ),
    "malformed": (
        svg(b"<g>"),
        svg(b"<g a=b/>"),
        svg(b"a & b"),
        svg(b"")[:-1],
        svg(b"\0"),
        svg(b"<u:g/>"),
        svg(b"<desc>caf\xe9</desc>"),
        b'<?xml version="1.0" encoding="utf-7"?>' + svg(b""),
        b'<?xml version="1.0" encoding="rot13"?>' + svg(b""),
        b"\n" + xml(b""),
        b"\xff\xfe<\0s\0v\0g\0>\0\x00\xd8<\0/\0s\0v\0g\0>\0",
        b'<?xml version="1.0"?>',
        declared(b"", b"&b;"),
    ),
}
