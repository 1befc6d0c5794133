"""TIFF 6.0 and BigTIFF: a chain of directories, one for each page, whose parts may be anywhere in the file."""

from typing import BinaryIO

from workers.inspection.parsers.images.structure import ImageLimits, read_struct, truncated

_BIG = 43


def end(file: BinaryIO, size: int, image_limits: ImageLimits) -> int:
    """The end of the file. Counts the pages; raises MalformedImage where a directory is outside of the file."""
    file.seek(0)
    order = "<" if file.read(2) == b"II" else ">"
    big = read_struct(file, order + "H")[0] == _BIG
    offset, count, entry = ("Q", "Q", 20) if big else ("I", "H", 12)
    if big:
        read_struct(file, "HH")
    place = read_struct(file, order + offset)[0]
    seen = set()
    while place and place not in seen:
        seen.add(place)
        image_limits.frame()
        if place >= size:
            raise truncated()
        file.seek(place)
        entries = read_struct(file, order + count)[0]
        place = file.tell() + entries * entry
        if place >= size:
            raise truncated()
        file.seek(place)
        place = read_struct(file, order + offset)[0]
    return size
