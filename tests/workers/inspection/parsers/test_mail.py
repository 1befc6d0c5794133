import base64
import binascii
from unittest.mock import patch

import pytest
from compressed_rtf import compress  # type: ignore[import-untyped]  # it has no types
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.workers.inspection.checks.samples import zipped
from tests.workers.inspection.parsers.mail_samples import (
    HEAD,
    attached,
    message,
    multipart,
    named_property,
    outlook,
    part,
    properties,
    wide,
    with_file,
    with_html,
)
from tests.workers.inspection.parsers.recorder import Recorder, codes, examined
from workers.inspection.parsers import mail
from workers.inspection.readings import Reading

EML, MSG = "message/rfc822", "application/vnd.ms-outlook"
NEWSLETTER = """<html><head><style>p { background: url(https://cdn.example.org/a.png) }</style></head>
<!--[if mso]><v:fill src="https://cdn.example.org/b.png"/><![endif]-->
<body background="https://cdn.example.org/c.png"><p title="\\\\server\\share">Hi <img src="cid:logo">
<img src="//cdn.example.org/d.gif"><a href="https://example.org/?x=1">read</a> <a href="mailto:a@b.example">write</a>"""


def eml(content: bytes) -> Recorder:
    return examined(mail, content, EML)


def eml_codes(content: bytes) -> list[str]:
    return codes(mail, content, EML)


def test_a_message_and_its_attachments() -> None:
    made = message(html=NEWSLETTER)
    made.add_attachment(b"%PDF-1.7", maintype="application", subtype="pdf", filename="Übersicht für Sie.pdf")
    made.add_attachment(b"\xff\xd8\xff", maintype="image", subtype="jpeg", disposition="inline", cid="<logo>")
    made.add_attachment("a;b", subtype="csv", filename="../../table.csv")
    made.add_attachment(message("inner"))
    found = eml(made.as_bytes())
    assert found.findings == []
    names = [name for name, _ in found.members]
    assert names == ["Übersicht für Sie.pdf", "part 6.jpg", "table.csv", "part 8.eml"]
    assert found.members[0][1] == b"%PDF-1.7"
    assert b"Subject: Minutes of the 3rd" in found.members[3][1]


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf\r\n" + message().as_bytes(),
        b"From a@example.org Fri Nov 27 10:00:00 2026\n" + message().as_bytes(),
        message().as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r"),
        message().as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\r\n"),
        HEAD + b"To: " + "Jürgen".encode("latin-1") + b"\r\n\r\nHi\r\n--\r\nme",
        HEAD + b"Subject: a\r\n \r\n\tb\r\nContent-Type: text/plain\r\n\r\nHi",
        HEAD + b"Content-Type: text/plain; charset=x-unknown\r\n\r\nbegin 644 is how uuencoded files begin\n",
        HEAD + b"Content-Type: text/html\r\nContent-Transfer-Encoding: text/html\r\n\r\n<p>Hi",
        HEAD + b"Content-Transfer-Encoding: Quoted Printable\r\n\r\nHi",
        HEAD + b"Content-Transfer-Encoding: base64\r\n\r\nSGk=\r\n____\r\nThe list\r\n",
        HEAD + b"Content-Type: text\r\n\r\nbegin 644 a.txt\nwe met at noon",
        multipart(part("Content-Type: text/plain"), end=b""),
        multipart(b"no headers at all", part("Content-Type: text/html")),
        multipart(kind=b"alternative") + b"\r\nA footer of the list\r\n",
        HEAD + b"Content-Type: multipart/mixed; boundary=x\r\n\r\n[removed by the archive]",
        HEAD + b"Content-Type: text/html; name=body.html\r\n\r\n<p>Hi",
        multipart(
            part("Content-Type: text/plain"),
            part("Content-Type: application/pgp-signature; name=signature.asc", b"-----BEGIN PGP SIGNATURE-----"),
            part("Content-Type: application/pkcs7-signature; name=smime.p7s", b"\x30\x80"),
            kind=b"signed",
        ),
        multipart(part("Content-Type: message/delivery-status", b"Action: failed"), kind=b"report"),
        HEAD.replace(b"Subject", b"MIME-Version: 1.0\r\nSubject") + b"\r\n",
    ],
)
def test_messages_as_programs_write_them(content: bytes) -> None:
    assert (eml(content).findings, eml(content).members) == ([], [])


