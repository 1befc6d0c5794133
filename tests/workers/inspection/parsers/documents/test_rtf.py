import struct

import pytest

from tests.workers.inspection.parsers.compound_samples import compound, excel, native, sheet
from tests.workers.inspection.parsers.moniker_samples import NEW, composite, file, moniker, ole_stream
from tests.workers.inspection.parsers.office_samples import RTF, found, members, objections

SCRIPT_LINK = ole_stream(absolute=composite(file("C:\\Temp\\a.sct"), moniker(NEW)))
WORD = rb"""{\rtf1\adeflang1025\ansi\ansicpg1252\uc1\deff0{\fonttbl{\f0\fbidi \froman Times New Roman;}}
{\colortbl;\red0\green0\blue0;}{\stylesheet{\s0 Normal;}}{\*\listtable{\list}}{\*\rsidtbl \rsid1}
{\info{\title A}{\author B}}{\*\themedata 504b030414}{\*\datastore 0105000002000000180000004d73786d6c}
{\field{\*\fldinst {\rtlch HYPERLINK "https://example.org/" }{\rtlch {\*\datafield
00d0c9ea79f9bace118c8200aa004ba90b0200000003000000}}}{\fldrslt {\ul a link}}}
{\field{\*\fldinst { FORMTEXT }{\*\formfield{\fftype0{\*\ffname Text1}}}}{\fldrslt x}}
{\shp{\*\shpinst{\sp{\sn pibName}{\sv C:\\a.png}}{\sp{\sn pibFlags}{\sv 2}}}}
{\pict\pngblip\picw1 89504e470d0a1a0a}{\pict\wmetafile8\bin4 }}}}\trowd\cellx100 \'e9\u233\'e9 \{\}\cell\row\par}"""
TEXT_EDIT = (
    b"{\\rtf1\\ansi\\ansicpg1252\\cocoartf2639{\\fonttbl\\f0\\fswiss Helvetica;}{\\*\\expandedcolortbl;;}\\pard Hi\\\n"
    b'{\\field{\\*\\fldinst{HYPERLINK "mailto:a@example.org"}}{\\fldrslt a}}}\n'
)


def _object(data: bytes, words: bytes = b"\\objemb", class_name: bytes = b"Word.Document.8") -> bytes:
    return b"{\\rtf1{\\object%s{\\*\\objclass %s}{\\*\\objdata %s}{\\result x}}}" % (words, class_name, data)


def _picture(name: bytes, address: bytes, flags: bytes = b"") -> bytes:
    """A document with a shape that names its picture."""
    stated = b"{\\sp{\\sn %s}{\\sv %s}}" % (name[:-4] + b"Flags", flags) if flags else b""
    return b"{\\rtf1{\\shp{\\*\\shpinst{\\sp{\\sn %s}{\\sv %s}}%s}}}" % (name, address, stated)


def _old(class_name: bytes, content: bytes, kind: int = 2, topic: bytes = b"") -> bytes:
    """An object in the form of OLE 1.0, in hexadecimal."""
    names = b"".join(struct.pack("<L", len(name)) + name for name in (class_name + b"\0", topic, b""))
    return (struct.pack("<LL", 0x501, kind) + names + struct.pack("<L", len(content)) + content).hex().encode()


