"""BMP (https://learn.microsoft.com/windows/win32/gdi/bitmap-storage): headers, colours, and rows of pixels.

The file size in the header is often wrong, and no program needs it; the pixels have to be there. Rows that are not
compressed are the pixels: every value is one, so there is nothing to decode. Pillow decodes the others.
"""

from workers.inspection.parsers.images.decoding import decode_frames
from workers.inspection.parsers.images.structure import MalformedImage, Picture, read_struct, reserve, truncated

_CORE, _SHORT = 12, 16  # of OS/2; the shorter form of its second version ends with the depth
_V5 = 124
_PLAIN = (0, 3, 6)  # BI_RGB, BI_BITFIELDS, BI_ALPHABITFIELDS: rows of a known length
_DEPTHS = (1, 2, 4, 8, 16, 24, 32)
_PIXEL_BYTES = 4


def examine(picture: Picture) -> None:
    """Decode the picture. Raises MalformedImage, LimitExceeded."""
    picture.file.seek(2)
    declared, _, _, pixels, header = read_struct(picture.file, "<IHHII")
    width, height, bits, compression, length = _dimensions(picture, header)
    height = abs(height)
    picture.area(width, height)
    if compression in _PLAIN:
        length = (width * bits + 31) // 32 * 4 * height
    last = max(pixels + length, _profile_end(picture, header))
    if last > picture.size:
        raise truncated()
    if declared not in (picture.size, last, 0):
        picture.note("The size in the header of the BMP is wrong.")
    if length:
        picture.remains(last)
    if compression not in _PLAIN:
        reserve(_PIXEL_BYTES * width * height, width, height)
        picture.file.seek(0)
        _decode(picture)
    elif pixels < 14 + header or bits not in _DEPTHS:
        raise MalformedImage("The header of the BMP is wrong.")


def _dimensions(picture: Picture, header: int) -> tuple[int, int, int, int, int]:
    """The width, the height, the bits of a pixel, the compression and the length of the pixels, which may be 0."""
    if header == _CORE:
        width, height, _, bits = read_struct(picture.file, "<HHHH")
        return width, height, bits, 0, 0
    width, height, _, bits = read_struct(picture.file, "<iiHH")
    compression, length = (0, 0) if header == _SHORT else read_struct(picture.file, "<II")
    return width, height, bits, compression, length


def _decode(picture: Picture) -> None:
    from PIL.BmpImagePlugin import BmpImageFile

    try:
        decode_frames(picture, BmpImageFile, picture.file)
    except MalformedImage as error:
        # Runs may leave out pixels, and all runs are in the file.
        if "not enough image data" not in error.message:
            raise
        picture.note("Pixels of the BMP are left out.")


def _profile_end(picture: Picture, header: int) -> int:
    """The offset after the colour profile, which may follow the pixels; 0 without one."""
    if header < _V5:
        return 0
    picture.file.seek(14 + 112)
    offset, length = read_struct(picture.file, "<II")
    return 14 + offset + length if length else 0