def test_a_message_behind_other_bytes() -> None:
    content = b"\0\0\0" + with_file("a.exe", b"MZ")
    assert examined(mail, content, Reading(EML, start=3)).members == [("a.exe", b"MZ")]


@pytest.mark.parametrize("content", [b"", b"\n\n", b"Hello\n\nFrom: me", b"Colour: red\nSize: 3\n\nx", b"\0" * 600])
def test_what_has_no_header_of_a_message_is_malformed(content: bytes) -> None:
    assert eml_codes(content) == ["malformed"]


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        ('Content-Type: application/x; name="=?utf-8?B?YS5leGU=?="', "a.exe"),
        ("Content-Type: application/x\nContent-Disposition: attachment; filename*=utf-8''b%2Eexe", "b.exe"),
        ('Content-Disposition: attachment;\n filename*0="c."; filename*1="exe"', "c.exe"),
        ('Content-Disposition: inline; filename="C:\\\\temp\\\\d.exe"', "d.exe"),
        ('Content-Type: text/plain; name="e.hta"', "e.hta"),
        ('Content-Type: text/html\nContent-Disposition: attachment; filename="f.html"', "f.html"),
        ("Content-Type: text/plain\nContent-Disposition: attachment", "part 2.txt"),
        ("Content-Type: text/calendar; method=REQUEST", "invite.ics"),
        ("Content-Type: text/rtf", "part 2"),
        ("Content-Type: application/ms-tnef", "winmail.dat"),
        ('Content-Type: message/rfc822; name="v1.2 is out"', "v1.2 is out.eml"),
        ('Content-Type: message/rfc822; name="g.exe"', "g.exe"),
        ('Content-Type: application/pgp-signature; name="h.exe"', "h.exe"),
        ("Content-Type: application/pgp-signature", "part 2"),
        ('Content-Type: multipart/x; name="i"', ""),
    ],
)
def test_what_is_handed_out(headers: str, name: str) -> None:
    found = eml(multipart(part(headers, b"MZ")))
    assert found.findings == []
    assert found.members == ([(name, b"MZ")] if name else [])


def test_a_signature_whose_name_starts_a_program_is_a_member() -> None:
    headers = 'Content-Type: application/pgp-signature; name="h.exe"'
    found = eml(multipart(part(headers, b"-----BEGIN PGP SIGNATURE-----")))
    assert [name for name, _ in found.members] == ["h.exe"]


@pytest.mark.parametrize("content", [b"\x30\x82" + zipped({"a.txt": b"hello"}), b"\x30\x82\0\0%PDF-1.7\n1 0 obj\n"])
def test_a_signature_that_holds_a_file_is_a_member(content: bytes) -> None:
    headers = "Content-Type: application/pkcs7-signature; name=smime.p7s"
    assert [name for name, _ in eml(multipart(part(headers, content))).members] == ["smime.p7s"]


@pytest.mark.parametrize(
    ("disposition", "ambiguous"),
    [
        ("attachment; filename=a.exe x", True),
        ("attachment; filename=a.(x)exe", True),
        ('attachment; filename="a.t\n xt"', False),
        ("attachment; filename=My v1.2 Report (1).pdf", False),
        ('attachment; filename="example.com is down.txt"', False),
    ],
)
def test_a_name_that_runs_as_some_programs_read_it_is_ambiguous(disposition: str, ambiguous: bool) -> None:
    found = eml_codes(multipart(part(f"Content-Type: text/plain\nContent-Disposition: {disposition}")))
    assert found == (["ambiguous_name"] if ambiguous else [])


def test_a_name_with_quoted_characters_is_read_without_their_backslashes() -> None:
    found = eml(multipart(part('Content-Type: text/plain\nContent-Disposition: attachment; filename="a.e\\xe"')))
    assert [name for name, _ in found.members] == ["a.exe"]


def test_a_comment_before_the_name_of_an_encoding_is_ambiguous() -> None:
    headers = "Content-Type: text/plain\nContent-Transfer-Encoding: (x) base64\nContent-Disposition: attachment"
    assert eml_codes(multipart(part(headers, b"TVqQ"))) == ["ambiguous_name"]


