"""What cameras, phones and editors append to a JPEG, told by the words with which it begins or ends.

Viewers pass over all of it. What a trailer contains is sought by identification: a video, an archive, a page.

Sources: ExifTool's JPEG.pm, Trailer.pm, Samsung.pm, Vivo.pm and AFCP.pm (https://exiftool.org/TagNames/Trailer.html);
https://developer.android.com/media/platform/motion-photo-format.
"""

from workers.inspection.parsers.images.structure import Picture, skip_padding

_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_REACH = 256
# Where a trailer begins. Canon's, Nikon's and MIE's blocks; a video of a motion photo; Google's and makers' JSON.
_HEADS = (
    b"CANON OPTIONAL DATA\0",
    b"\x94\xc0\x7e\x13",
    b"~\x10\x04",
    b"~\x18\x04",
    b"vivo",
    b"streamdata",
    b"cameralbum",
    b"QDIOBS",
    b"edof",
    b"SEFH",
    b"AXS!",
    b"AXS*",
)
_ENDS = (
    b"SEFT",  # Samsung
    b"cbipcbbl",  # Photo Mechanic
    b"AXS!",
    b"AXS*",  # AFCP
    b"jxrs",  # OnePlus, Oppo
    b"cameralbum",  # vivo
    b"CANON OPTIONAL DATA\0",
    b"8db42d694ccc418790edff439fe026bf",  # Insta360
    b"\xa1\xb2\xc3\xd4",  # FotoStation
    b"MIE",
    b"LIVE_",  # Huawei
    b"#&DualCam",
    b"DepthEn",
    b"ntgh",  # Nothing
)


class Announced:
    """What the segments of an image announce after it."""

    def __init__(self) -> None:
        self.images = False

    def note(self, segment: bytes) -> None:
        """Read the body of an APP1 or APP2 segment."""
        if segment.startswith(b"MPF\0"):
            self.images = True
        elif segment.startswith(_XMP):
            self.images |= b"Container:Directory" in segment


def note(picture: Picture, end: int) -> None:
    """Note what follows the last image, which ends at `end`: a maker's own data, or other bytes."""
    start = skip_padding(picture.file, end)
    if start >= picture.size:
        return
    picture.file.seek(start)
    head = picture.file.read(_REACH)
    picture.file.seek(max(start, picture.size - _REACH))
    tail = picture.file.read(_REACH)
    if head.startswith(_HEADS) or b"ftyp" in head[:8] or any(each in tail for each in _ENDS):
        picture.note("A camera maker's own data follow the image.", "maker_trailer")
    else:
        picture.remains(end)
