"""MP4, QuickTime, 3GPP and M4A (ISO/IEC 14496-12; Apple's "QuickTime File Format"): the boxes.

FFmpeg passes over a file that ends within a box, over samples in another file and over encryption. So the boxes are
read here too, with the tracks' kinds.
"""

from array import array

from workers.inspection.parsers.boxes import Box, all_boxes, boxes, content, unsafe_references
from workers.inspection.parsers.medias.medium import MalformedMedium, Medium

# Boxes that hold others, and the bytes before these.
_NESTED = dict.fromkeys(b"moov trak mdia minf dinf stbl moof traf rmra rmda gmhd".split(), 0)
_MOST_BOXES = 1_000_000
# What stands outside of other boxes (https://mp4ra.org/registered-types/boxes), and what cameras and editors put there.
_OUTER = frozenset(
    b"ftyp moov mdat moof mfra free skip wide styp sidx ssix prft emsg pdin meta uuid udta pnot PICT imda bloc junk "
    b"thum thma fre1 gps0 GPS frea mkag skmp mlha gdat cdat sefd mpvd IDIT XMP_ rdrf".split()
) | {b"gps ", b"GPS "}
_ENCRYPTED = frozenset({b"encv", b"enca", b"enct", b"encs", b"encm", b"drms", b"drmi"})
# Apple's spatial sound, MPEG-H, Dolby AC-4 and AVS: without a decoder in FFmpeg.
_NEWER = frozenset({b"apac", b"mha1", b"mha2", b"mhm1", b"mhm2", b"ac-4", b"av3a", b"avst", b"av3c"})
# Boxes with the offsets of the samples, and the type of these in Python's `array`.
_OFFSETS = {b"stco": "I", b"co64": "Q"}
_MOST_OFFSETS = 64 * 1024 * 1024
# QuickTime: by what the samples are found, where `dref` says that they are in the file. The third is of streams.
_DATA_HANDLERS = (b"alis", b"url ", b"cios")
# Kinds of tracks (the handler types of 14496-12, of QuickTime and of cameras). Others hold programs, such as Flash.
_HANDLERS = frozenset(
    b"vide soun hint text sbtl subt subp clcp meta tmcd auxv pict mdir mdta camm data odsm sdsm MPEG nrtm fdsc".split()
)


def examine(medium: Medium) -> None:
    """Codes: truncated, external_reference, encrypted, attached_stream, irregular. Raises MalformedMedium."""
    found, last = False, 0
    for number, (depth, box) in enumerate(all_boxes(medium.file, 0, medium.size, _NESTED)):
        if number > _MOST_BOXES:
            raise MalformedMedium("The file has too many parts.")
        found |= box.kind in (b"moov", b"moof")
        if depth == 0:
            last = box.end
            if not _outer(medium, box):
                return
        _inner(medium, box)
    if last < medium.size:
        medium.remains(last)
    if not found:
        medium.truncated()


def _outer(medium: Medium, box: Box) -> bool:
    """Read a box that stands beside the others; False where the file ends within it, or where it is none."""
    if box.kind not in _OUTER:
        if box.end > medium.size or not box.kind.isalnum():
            medium.remains(box.start)
            return False
        medium.note("Data of an unknown kind stand beside the recording.")
    elif box.end > medium.size:
        medium.truncated()
    return True


def _inner(medium: Medium, box: Box) -> None:
    if box.kind == b"dref" and (kinds := unsafe_references(medium.file, box)):
        medium.report("external_reference", f"Parts of it are in another file ({', '.join(kinds)[:64]}).")
    elif box.kind == b"rdrf" and content(medium.file, box, 8)[4:8] in (b"url ", b"alis"):
        medium.report("external_reference", "It refers to a film that is elsewhere.")
    elif box.kind == b"stsd":
        entries = {entry.kind for entry in boxes(medium.file, box.body + 8, min(box.end, medium.size))}
        medium.newer_codecs |= bool(entries & _NEWER)
        if entries & _ENCRYPTED:
            medium.report("encrypted", "It is encrypted.")
    elif box.kind in _OFFSETS and _last_offset(medium, box) >= medium.size:
        medium.truncated()
    elif box.kind == b"hdlr":
        _handler(medium, content(medium.file, box, 256))


def _last_offset(medium: Medium, box: Box) -> int:
    """Where the last of the chunks of samples begins (8.7.5)."""
    number = _OFFSETS[box.kind]
    offsets = content(medium.file, box, _MOST_OFFSETS)[8:]
    whole = array(number, offsets[: len(offsets) // array(number).itemsize * array(number).itemsize])
    whole.byteswap()
    return max(whole, default=0)


def _handler(medium: Medium, body: bytes) -> None:
    kind, name = body[8:12], body[24:]
    if body[4:8] == b"dhlr" and kind in _DATA_HANDLERS:
        return
    if b"HREF" in name.upper():
        medium.report("external_reference", "A track of it opens addresses while it plays.")
    if kind not in _HANDLERS:
        medium.report("attached_stream", f"A track of it is of an unknown kind ({_printable(kind)}).")


def _printable(kind: bytes) -> str:
    return "".join(chr(byte) for byte in kind if 32 < byte < 127) or kind.hex()
