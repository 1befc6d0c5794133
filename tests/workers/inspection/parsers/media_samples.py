"""Small sounds and videos, good and bad ones, made by PyAV when they are asked for."""

import struct
import tempfile
from collections.abc import Mapping
from fractions import Fraction
from functools import cache
from typing import Any

import av
import numpy as np
from av.container import OutputContainer

_RATES = {"libopus": 48000, "aac": 44100, "libmp3lame": 44100, "mp2": 44100}


def made(
    container: str,
    *,
    video: str = "",
    audio: str = "",
    seconds: int = 1,
    options: Mapping[str, str] | None = None,
    attachment: bytes = b"",
) -> bytes:
    """A recording in one of FFmpeg's formats, with these codecs."""
    with tempfile.NamedTemporaryFile() as body:
        with av.open(body.name, "w", format=container, options=dict(options or {})) as output:
            if attachment:
                output.add_attachment("notes.txt", "text/plain", attachment)
            streams = [(_video, output.add_stream(video, rate=5))] if video else []
            streams += (
                [(_audio, output.add_stream(audio, rate=_RATES.get(audio, 8000), layout="mono"))] if audio else []
            )
            for fill, stream in streams:
                fill(output, stream, seconds)
        return body.read()


def _video(output: OutputContainer, stream: Any, seconds: int) -> None:
    stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
    if stream.codec_context.name == "libx264":
        stream.options = {"threads": "1", "bframes": "0"}
    pixels = np.arange(64 * 48 * 3, dtype=np.uint32).reshape(48, 64, 3) * 7919
    for number in range(5 * seconds):
        frame = av.VideoFrame.from_ndarray(((pixels >> number % 8) & 255).astype(np.uint8), format="rgb24")
        frame.pts, frame.time_base = number, Fraction(1, 5)
        output.mux(stream.encode(frame))
    output.mux(stream.encode(None))


def _audio(output: OutputContainer, stream: Any, seconds: int) -> None:
    context = stream.codec_context
    if context.name == "libopencore_amrnb":
        context.bit_rate = 12200
    noise = (np.arange(context.sample_rate * seconds, dtype=np.int64) ** 2 * 7919 % 20011 - 10000).astype(np.int16)
    frame = av.AudioFrame.from_ndarray(noise.reshape(1, -1), format="s16", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = context.sample_rate, 0, Fraction(1, context.sample_rate)
    resampler = av.AudioResampler(format=context.format or "s16", layout="mono", rate=context.sample_rate)
    for converted in resampler.resample(frame):
        output.mux(stream.encode(converted))
    output.mux(stream.encode(None))


def box(kind: bytes, *content: bytes) -> bytes:
    """One box of an MP4."""
    body = b"".join(content)
    return struct.pack(">I", 8 + len(body)) + kind + body


def midi() -> bytes:
    """A MIDI file of one track with one note."""
    track = b"\0\x90\x3c\x40\x60\x80\x3c\x40\0\xff\x2f\0"
    return b"MThd" + struct.pack(">IHHH", 6, 0, 1, 96) + b"MTrk" + struct.pack(">I", len(track)) + track


def subtitles() -> bytes:
    """A Matroska file of one line of subtitles, in the order of RFC 9559."""
    track = _element("d7", b"\1") + _element("73c5", b"\1") + _element("83", b"\x11") + _element("86", b"S_TEXT/UTF8")
    line = _element("a0", _element("a1", b"\x81\0\0\0Hello") + _element("9b", b"\x64"))
    body = _element("1549a966", _element("2ad7b1", b"\x0f\x42\x40")) + _element("1654ae6b", _element("ae", track))
    header = _element("1a45dfa3", _element("4282", b"matroska"))
    return header + _element("18538067", body + _element("1f43b675", _element("e7", b"\0") + line))


def _element(name: str, content: bytes) -> bytes:
    return bytes.fromhex(name) + (1 << 56 | len(content)).to_bytes(8, "big") + content


FRAGMENTED = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}

_RECIPES: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "mp4": ("video/mp4", {"container": "mp4", "video": "libx264", "audio": "aac"}),
    "mp4, screen recording": ("video/mp4", {"container": "mp4", "video": "libx264"}),
    "mp4, for the web": (
        "video/mp4",
        {"container": "mp4", "video": "libx264", "audio": "aac", "options": {"movflags": "faststart"}},
    ),
    "mp4, fragmented": ("video/mp4", {"container": "mp4", "video": "libx264", "options": FRAGMENTED}),
    "mp4, hevc": ("video/mp4", {"container": "mp4", "video": "mpeg4", "audio": "libopus"}),
    "mov": ("video/quicktime", {"container": "mov", "video": "libx264", "audio": "aac"}),
    "3gp": ("video/3gpp", {"container": "3gp", "video": "mpeg4", "audio": "libopencore_amrnb"}),
    "m4a": ("audio/mp4", {"container": "ipod", "audio": "aac"}),
    "webm": ("video/webm", {"container": "webm", "video": "libvpx", "audio": "libopus"}),
    "webm, of a browser": (
        "video/webm",
        {"container": "webm", "video": "libvpx", "audio": "libopus", "options": {"live": "1"}},
    ),
    "mkv": ("video/matroska", {"container": "matroska", "video": "libx264", "audio": "aac"}),
    "mka": ("audio/matroska", {"container": "matroska", "audio": "flac"}),
    "avi": ("video/x-msvideo", {"container": "avi", "video": "mpeg4", "audio": "libmp3lame"}),
    "flv": ("video/x-flv", {"container": "flv", "video": "libx264", "audio": "aac"}),
    "ts": ("video/mp2t", {"container": "mpegts", "video": "libx264", "audio": "aac"}),
    "mpg": ("video/mpeg", {"container": "mpeg", "video": "mpeg2video", "audio": "mp2"}),
    "mp3": ("audio/mpeg", {"container": "mp3", "audio": "libmp3lame"}),
    "mp3, no tags": (
        "audio/mpeg",
        {"container": "mp3", "audio": "libmp3lame", "options": {"write_xing": "0", "id3v2_version": "0"}},
    ),
    "wav": ("audio/wav", {"container": "wav", "audio": "pcm_s16le"}),
    "aiff": ("audio/aiff", {"container": "aiff", "audio": "pcm_s16be"}),
    "flac": ("audio/flac", {"container": "flac", "audio": "flac", "seconds": 3}),
    "ogg, voice note": ("audio/ogg", {"container": "ogg", "audio": "libopus"}),
    "ogg, flac": ("audio/ogg", {"container": "ogg", "audio": "flac"}),
    "aac": ("audio/aac", {"container": "adts", "audio": "aac"}),
    "amr": ("audio/amr", {"container": "amr", "audio": "libopencore_amrnb"}),
}


@cache
def good() -> Mapping[str, bytes]:
    """Files without an objection, by name."""
    return {**{name: made(**recipe) for name, (_, recipe) in _RECIPES.items()}, "midi": midi()}


def media_type(name: str) -> str:
    """The media type of one of `good`."""
    return _RECIPES[name][0] if name in _RECIPES else "audio/midi"