def test_a_file_in_what_stands_before_the_parts_is_a_member() -> None:
    body = multipart(part("Content-Type: text/plain"))
    cut = body.index(b"--edge")
    found = eml(body[:cut] + b"begin 644 a.exe\r\n#0V%T\r\n`\r\nend\r\n" + body[cut:])
    assert found.members == [("a.exe", b"Cat")]


def test_a_mailbox_with_several_messages_is_unscannable() -> None:
    first = b"From a@example.org Fri Nov 27 10:00:00 2026\r\n" + message().as_bytes()
    assert eml_codes(first) == []
    assert eml_codes(first + b"\r\nFrom b@example.org Fri Nov 27 10:00:00 2026\r\nSubject: x\r\n\r\nHi") == [
        "unsupported"
    ]


def test_a_digest_contains_messages() -> None:
    found = eml(multipart(b"\r\nSubject: inner\r\n\r\nHi", kind=b"digest"))
    assert found.members == [("part 2.eml", b"Subject: inner\r\n\r\nHi")]


@pytest.mark.parametrize(
    ("encoding", "body", "content"),
    [
        ("base64", b"TVq\r\nQ\r\n", b"MZ\x90"),
        ("BASE64", b"TVo", b"MZ"),
        ("quoted-printable", b"M=5A=\r\n!", b"MZ!"),
        ("x-uuencode", b"begin 644 a\r\n" + binascii.b2a_uu(b"MZ!") + b"`\nend\n", b"MZ!"),
        ("binary", b"M\r\nZ\n\r", b"M\r\nZ\n\r"),
    ],
)
def test_transfer_encodings(encoding: str, body: bytes, content: bytes) -> None:
    made = multipart(part(f"Content-Type: application/x; name=a\nContent-Transfer-Encoding: {encoding}", body))
    assert (eml(made).findings, eml(made).members) == ([], [("a", content)])


def test_uuencoded_files_in_a_text_are_members() -> None:
    body = b"Hi\nbegin 644 ..\\a.exe\n" + binascii.b2a_uu(b"MZ") + b"`\nend\nbegin-base64 644 b\nTVo=\n====\n"
    assert eml(HEAD + b"\r\n" + body).members == [("a.exe", b"MZ"), ("b", b"MZ")]


def test_a_text_that_is_none_is_a_member() -> None:
    assert eml(HEAD + b"Content-Transfer-Encoding: base64\r\n\r\nTVoAAA==").members == [("part 1.txt", b"MZ\0\0")]


@pytest.mark.parametrize(
    "html",
    [
        "<script>alert(1)</script>",
        "<p onclick='x()'>",
        "<img src=x onerror=alert(1)>",
        "<a href='java\tscript:x()'>a</a>",
    ],
)
def test_html_that_runs_scripts(html: str) -> None:
    assert eml_codes(with_html(html)) == ["script"]


def test_what_a_template_left_in_html_is_no_script_of_a_mail() -> None:
    assert eml_codes(with_html("<p>Dear <?= $name ?>, <?php echo 1; ?></p>")) == []


@pytest.mark.parametrize(
    "html",
    [
        r"<img src='\\10.0.0.1\a.png'>",
        "<img src='file://host/share/a.png'>",
        r"<td background='file:\\host\a'>",
        r"<style>p { background: url('\\host\a') }</style>",
        r"<!--[if mso]><v:fill src='file://host/a.png'/><![endif]-->",
        r"<p style='background: url(file://host/a)'>",
        "<style>@import 'file://host/a.css';</style>",
        r"<p style='background: u\72l(file://host/a)'>",
    ],
)
def test_html_that_loads_from_a_share(html: str) -> None:
    assert "external_reference" in eml_codes(with_html(html))


def test_html_with_links_that_start_programs() -> None:
    assert "unsafe_link" in eml_codes(with_html("<a href='ms-msdt:/id'>a</a>"))
    assert "unsafe_link" in eml_codes(with_html("<a href='file:///\\\\host\\a.rtf!x'>a</a>"))


def test_html_is_read_in_the_charset_of_its_part() -> None:
    seven = "<script>x()</script>".encode("utf-7").replace(b"<", b"+ADw-")
    made = multipart(part("Content-Type: text/html; charset=utf-7", seven))
    assert eml_codes(made) == ["script"]


