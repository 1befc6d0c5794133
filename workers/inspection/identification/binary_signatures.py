"""The signatures of formats that nothing examines, so that their bytes are never taken for a text. Pure.

Many of these decode as a text as far as they go, and a text may have NULs behind it. Sources as in `signatures`;
[MS-OXTNEF], [MS-PST] and the programs' own descriptions.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

from workers.inspection.identification.sample import Sample

_TNEF, _STORE, _DOCUMENT = "application/vnd.ms-tnef", "application/vnd.ms-outlook-pst", "application/x-old-document"
_PACKED, _DISK, _PCAP = "application/x-other-archive", "application/x-virtual-disk", "application/vnd.tcpdump.pcap"
_CODE, _SYSTEM = "application/x-bytecode", "application/x-ms-system-file"
_DATA, _FONT = "application/x-other-data", "font/x-other"

_PREFIXES: Mapping[str, tuple[bytes, ...]] = MappingProxyType(
    {
        _TNEF: (b"\x78\x9f\x3e\x22",),
        _STORE: (b"\xcf\xad\x12\xfe", b"\x0d\xf0\xad\xba"),  # Outlook Express, and the names that Outlook completes
        "application/onenote": (b"\xa1\x2f\xff\x43\xd9\xef\x76\x4c",),
        # Word before 6, Write, WordPerfect, and Excel before 5.
        _DOCUMENT: (b"\xdb\xa5\x2d\0", b"\x9b\xa5\x21\0", b"\x31\xbe\0\0", b"\x32\xbe\0\0", b"\xffWPC",
                    b"\x09\0\4\0", b"\x09\2\6\0", b"\x09\4\6\0", b"\x09\x08\x08\0"),
        _PACKED: (b"\x1f\x1e", b"\x1f\xa0", b"\x04\x22\x4d\x18", b"\x02\x21\x4c\x18", b"\x89LZO\0\r\n\x1a\n",
                  b"\xff\6\0\0sNaPpY", b"SZDD\x88\xf0\x27\x33", b"KWAJ\x88\xf0\x27\xd1", b"SZ \x88\xf0\x27\x33",
                  b"\x13\x5d\x65\x8c", b"MSWIM\0\0\0", b"7kSt\xa0\x31\x83\xd3", b"mozLz40\0", b"ALZ\1", b"EGGA\0\1"),
        _DISK: (b"<<< Oracle VM VirtualBox Disk Image >>>", b"<<< Sun VirtualBox Disk Image >>>", b"LUKS\xba\xbe",
                b"MEDIA DESCRIPTOR\1", b"\x45\x3d\xcd\x28", b"\x28\xcd\x3d\x45", b"\xeb\x52\x90NTFS"),
        _PCAP: (b"\xd4\xc3\xb2\xa1\2\0", b"\xa1\xb2\xc3\xd4\0\2", b"\x4d\x3c\xb2\xa1\2\0", b"\xa1\xb2\x3c\x4d\0\2"),
        _CODE: (b"\x1bLua", b"\x1bLJ", b"BC\xc0\xde", b"\xde\xc0\x17\x0b", b"\xac\xed\0\5", b"\xca\xfe\xd0\x0d",
                b"\xca\xfe\xba\xbf", b"\xc6\x1f\xbc\x03", b"FasdUAS 1.", b"Joy!peff", b"\x03\xf3\r\n", b"dey\n03"),
        _SYSTEM: (b"?_\3\0", b"ElfFile\0", b"MDMP\x93\xa7", b"PReg\1\0\0\0"),
        _FONT: (b"\x80\1", b"\1fcp"),
        _DATA: (b"\x89HDF\r\n\x1a\n", b"\xce\x9a\x57\x13", b"\x13\x57\x9a\xce", b"Obj\1", b"ARROW1\0\0", b"\x93NUMPY",
                b"** This file contains an SQLite 2.1 database **\0", b"AutoCAD Binary DXF\r\n\x1a\0", b"gimp xcf ",
                b"\x03\xd9\xa2\x9a", b"\xfe\xed\xfe\xed\0", b"\xce\xce\xce\xce\0"),
    }
)  # fmt: skip
# Texts may begin with these, but for one that has NULs at its end.
_MAY_BE_TEXT: Mapping[str, tuple[bytes, ...]] = MappingProxyType(
    {
        _STORE: (b"!BDN",),
        _PACKED: (b"SIT!", b"StuffIt", b"ISc(", b"RE~^", b"ZOO ", b"LRZI", b"RZIP", b"Cr24", b"bvx-", b"bvx1", b"bvx2",
                  b"zPQ", b"MAR1", b"pbzx", b"PAR2", b"ANDROID BACKUP\n", b"\x71\xc7"),
        _DISK: (b"hsqs", b"sqsh", b"-rom1fs-", b"CISO", b"encrcdsa", b"cdsaencr", b"LUKS", b"WBFS"),
        _CODE: (b"YARB", b"oat\n", b"art\n", b"vdex", b";ELC"),
        _SYSTEM: (b"regf", b"ITOLITLS"),
        _DATA: (b"PAR1", b"ORC", b"CDF", b"MATLAB 5.0 MAT-file", b"AC10", b"BLENDER", b"AT&TFORM"),
    }
)  # fmt: skip
_PATTERNS: tuple[tuple[re.Pattern[bytes], str], ...] = (
    # Python's bytecode since 3.7: its version, a line end, and flags (PEP 552).
    (re.compile(rb".[\x0b-\x0f]\r\n[\0-\3]\0\0\0", re.DOTALL), _CODE),
    (re.compile(rb".{7}\*\*ACE\*\*|.{20}\xdc\xa7\xc4\xfd", re.DOTALL), _PACKED),  # ACE and ZOO
    # ARJ: the size of its header (up to 2,600), that of its fixed part, and the type of the header.
    (re.compile(rb"\x60\xea.[\0-\x0a][\x1e-\x40].{5}\x02", re.DOTALL), _PACKED),
    (re.compile(rb"\n\r\r\n.{4}(?:\x4d\x3c\x2b\x1a|\x1a\x2b\x3c\x4d)", re.DOTALL), _PCAP),
)


def unexamined_format(sample: Sample) -> str | None:
    """The media type of bytes of one of these formats, which are not to be read as a text; None for others."""
    head = sample.head
    for media_type, signatures in _PREFIXES.items():
        if head.startswith(signatures):
            return media_type
    for media_type, signatures in _MAY_BE_TEXT.items():
        if head.startswith(signatures) and not sample.is_whole_text:
            return media_type
    return next((media_type for pattern, media_type in _PATTERNS if pattern.match(head)), None)
