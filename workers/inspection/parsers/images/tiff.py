"""TIFF 6.0 and BigTIFF: a chain of directories, one for each page, whose parts may be anywhere in the file."""

from typing import BinaryIO

from workers.inspection.parsers.images.structure import ImageLimits, read_struct, truncated

_BIG = 43


def end(file: BinaryIO, size: int, image_limits: ImageLimits) -> int:
    """The end of the file. Counts the pages; raises MalformedImage where a directory is outside of the file."""
    file.seek(0)
    order = "<" if file.read(2) == b"II" else ">"
    big = read_struct(file, order + "H")[0] == _BIG
    offset_type, count_type, entry_size = (order + "Q", order + "Q", 20) if big else (order + "I", order + "H", 12)
    if big:
        read_struct(file, "HH")
    directory = read_struct(file, offset_type)[0]
    seen = set()
    while directory and directory not in seen:
        seen.add(directory)
        image_limits.frame()
        _seek_inside(file, directory, size)
        entries = read_struct(file, count_type)[0]
        _seek_inside(file, file.tell() + entries * entry_size, size)
        directory = read_struct(file, offset_type)[0]
    return size


def _seek_inside(file: BinaryIO, offset: int, size: int) -> None:
    if offset >= size:
        raise truncated()
    file.seek(offset)
