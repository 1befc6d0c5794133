"""What begins with the signature of a binary format is no text, though its bytes decode as one."""

import io

import pytest

from airlock.content.format import PLAIN
from airlock.content.formats import FORMATS, format_of
from workers.inspection.identification.identify import identify

SIGNED = {
    "TNEF": b"\x78\x9f\x3e\x22",
    "Outlook Express": b"\xcf\xad\x12\xfe\xc5\xfd\x74\x6f",
    "PST": b"!BDNabcdSM",
    "names of Outlook": b"\x0d\xf0\xad\xba",
    "OneNote's contents": b"\xa1\x2f\xff\x43\xd9\xef\x76\x4c",
    "Word 2": b"\xdb\xa5\x2d\0",
    "Write": b"\x31\xbe\0\0",
    "WordPerfect": b"\xffWPC",
    "Excel 2": b"\x09\0\4\0",
    "Excel 3": b"\x09\2\6\0",
    "Excel 4": b"\x09\4\6\0",
    "pack": b"\x1f\x1e",
    "lz4": b"\x04\x22\x4d\x18",
    "LZO": b"\x89LZO\0\r\n\x1a\n",
    "Snappy": b"\xff\6\0\0sNaPpY",
    "COMPRESS.EXE": b"SZDD\x88\xf0\x27\x33A",
    "StuffIt": b"SIT!aaaaaarLau",
    "StuffIt 5": b"StuffIt (c)1997-2002 Aladdin",
    "InstallShield": b"ISc(abcd",
    "InstallShield 3": b"\x13\x5d\x65\x8c",
    "WIM": b"MSWIM\0\0\0",
    "ARJ": b"\x60\xea\x2b\0\x22\x0b\1\x0b\x10\0\2",
    "ACE": b"aaaaaaa**ACE**",
    "ZOO": b"ZOO 2.10 Archive.\x1aaa\xdc\xa7\xc4\xfd",
    "RAR before 1.5": b"RE~^aaaa",
    "cpio, big-endian": b"\x71\xc7",
    "cpio": b"070701",
    "ar": b"!<arch>\n",
    "XAR": b"xar!",
    "lzip": b"LZIP",
    "compress": b"\x1f\x9d",
    "VirtualBox": b"<<< Oracle VM VirtualBox Disk Image >>>\n",
    "LUKS": b"LUKS\xba\xbe",
    "VMDK": b"KDMV",
    "VHD": b"conectix",
    "VHDX": b"vhdxfile",
    "QCOW": b"QFI\xfb",
    "SquashFS": b"hsqs",
    "CramFS": b"\x45\x3d\xcd\x28",
    "encrypted DMG": b"encrcdsa",
    "RPM": b"\xed\xab\xee\xdb",
    "SQLite": b"SQLite format 3\0",
    "Parquet": b"PAR1",
    "HDF5": b"\x89HDF\r\n\x1a\n",
    "Avro": b"Obj\1",
    "gdbm": b"\xce\x9a\x57\x13",
    "pcap": b"\xd4\xc3\xb2\xa1\2\0\4\0",
    "pcapng": b"\n\r\r\naaaa\x4d\x3c\x2b\x1a",
    "Java": b"\xca\xfe\xba\xbe",
    "Java objects": b"\xac\xed\0\5",
    "Dalvik": b"dex\n035",
    "Python 3.12": b"\xcb\r\r\n\0\0\0\0",
    "Python 3.9": b"a\r\r\n\0\0\0\0",
    "Python 2.7": b"\x03\xf3\r\n",
    "Lua": b"\x1bLua",
    "LuaJIT": b"\x1bLJ",
    "LLVM": b"BC\xc0\xde",
    "Ruby": b"YARB",
    "AppleScript": b"FasdUAS 1.101.10",
    "Flash": b"CWS\x0a",
    "Windows shortcut": b"L\0\0\0\1\x14\2\0",
    "registry": b"regf",
    "Group Policy": b"PReg\1\0\0\0",
    "WinHelp": b"?_\3\0",
    "CHM": b"ITSF\3\0\0\0",
    "events": b"ElfFile\0",
    "Type 1": b"\x80\1",
    "OpenType": b"OTTO",
    "WOFF": b"wOFF",
    "AutoCAD": b"AC1032",
    "KeePass": b"\x03\xd9\xa2\x9a",
}


@pytest.mark.parametrize("signature", SIGNED.values(), ids=SIGNED)
@pytest.mark.parametrize("padding", [4, 4096])
def test_a_signature_with_zeros_behind_it_is_no_text(signature: bytes, padding: int) -> None:
    body = signature + bytes(padding)
    (reading, *_) = identify(io.BytesIO(body), len(body), [PLAIN])
    assert format_of(reading.media_type).family != "text"
    assert reading.media_type in FORMATS


@pytest.mark.parametrize("name", ["TNEF", "Outlook Express", "ARJ", "pcapng", "Lua", "COMPRESS.EXE", "Python 3.9"])
def test_a_signature_with_a_text_behind_it_is_no_text(name: str) -> None:
    body = SIGNED[name] + b" and what is a text. " * 200
    (reading, *_) = identify(io.BytesIO(body), len(body), [PLAIN])
    assert format_of(reading.media_type).family != "text"


@pytest.mark.parametrize("text", ["PAR1 and PAR2", "regf", "AC10 is a number", "CDF of x", "q\u8bf7", "ZOO news"])
def test_a_text_may_begin_with_the_letters_of_a_signature(text: str) -> None:
    for body in (text.encode(), text.encode("gb18030")):
        assert [each.media_type for each in identify(io.BytesIO(body), len(body), [PLAIN])] == [PLAIN]


def test_zeros_behind_control_characters_make_no_text() -> None:
    body = b"\1\2\3 controls" + bytes(4096)
    assert PLAIN not in [each.media_type for each in identify(io.BytesIO(body), len(body), [PLAIN])]
