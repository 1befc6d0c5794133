"""Whether a block is the header of a tar, by its checksum. Pure.

Sources: POSIX.1-2017, pax, "ustar Interchange Format"; GNU tar's manual, "Basic Tar Format".
"""

import re

BLOCK = 512
_CHECKSUM = re.compile(rb"[ \0]*([0-7]+)[ \0]*")
_TYPES = frozenset(b"\x0001234567ADKLMNSVXgx")


def is_tar_header(block: bytes) -> bool:
    """Whether bytes that may be anything begin with a header.

    V7's tar has no magic, so besides the checksum the type and the name have to fit there too.
    """
    return (
        block[:1] not in (b"", b"\0") and has_checksum(block) and (block[257:262] == b"ustar" or block[156] in _TYPES)
    )


def has_checksum(block: bytes) -> bool:
    """Whether the block's checksum is right, which makes it a header within a tar. Old tars add up signed bytes."""
    found = _CHECKSUM.fullmatch(block[148:156])
    if found is None or len(block) < BLOCK:
        return False
    unsigned = sum(block[:148]) + 8 * ord(" ") + sum(block[156:])
    return int(found[1], 8) in {unsigned, unsigned - 256 * sum(byte > 127 for byte in block[:148] + block[156:])}
