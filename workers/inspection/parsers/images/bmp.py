"""BMP (https://learn.microsoft.com/windows/win32/gdi/bitmap-storage): headers, colours, and rows of pixels."""

from typing import BinaryIO

from workers.inspection.parsers.images.structure import ImageLimits, read_struct, truncated

_CORE = 12
_V5 = 124
_PLAIN = (0, 3, 6)  # BI_RGB, BI_BITFIELDS, BI_ALPHABITFIELDS: rows of a known length


def end(file: BinaryIO, size: int, image_limits: ImageLimits) -> int:
    """The offset after the pixels. The file size in the header may be wrong, but not too large in a complete file."""
    file.seek(2)
    declared, _, _, pixels, header = read_struct(file, "<IHHII")
    if header == _CORE:
        width, height, _, bits = read_struct(file, "<HHHH")
        compression = length = 0
    else:
        width, height, _, bits, compression, length = read_struct(file, "<iiHHII")
    height = abs(height)
    image_limits.area(width, height)
    if compression in _PLAIN:
        length = (width * bits + 31) // 32 * 4 * height
    last = max(pixels + length, _profile_end(file, header))
    if max(declared, last) > size:
        raise truncated()
    return last if length else size


def _profile_end(file: BinaryIO, header: int) -> int:
    """The offset after the colour profile, which may follow the pixels; 0 without one."""
    if header < _V5:
        return 0
    file.seek(14 + 112)
    offset, length = read_struct(file, "<II")
    return 14 + offset + length if length else 0