PGP = b"-----BEGIN PGP MESSAGE-----\n\nabc\n-----END PGP MESSAGE-----\n"
ENVELOPED, SIGNED = (b"\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07" + each for each in (b"\x03", b"\x02"))


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (HEAD + b"\r\n" + PGP, "encrypted"),
        (multipart(part("Content-Type: application/pgp-encrypted", b"Version: 1"),
                   part("Content-Type: application/octet-stream; name=encrypted.asc", PGP), kind=b"encrypted"),
         "encrypted"),
        (multipart(part("Content-Type: application/x-microsoft-rpmsg-message; name=message.rpmsg")), "encrypted"),
        (HEAD + part("Content-Type: application/pkcs7-mime; name=smime.p7m", ENVELOPED), "encrypted"),
        (HEAD + part("Content-Type: application/x-pkcs7-mime; smime-type=signed-data", SIGNED), "unsupported"),
        (HEAD + part("Content-Type: message/partial; id=a; number=1"), "unsupported"),
        (HEAD + b"\r\n=ybegin line=128 size=5 name=a.exe\r\nabcde", "unsupported"),
        (HEAD + part("Content-Type: message/external-body; access-type=URL"), "external_reference"),
        (HEAD + part("Content-Type: multipart/mixed", b"--a\n\nHi\n--a--"), "malformed"),
        (HEAD + part("Content-Type: multipart/mixed; boundary=b", b"--a\n\nHi\n--a--"), "malformed"),
        (HEAD + part("Content-Type: multipart/mixed; boundary=a; boundary=b", b"--a\n\nHi\n--a--"), "malformed"),
        (HEAD + part('Content-Type: multipart/mixed; boundary="a\\";"', b"--a\n\nHi\n--a--"), "malformed"),
        (HEAD + b"Content-Type: text/plain; name*0*=x''a; name*=y\r\n\r\n", "malformed"),
        (HEAD + b"Content-Type: text/plain; name*=y; NAME*0*=x''a\r\n\r\n", "malformed"),
        (HEAD + b"Content-Type: text/plain; name*0=a; name*0*=x''b\r\n\r\n", "malformed"),
    ],
)  # fmt: skip
def test_what_cannot_be_examined(content: bytes, code: str) -> None:
    found = eml(content)
    assert [each.code for each in found.findings] == [code]
    assert found.members == []


INNER = part("Content-Type: multipart/mixed; boundary=edge", b"--edge\r\n\r\nHi\r\n--edge--")


@pytest.mark.parametrize(
    "content",
    [
        HEAD + b"Content-Type: text/plain\r\nContent-Type: text/html\r\n\r\nHi",
        HEAD + b"a line that is no header\r\nContent-Type: text/html\r\n\r\n<script>",
        HEAD + b"X: a\rContent-Type: text/html\r\n\r\nHi",
        HEAD + b"Content-Type: te\0xt/html\r\n\r\nHi",
        HEAD + b'Content-Type: multipart/mixed; boundary="a\0"\r\n\r\n--a\n\nHi\n--a--',
        multipart(b"no header\r\nContent-Type: application/x; name=a.exe\r\n\r\nMZ"),
        multipart(part("Content-Type: text/plain"), INNER),
        multipart(part("Content-Type: text/plain")) + b"--edge\r\nContent-Type: application/x\r\n\r\nMZ",
        multipart(part("Content-Type: text/plain", b"a\r\n--edge2\r\nContent-Type: application/x\r\n\r\nMZ")),
        multipart(part("Content-Type: text/plain", b"a\r--edge\rContent-Type: application/x\r\rMZ")),
        multipart(part('Content-Type: application/x; name="a.txt"\nContent-Disposition: inline; filename="a.exe"')),
        multipart(part("Content-Type: application/x; name=a\nContent-Transfer-Encoding: base64x", b"TVqQ")),
        multipart(part("Content-Type: text/html\nContent-Transfer-Encoding: x-base64", b"PHNjcmlwdD4=")),
        multipart(part("Content-Type: application/x; name=a\nContent-Transfer-Encoding: base64", b"TVo=\r\nTVqQ")),
        multipart(part("Content-Type: text/plain")).replace(
            b"\r\n\r\n", b"\r\nContent-Transfer-Encoding: base64\r\n\r\n", 1
        ),
    ],
)
def test_what_programs_read_differently(content: bytes) -> None:
    assert "ambiguous_name" in eml_codes(content)


