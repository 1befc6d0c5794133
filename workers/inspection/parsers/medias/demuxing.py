"""FFmpeg by PyAV: the container is opened by the demuxer of its type alone, and every packet is read, none decoded.

A decoder would take as long as the video lasts. What a demuxer tells are the streams, their codecs and dimensions, the
duration, the attachments, and whether the parts that make up the recording can be found. It opens nothing else: it gets
the file object, no protocol is allowed, and a request for another file is a finding.
"""

import errno
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from workers.inspection.parsers.medias import codecs
from workers.inspection.parsers.medias.medium import MalformedMedium, Medium
from workers.inspection.parsers.port import EnvironmentFault, LimitExceeded

if TYPE_CHECKING:
    from av.codec import CodecContext
    from av.container import InputContainer
    from av.packet import Packet
    from av.stream import Stream

_BUFFER = 1024 * 1024
_NONE = "none"
_MICROSECONDS = 1_000_000
# FLAC has the number of samples in its head, and nothing else that shows a cut.
_WITH_TOTAL = "flac"
_TOLERANCE = 0.01
_PICTURES = {"mjpeg": "jpg", "png": "png", "gif": "gif", "bmp": "bmp", "webp": "webp", "tiff": "tiff"}
_OURS = frozenset({errno.EIO, errno.ENOSPC, errno.EMFILE, errno.ENFILE})


class _Elsewhere(Exception):
    """The container asks for another file."""


def examine(medium: Medium, demuxer: str) -> None:
    """Read all packets. Attachments and covers are handed out as members.

    Codes: unsupported, external_reference, truncated. Raises MalformedMedium, LimitExceeded.
    """
    with _errors(medium), _opened(medium, demuxer) as container:
        medium.streams(len(container.streams))
        if not len(container.streams):
            raise MalformedMedium("There is no sound or video in the file.")
        announced = (container.duration or 0) / _MICROSECONDS
        medium.seconds(announced)
        for stream in container.streams:
            _stream(medium, stream)
        if _packets(medium, container) < announced - _TOLERANCE and demuxer == _WITH_TOTAL:
            medium.truncated()


def _opened(medium: Medium, demuxer: str) -> "InputContainer":
    import av

    def refuse(url: str, flags: int, options: Mapping[str, str]) -> BinaryIO:  # noqa: ARG001 # PyAV's signature
        raise _Elsewhere

    medium.file.seek(0)
    options = {"protocol_whitelist": "none", "threads": "1"}
    return av.open(medium.file, "r", format=demuxer, options=options, io_open=refuse, buffer_size=_BUFFER)


@contextmanager
def _errors(medium: Medium) -> Iterator[None]:
    """Turns FFmpeg's errors into findings. After a cut, one more error says nothing new."""
    from av.error import FFmpegError

    try:
        yield
    except (MemoryError, LimitExceeded, MalformedMedium):
        raise
    except _Elsewhere:
        medium.report("external_reference", "It refers to another file.")
    except (FFmpegError, ValueError) as error:
        if isinstance(error, OSError) and error.errno in _OURS:
            raise EnvironmentFault(f"FFmpeg failed: {error}") from error
        if not medium.cut:
            raise MalformedMedium(f"It cannot be read ({type(error).__name__}).", _code(error)) from error


def _code(error: Exception) -> str:
    """`unsupported` where FFmpeg says that it cannot do it (AVERROR_PATCHWELCOME, AVERROR(ENOSYS))."""
    return "unsupported" if type(error).__name__ in ("PatchWelcomeError", "NotImplementedError") else "malformed"


def _stream(medium: Medium, stream: "Stream") -> None:
    """Test a stream. Streams of data have no codec; in the boxes of an MP4 their kinds are tested."""
    from av.stream import AttachmentStream

    if isinstance(stream, AttachmentStream):
        with medium.output.member(stream.name or "") as take:
            take(stream.data or b"")
    elif stream.type == "unknown":
        medium.report("attached_stream", "A stream of it is neither sound nor video nor text.")
    elif stream.type != "data":
        _codec(medium, stream)


def _codec(medium: Medium, stream: "Stream") -> None:
    from av.video.stream import VideoStream

    # PyAV has no context for a codec without a decoder, whatever its types say.
    context: CodecContext | None = stream.codec_context
    codec = context.codec.canonical_name if context is not None else _NONE
    if not codecs.is_known(stream.type, codec) and not (codec == _NONE and medium.newer_codecs):
        medium.report("unsupported", f"The codec of a stream is not known ({stream.type}, {codec[:32]}).")
    elif context is not None and isinstance(stream, VideoStream):
        medium.area(stream.codec_context.width, stream.codec_context.height)


def _packets(medium: Medium, container: "InputContainer") -> float:
    """Read every packet; when the last one ends, in seconds. A cover is a packet, and is handed out as a member."""
    from av.stream import Disposition

    covers = {each.index for each in container.streams if each.disposition & Disposition.attached_pic}
    last = 0.0
    for packet in container.demux():
        if packet.size and packet.stream_index in covers:
            _cover(medium, packet)
        elif packet.pts is not None and packet.time_base is not None:
            last = max(last, float((packet.pts + (packet.duration or 0)) * packet.time_base))
    medium.seconds(last)
    return last


def _cover(medium: Medium, packet: "Packet[Stream]") -> None:
    codec = packet.stream.codec_context.codec.canonical_name
    with medium.output.member(f"cover.{_PICTURES.get(codec, 'bin')}") as take:
        take(bytes(packet))
