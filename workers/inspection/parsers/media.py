"""The examiner `media`: sound and video. FFmpeg reads every packet by the demuxer of the type; nothing is decoded.

Looked at are the container, its streams and codecs by lists of what is known, the duration, the dimensions, attachments
and covers (handed out as members), references to other files, encryption, and whether the file is whole. What formats
stand between and behind the packets is identification's to say.

Whether a file was cut off shows where the format has sizes: MP4, QuickTime and 3GPP (boxes), Matroska and WebM
(elements), WAV, AIFF and AVI (chunks), FLAC (samples), MP3 with the header of its encoder. In Ogg, ADTS, AMR, MPEG-TS
and FLV it shows where the cut is within a page, a frame or a packet. It does not show in an MP3 without that header, in
an MPEG program stream, and where the cut is between two parts of a format without a size of the whole.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import BinaryIO, NamedTuple

from workers.inspection.parsers.header_scripts import begins_as_script
from workers.inspection.parsers.medias import chunks, demuxing, frames, iso_media, matroska, midi, ogg
from workers.inspection.parsers.medias.medium import MalformedMedium, Medium
from workers.inspection.parsers.port import Output
from workers.inspection.parsers.ranges import section
from workers.inspection.readings import Reading

MODULES: Sequence[str] = ("av", "av.subtitles.stream", "av.subtitles.codeccontext")
DEFAULTS: Mapping[str, int] = MappingProxyType(
    {"media_seconds": 172_800, "media_pixels": 150_000_000, "media_streams": 100}
)


class _Kind(NamedTuple):
    """How a type is read: FFmpeg's demuxer (none where it has none), and our reader of the structure."""

    demuxer: str
    structure: Callable[[Medium], None] | None


_ISO = _Kind("mov", iso_media.examine)
_MATROSKA = _Kind("matroska", matroska.examine)
_OGG = _Kind("ogg", ogg.examine)
_KINDS: Mapping[str, _Kind] = {
    "audio/mpeg": _Kind("mp3", frames.examine_mpeg_audio),
    "audio/mp4": _ISO,
    "audio/aac": _Kind("aac", frames.examine_adts),
    "audio/wav": _Kind("wav", chunks.examine_wav),
    "audio/flac": _Kind("flac", None),
    "audio/ogg": _OGG,
    "audio/webm": _MATROSKA,
    "audio/matroska": _MATROSKA,
    "audio/aiff": _Kind("aiff", chunks.examine_aiff),
    "audio/amr": _Kind("amr", frames.examine_amr),
    "audio/midi": _Kind("", midi.examine),
    "video/mp4": _ISO,
    "video/quicktime": _ISO,
    "video/3gpp": _ISO,
    "video/3gpp2": _ISO,
    "video/webm": _MATROSKA,
    "video/matroska": _MATROSKA,
    "video/ogg": _OGG,
    "video/mpeg": _Kind("mpeg", None),
    "video/mp2t": _Kind("mpegts", frames.examine_transport),
    "video/x-msvideo": _Kind("avi", chunks.examine_avi),
    "video/x-flv": _Kind("flv", frames.examine_flv),
}
# An MPEG video without a container (ISO/IEC 13818-2, sequence_header_code).
_ELEMENTARY = b"\0\0\1\xb3"


def examine(file: BinaryIO, size: int, reading: Reading, limits: Mapping[str, int], output: Output) -> None:
    """Codes: truncated, malformed, unsupported, encrypted, external_reference, attached_stream, polyglot, irregular.

    Raises LimitExceeded above a limit, KeyError for a type of another examiner.
    """
    end = reading.end or size
    recording = section(file, reading.start, end)
    medium = Medium(recording, end - reading.start, limits, output)
    if begins_as_script(recording):
        output.finding("polyglot", "The first bytes of the file are also a JavaScript program.")
    kind = _KINDS[reading.media_type]
    try:
        if kind.structure is not None:
            kind.structure(medium)
        if kind.demuxer:
            demuxing.examine(medium, "mpegvideo" if medium.at(0, 4) == _ELEMENTARY else kind.demuxer)
    except MalformedMedium as error:
        medium.report(error.code, error.message)
