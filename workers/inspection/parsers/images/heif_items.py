"""Where the items of a HEIF are in the file: the box `iloc` (ISO/IEC 14496-12, section 8.11.3)."""

from workers.inspection.parsers.images.structure import truncated

_IN_FILE = 0


class _Fields:
    """Reads unsigned numbers of any size, in bytes, one after the other."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    def next(self, size: int) -> int:
        if self._at + size > len(self._body):
            raise truncated()
        self._at += size
        return int.from_bytes(self._body[self._at - size : self._at], "big")


def last_extent(body: bytes) -> int:
    """The offset behind the last byte that an item has in the file. Raises MalformedImage where the box is cut."""
    fields, last = _Fields(body), 0
    version = fields.next(1)
    fields.next(3)
    sizes = fields.next(2)
    offset, length, base, index = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
    wide = 4 if version == 2 else 2
    for _ in range(fields.next(wide)):
        fields.next(wide)
        method = fields.next(2) & 15 if version else _IN_FILE
        fields.next(2)
        start = fields.next(base)
        for _ in range(fields.next(2)):
            fields.next(index if version else 0)
            end = start + fields.next(offset) + fields.next(length)
            last = max(last, end) if method == _IN_FILE else last
    return last
