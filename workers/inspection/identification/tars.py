"""Whether a block is the header of a tar, by its checksum. Pure.

Sources: POSIX.1-2017, pax, "ustar Interchange Format"; GNU tar's manual, "Basic Tar Format".
"""

BLOCK = 512
_TYPES = frozenset(b"\x0001234567ADKLMNSVXgx")


def is_tar_header(block: bytes) -> bool:
    """Whether the checksum fits. V7's tar has no magic, so the type and the name have to fit there too."""
    if len(block) < BLOCK or not block[0]:
        return False
    digits = block[148:156].strip(b" \0")
    if not digits or not all(48 <= digit < 56 for digit in digits):
        return False
    known = sum(block[:148]) + 8 * 32 + sum(block[156:])
    # Some old programs added the bytes as signed ones.
    signed = known - 256 * sum(byte > 127 for byte in block[:148] + block[156:])
    if int(digits, 8) not in (known, signed):
        return False
    return block[257:262] == b"ustar" or block[156] in _TYPES