def test_limits() -> None:
    content = multipart(part("A: b"), part("A: b"), part("Content-Type: multipart/mixed; boundary=i", b"--i\n\nHi"))
    assert eml_codes(content) == []
    assert codes(mail, content, EML, {"mail_parts": 4}) == ["limits_exceeded"]
    assert codes(mail, content, EML, {"mail_depth": 1}) == ["limits_exceeded"]
    assert codes(mail, content, EML, {"mail_bytes": 100}) == ["limits_exceeded"]
    within = attached(
        0, {f"3701000D/{name}": body for name, body in {"__properties_version1.0": b"", "1000001F": b"a"}.items()}
    )
    assert codes(mail, outlook(within), MSG) == []
    assert codes(mail, outlook(within), MSG, {"mail_depth": 1}) == ["limits_exceeded"]
    assert codes(mail, outlook(within), MSG, {"mail_parts": 0}) == ["limits_exceeded"]


RICH = (
    rb"{\rtf1\ansi\fromhtml1 {\*\htmltag64 <p>}Hi {\*\htmltag84 <img src='cid:a'>}"
    rb"\htmlrtf {\b \htmlrtf0 you\htmlrtf }\htmlrtf0 }"
)


def test_a_message_of_outlook_and_its_attachments() -> None:
    content = outlook(
        {
            "1000001F": wide("Dear all"),
            "10130102": NEWSLETTER.encode(),
            "10090102": compress(RICH),
            **attached(0, {"3707001F": wide("C:\\report.docx"), "3704001F": wide("REPORT~1.DOC"), "37010102": b"PK"}),
            **attached(1, {"3704001E": b"b.txt", "37010102": b"b"}),
            **attached(4, {"370E001F": wide("image/png"), "37010102": b"d"}),
            **attached(2, {"3701000D/__properties_version1.0": b"", "3701000D/10130102": b"<p>Hi",
                           "3701000D/__attach_version1.0_#00000000/3707001F": wide("c.exe"),
                           "3701000D/__attach_version1.0_#00000000/37010102": b"MZ"}),
            **attached(3, {"370D001F": wide("https://a.example/b"),
                           "__properties_version1.0": properties({0x3705: 7}, 8)}),
        }
    )  # fmt: skip
    found = examined(mail, content, MSG)
    assert found.findings == []
    assert [(name, body.rstrip(b"\0")) for name, body in found.members] == [
        ("report.docx", b"PK"),
        ("b.txt", b"b"),
        ("c.exe", b"MZ"),
        ("attachment 6.png", b"d"),
    ]


UNICODE = rb"{\rtf1\ansi\fromhtml1 {\htmlrtf hidden}\u60 ?scr{\*\htmltag64 \'69p}t>x()<\'2fscript>}"
SCRIPT = rb"{\rtf1\ansi\fromhtml1 {\*\htmltag64 <scr}{\*\htmltag64 ipt>}x(){\*\htmltag64 </script>}}"
SHARE = wide("\\\\10.0.0.1\\a.wav")


@pytest.mark.parametrize(
    ("streams", "code"),
    [
        ({"10130102": b"<script>x()</script>"}, "script"),
        ({"1013001F": wide("<script>x()</script>")}, "script"),
        ({"10090102": compress(SCRIPT)}, "script"),
        ({"10090102": compress(UNICODE)}, "script"),
        ({"10090102": compress(rb"{\rtf1{\field{\*\fldinst DDEAUTO c:\\cmd.exe}}}")}, "active_field"),
        ({"10090102": b"\0" * 40}, "malformed"),
        ({**named_property(0x851F), "8000001F": SHARE}, "external_reference"),
        ({**named_property(0x8541, 3), "80030102": b"Sub Open"}, "script"),
        (attached(0, {"370D001F": SHARE, "__properties_version1.0": properties({0x3705: 2}, 8)}), "external_reference"),
        (attached(0, {"370D001F": SHARE, "__properties_version1.0": properties({0x3705: 7}, 8)}), "unsafe_link"),
        (attached(0, {"3701000D/CONTENTS2": b"x"}), "embedded_object"),
        (attached(0, {"3701000D/WordDocument": b"x"}), "embedded_object"),
        (attached(0, {"3707001F": wide("message.rpmsg"), "37010102": b"x"}), "encrypted"),
        ({"__attach_version1.0_#00000000/3701000D/__properties_version1.0": b"",
          "__attach_version1.0_#00000000/3701000D/10130102": b"<script>x()</script>"}, "script"),
    ],
)  # fmt: skip
def test_what_a_message_of_outlook_does(streams: dict[str, bytes], code: str) -> None:
    assert code in codes(mail, outlook(streams), MSG)