@pytest.mark.parametrize(
    "content",
    [
        b"{\\rtf1\\ansi hello}",
        b"{\\rtf1 hello}\r\n\0",
        WORD,
        TEXT_EDIT,
        b"{\\rtf1{\\*\\template C:\\\\Users\\\\a\\\\Normal.dotm}{\\*\\generator Riched20 10.0.19041}a}",
        b"{\\rtf1 DDEAUTO cmd {\\field{\\*\\fldinst PAGE}{\\fldrslt DDE}}}",
        _object(_old(b"Excel.Sheet.8", excel(sheet(0)))),
        b"{\\rtf1{\\field{\\upr{\\*\\fldinst PAGE}{\\*\\ud{\\*\\fldinst PAGE}}}}{\\*\\datafield not a link}}",
        _object(b"00000000"),
        _picture(b"pibName", b"http://example.org/a.png", b"2"),
        b"{\\rtf1{\\field{\\*\\fldinst PA{\\*\\bkmkstart a}GE{\\*\\foo  x}}{\\fldrslt DDE}}}",
        b"{\\rtf1 ends too early",
    ],
    ids=lambda content: str(len(content)),
)
def test_what_programs_write_is_no_objection(content: bytes) -> None:
    assert objections(content, RTF) == []


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"{\\rtf1{\\*\\template http://example.org/a.dotm}}", "remote_template"),
        (b"{\\rt{\\template \\\\\\\\evil\\\\a.dotm}}", "remote_template"),
        (b"{\\rtf1{\\*\\template ht\r\ntp:/{\\b /evil}}}", "remote_template"),
        (b"{\\rtf1{\\*\\template \\'68\\u116 ?tp://evil}}", "remote_template"),
        (b"{\\rtf1{\\field{\\*\\fldinst DDEAUTO c:\\\\\\\\cmd.exe}}}", "active_field"),
        (b"{\\rtf1{\\field{\\*\\fldinst {D}{\\b D}{\\i E} cmd}}}", "active_field"),
        (b"{\\rtf1{\\field{\\*\\fldinst D\\'44E cmd}}}", "active_field"),
        (b"{\\rtf1{\\field{\\*\\fldinst {\\field{\\*\\fldinst QUOTE 68 68 69}{\\fldrslt }} cmd}}}", "active_field"),
        (b"{\\rtf1{\\*\\fldinst DDE cmd}}", "active_field"),
        (b"{\\rtf1{\\field{\\fldrslt x{\\field{\\*\\fldinst DDE cmd}}}}}", "active_field"),
        (b"{\\rtf1{\\field{\\*\\fldinst DDE cmd", "active_field"),
        (b'{\\rtf1{\\field{\\*\\fldinst INCLUDETEXT "a.docx"}}}', "active_field"),
        (b'{\\rtf1{\\field{\\*\\fldinst INCLUDEPICTURE "\\\\\\\\\\\\\\\\evil\\\\\\\\a.png"}}}', "active_field"),
        (b'{\\rtf1{\\field{\\*\\fldinst HYPERLINK "ms-msdt:a"}}}', "unsafe_link"),
        (b"{\\rtf1{\\*\\hl{\\hlsrc search-ms:a}}}", "unsafe_link"),
        (b"{\\rtf1{\\info{\\hlinkbase \\\\\\\\evil\\\\}}}", "unsafe_link"),
        (b"{\\rtf1{\\shp{\\sp{\\sn pibFlags}{\\sv 14}}{\\sp{\\sn pibName}{\\sv http://example.org/a.png}}}}",
         "external_reference"),
        (b"{\\rtf1{\\shp{\\sp{\\sn pibName}{\\sv \\\\\\\\evil\\\\a.png}}}}", "external_reference"),
        (_picture(b"pibName", b"http://example.org/a.png"), "external_reference"),
        (_picture(b"fillBlipName", b"\\\\\\\\evil\\\\a"), "external_reference"),
        (_picture(b"lineFillBlipName", b"http://example.org/a", b"-8"), "external_reference"),
        (_picture(b"pibName", b"http://example.org/a", b"10"), "external_reference"),
        (b"{\\rtf1{\\*\\objdata 0105000002000000080000005061636b61676500}}", "embedded_object"),
        (_object(b"0105000002000000080000005061636b61676500", class_name=b"Package"), "embedded_object"),
        (_object(b"", class_name=b"Package"), "embedded_object"),
        (b"{\\rtf1{\\fonttbl{\\f0{\\*\\fontemb{\\*\\fontfile \\\\\\\\evil\\\\x}}a;}}}", "remote_template"),
        (b"{\\rtf1{\\*\\fname \\\\\\\\evil\\\\x}}", "remote_template"),
        (b"{\\rtf1{\\object{\\*\\objfile \\\\\\\\evil\\\\x}}}", "remote_template"),
        (b"{\\rtf1{\\field{\\*\\fldinst D{\\*\\foo zzz}DEAUTO cmd}}}", "active_field"),
        (b"{\\rtf1{\\field{\\*\\fldinst D{\\*\\cs1 D}{\\*\\foo zzz}EAUTO cmd}}}", "active_field"),
        (b"{\\rtf1{\\field{\\*\\fldinst D{\\title zzz}DE cmd}}}", "active_field"),
        (b"{\\rtf1{\\field{\\*\\fldinst D{\\*\\foo{\\field{\\fldinst QUOTE 68}}}DE cmd}}}", "active_field"),
        (b"{\\rtf1{\\field{\\*\\fldinst {\\field{\\fldinst QUOTE{\\*\\foo x} 68 68}}E cmd}}}", "active_field"),
        (b"{\\rtf1{\\field{\\*\\fldinst P%s}}}" % (5 * b"{\\*\\foo a}"), "active_field"),
        (b"{\\rtf1{\\mmdatasource \\\\\\\\evil\\\\a.mdb}}", "external_data"),
        (b"{\\rtf1{\\object\\objocx}}", "embedded_object"),
        (_object(_old(b"Excel.Sheet.8", excel(sheet(0))), b"\\objemb\\objupdate"), "embedded_object"),
        (_object(_old(b"Equation.3", b"x")), "embedded_object"),
        (_object(b"", class_name=b"Equation.2"), "embedded_object"),
        (_object(_old(b"Odd", b"x")), "embedded_object"),
        (_object(_old(b"Word.Document.8", compound({"Equation Native": b"x"}))), "embedded_object"),
        (_object(_old(b"Excel.Sheet.8", excel(sheet(1)))), "macros"),
        (_object(_old(b"a", b"", 1, b"\\\\evil\\a")), "remote_template"),
        (_object(_old(b"OLE2Link", compound({"\x01Ole": SCRIPT_LINK}))), "remote_template"),
        (b"{\\rtf1{\\field{\\*\\fldinst{\\upr{a}{\\*\\ud{DDE cmd}}}}}}", "active_field"),
        (b"{\\rtf1{\\mmheadersource C:\\\\a.doc}}", "external_link"),
        (b"{\\rtf1{\\nextfile http://example.org/a.rtf}}", "remote_template"),
        (b"{\\rtf1{\\sp{\\sn pFragments}{\\sv 1;1;ff}}}", "malformed"),
        (_object(_old(b"a", b"", 1, b"C:\\a\\b.doc")), "external_link"),
        (_object(_old(b"Package", b"x" * 60)[:130]), "embedded_object"),
        (_object(b"0105000002000000ffffff7f"), "embedded_object"),
        (b"}", "malformed"),
        (b"{\\rtf1 a} {\\rtf1{\\object\\objocx}}", "trailing_data"),
        (b"{\\rtf1 a}MZ", "trailing_data"),
        (b"{\\rtf1 a}}MZ\x90", "trailing_data"),
        (b"{\\rtf1 a}}{\\field{\\*\\fldinst DDE cmd}}", "active_field"),
        (b"{\\rtf1 a}}{\\object\\objocx}", "embedded_object"),
        (b"{\\rtf1 a}\\par}{\\*\\template http://example.org/a.dot}", "remote_template"),
    ],
    ids=lambda value: str(value)[:40],
)  # fmt: skip
def test_what_acts_or_fetches_is_found(content: bytes, expected: str) -> None:
    assert expected in found(content, RTF)


@pytest.mark.parametrize("split", [b"{\\b }", b"\\x ", b"\\'00", b"{\\*\\y z}", b"g"])
def test_data_that_are_hidden_among_other_words_are_found(split: bytes) -> None:
    digits = _old(b"Excel.Sheet.8", excel(sheet(0)))
    assert "embedded_object" in found(_object(digits[:20] + split + digits[20:]), RTF)


@pytest.mark.parametrize("binary", [False, True])
def test_a_file_in_a_package_is_a_finding_and_a_member(binary: bool) -> None:
    package = native(b"a.exe", b"MZ")[4:]
    digits = _old(b"Package", package)
    data = bytes.fromhex(digits.decode())
    content = _object(b"\\bin%d %s" % (len(data), data) if binary else digits, class_name=b"Package")
    assert (found(content, RTF), members(content, RTF)) == (["embedded_object"], [("a.exe", b"MZ")])


@pytest.mark.parametrize("rest", [b"}", b"}\r\n\0", b" \\line \\par}", b"\n{\\b Level 2} : \\par} }"])
def test_a_brace_too_many_is_a_note(rest: bytes) -> None:
    assert found(b"{\\rtf1 a}" + rest, RTF) == ["irregular"]
