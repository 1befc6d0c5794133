"""Decodes the parts of a HEIF or AVIF one by one: tiles, thumbnails, masks, gain maps and the frames of a sequence.

FFmpeg hands out each part as a packet. So the memory is that of one tile, whatever the size of the picture, and it
takes a fraction of libheif's time. Nothing is put together, and the filter that only smooths the tiles is left out.
"""

from typing import TYPE_CHECKING, cast

from workers.inspection.parsers.images.decoding import decoding
from workers.inspection.parsers.images.structure import MalformedImage, Picture

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.codeccontext import VideoCodecContext
    from av.video.stream import VideoStream

# H.265 is HEIC's, AV1 is AVIF's; HEIF may have H.264, H.266 and JPEG too (ISO/IEC 23008-12, annexes B to L).
_CODECS = frozenset({"hevc", "av1", "h264", "vvc", "mjpeg"})


def decode(picture: Picture) -> None:
    """Decode every part of the file. Raises MalformedImage where one cannot be decoded, LimitExceeded."""
    import av

    picture.file.seek(0)
    with (
        decoding(),
        av.open(picture.file, "r", format="mov", options={"protocol_whitelist": "none"}) as container,
    ):
        decoders = _Decoders(picture)
        for packet in container.demux(container.streams.video):
            if packet.size:
                decoders.decode(packet)
        decoders.end()


class _Decoders:
    """One decoder for all tiles with the same settings, and one for each sequence, whose frames need each other."""

    def __init__(self, picture: Picture) -> None:
        self._picture = picture
        self._of_tiles: dict[tuple[str, bytes], VideoCodecContext] = {}
        self._of_sequences: dict[int, VideoCodecContext] = {}

    def decode(self, packet: "Packet[VideoStream]") -> None:
        """Decode a tile or a frame. Raises MalformedImage, LimitExceeded."""
        context = packet.stream.codec_context
        if context.codec.canonical_name not in _CODECS:
            raise MalformedImage("The image has an unknown codec.", "unsupported")
        if packet.stream.frames > 1:
            self._picture.frame(context.width, context.height)
            if packet.stream_index not in self._of_sequences:
                self._of_sequences[packet.stream_index] = _decoder(context)
            self._of_sequences[packet.stream_index].decode(packet)
        else:
            self._tile(packet, context)

    def _tile(self, packet: "Packet[VideoStream]", context: "VideoCodecContext") -> None:
        self._picture.area(context.width, context.height)
        key = context.name, bytes(context.extradata or b"")
        if key not in self._of_tiles:
            self._of_tiles[key] = _decoder(context)
        decoder = self._of_tiles[key]
        frames = [*decoder.decode(packet), *decoder.decode(None)]
        decoder.flush_buffers()
        if not frames:
            raise MalformedImage("A part of the image cannot be decoded.")

    def end(self) -> None:
        """Decode what is left of the sequences. Raises MalformedImage where there was no image at all."""
        for decoder in self._of_sequences.values():
            decoder.decode(None)
        if not self._of_tiles and not self._of_sequences:
            raise MalformedImage("There is no image in the file.")


def _decoder(context: "VideoCodecContext") -> "VideoCodecContext":
    from av import VideoCodecContext

    decoder = cast("VideoCodecContext", VideoCodecContext.create(context.name, "r"))
    decoder.extradata = context.extradata
    decoder.thread_count = 1
    decoder.options = {"skip_loop_filter": "all"}
    return decoder