def test_pictures_on_the_web_in_a_rich_text() -> None:
    field = rb'{\rtf1{\field{\*\fldinst INCLUDEPICTURE "%s" \\d}{\fldrslt }}}'
    assert codes(mail, outlook({"10090102": compress(field % b"https://a.example/b.png")}), MSG) == []
    assert codes(mail, outlook({"10090102": compress(field % b"file://host/b.png")}), MSG) == ["active_field"]


def test_a_reminder_with_a_sound_of_its_own_machine() -> None:
    streams = {**named_property(0x851F), "8000001F": wide("C:\\Windows\\Media\\reminder.wav")}
    assert codes(mail, outlook(streams), MSG) == []


def test_signed_and_encrypted_messages_of_outlook() -> None:
    signed = part(
        "Content-Type: multipart/signed; boundary=edge", b"--edge\r\n" + part("Content-Type: a/b; name=a.exe")
    )
    sent = outlook(attached(0, {"3707001F": wide("smime.p7m"), "37010102": signed}), "IPM.Note.SMIME.MultipartSigned")
    assert [name for name, _ in examined(mail, sent, MSG).members] == ["a.exe"]
    sealed = outlook(attached(0, {"3707001F": wide("smime.p7m"), "37010102": ENVELOPED}), "IPM.Note.SMIME")
    assert codes(mail, sealed, MSG) == ["encrypted"]


@pytest.mark.parametrize("length", [0, 8, 100, 600, 1500])
def test_a_broken_container_is_malformed(length: int) -> None:
    assert codes(mail, outlook({"1000001F": b"a"})[:length], MSG) == ["malformed"]


def test_the_html_of_a_message_is_handed_to_markup_in_one_place() -> None:
    with patch("workers.inspection.parsers.mails.bodies.markup.examine") as examine:
        eml(with_html("<p>Grüße"))
    assert examine.call_args[0][0].getvalue() == b"\xef\xbb\xbf" + "<p>Grüße\n".encode()
    assert examine.call_args[0][2].media_type == "text/html"


LINES = st.sampled_from(
    [b"--edge", b"--edge--", b"", b"Content-Type: text/html", b"Content-Type: multipart/x; boundary=edge", b"\r", b" x",
     b"Content-Type: message/rfc822", b"Content-Disposition: attachment; filename*0*=a''%41; filename=\"", b"\0\xff",
     b"Content-Transfer-Encoding: base64", b"=?x?B?y?=", b"<p", base64.b64encode(b"abc"), b"begin 644 a"]
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(LINES, max_size=20), st.sampled_from([b"\n", b"\r\n", b"\r"]))
def test_any_lines_are_examined_to_their_end(lines: list[bytes], ending: bytes) -> None:
    eml(HEAD + ending.join(lines))


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 6000), st.binary(min_size=1, max_size=40))
def test_any_change_to_a_container_is_examined_or_malformed(at: int, change: bytes) -> None:
    content = outlook({"10130102": b"<p>Hi", **attached(0, {"37010102": b"x", "3707001F": wide("a")})})
    examined(mail, content[:at] + change + content[at + len(change) :], MSG)


@pytest.mark.parametrize(
    ("page", "codes"),
    [
        ('<iframe src="http://example.org/a">', ["external_reference"]),
        ('<frameset><frame src="//example.org/a">', ["external_reference"]),
        ('<embed src="https://example.org/a">', ["external_reference"]),
        ('<!--[if mso]><iframe src="https://example.org/a"><![endif]-->', ["external_reference"]),
        ('<meta http-equiv=refresh content="0; url=http://example.org/">', ["external_reference"]),
        ('<meta http-equiv=refresh content="30">', []),
        ('<iframe src="cid:a"></iframe>', []),
        ('<img src="http://example.org/a.png"><a href="http://example.org/">x</a>', []),
        ('<link rel=stylesheet href="https://example.org/a.css"><table background="http://example.org/b">', []),
    ],
)
def test_frames_and_pages_from_elsewhere_are_found_and_pictures_are_none(page: str, codes: list[str]) -> None:
    assert eml_codes(HEAD + b"Content-Type: text/html\r\n\r\n" + page.encode()) == codes
