import struct
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.workers.inspection.parsers.media_samples import box, good, made, media_type, midi, subtitles
from tests.workers.inspection.parsers.recorder import codes, examined
from workers.inspection.parsers import media
from workers.inspection.parsers.port import EnvironmentFault
from workers.inspection.readings import Reading

GOOD = good()
NOTES = {"irregular", "maker_trailer"}
# Formats in which nothing says how much should follow.
WITHOUT_SIZES = {"mpg", "mp3, no tags"}


def objections(content: bytes, kind: str) -> list[str]:
    return [code for code in codes(media, content, kind) if code not in NOTES]


@pytest.mark.parametrize("name", GOOD)
def test_a_good_recording_has_no_finding(name: str) -> None:
    assert examined(media, GOOD[name], media_type(name)).findings == []


def test_subtitles_are_no_objection() -> None:
    assert examined(media, subtitles(), "video/matroska").findings == []


@pytest.mark.parametrize("name", sorted(set(GOOD) - WITHOUT_SIZES))
@pytest.mark.parametrize("part", [0.3, 0.66])
def test_a_recording_that_was_cut_off_is_truncated(name: str, part: float) -> None:
    assert "truncated" in codes(media, GOOD[name][: int(len(GOOD[name]) * part)], media_type(name))


@pytest.mark.parametrize("name", GOOD)
def test_a_recording_behind_other_bytes_is_read_from_its_start(name: str) -> None:
    content = b"a picture" + GOOD[name]
    assert examined(media, content, Reading(media_type(name), start=9)).findings == []
    assert examined(media, content + b"behind", Reading(media_type(name), 9, len(content))).findings == []


@pytest.mark.parametrize("name", ["mp4", "mov", "m4a", "webm", "mkv", "ogg, voice note", "midi", "flv", "aac", "amr"])
def test_bytes_behind_a_recording_are_a_note(name: str) -> None:
    assert codes(media, GOOD[name] + b"$$$$ made by an editor $$$$", media_type(name)) == ["irregular"]


@pytest.mark.parametrize("name", ["mp4", "mov", "webm", "avi", "wav", "mp3"])
def test_zeros_behind_a_recording_are_none(name: str) -> None:
    assert codes(media, GOOD[name] + bytes(600), media_type(name)) == []


def test_boxes_of_cameras_beside_a_recording_are_none() -> None:
    boxes = box(b"udta", bytes(20)) + box(b"uuid", bytes(40)) + box(b"free", bytes(9)) + box(b"skip")
    assert codes(media, GOOD["mp4"] + boxes, "video/mp4") == []
    assert codes(media, GOOD["mp4"] + box(b"abcd", bytes(20)), "video/mp4") == ["irregular"]


def test_parts_of_a_keyboard_in_a_midi_file_are_passed_over() -> None:
    content = midi()
    assert codes(media, content[:14] + b"XFIH\0\0\0\4text" + content[14:], "audio/midi") == []


def track(handler: bytes, *content: bytes) -> bytes:
    """A film with one track of this kind."""
    kind = box(b"hdlr", bytes(4), b"mhlr", handler, bytes(12), b"\x0aA handler")
    film = box(b"moov", box(b"mvhd", bytes(100)), box(b"trak", box(b"mdia", kind, box(b"minf", *content))))
    return box(b"ftyp", b"qt  \0\0\0\0") + film + box(b"mdat", bytes(8))


def reference(*entries: bytes) -> bytes:
    return box(b"dinf", box(b"dref", struct.pack(">II", 0, len(entries)), *entries))


@pytest.mark.parametrize(
    "entry",
    [
        box(b"url ", bytes(4), b"http://192.0.2.1/film.mp4\0"),
        box(b"urn ", bytes(4), b"urn:x\0"),
        box(b"alis", bytes(4), b"//192.0.2.1/share/film.mov"),
        box(b"rsrc", bytes(4), b"film"),
        box(b"cios", bytes(4), b"film"),
    ],
)
def test_samples_in_another_file_are_found(entry: bytes) -> None:
    assert "external_reference" in codes(media, track(b"vide", reference(entry)), "video/quicktime")


@pytest.mark.parametrize("entry", [box(b"url ", b"\0\0\0\1"), box(b"alis", b"\0\0\0\1"), box(b"url ", bytes(4))])
def test_samples_in_the_file_itself_are_none(entry: bytes) -> None:
    assert "external_reference" not in codes(media, track(b"vide", reference(entry)), "video/quicktime")


def test_a_film_that_refers_to_another_is_found() -> None:
    address = box(b"rdrf", bytes(4), b"url ", struct.pack(">I", 24), b"http://192.0.2.1/f.mov\0")
    content = box(b"ftyp", b"qt  \0\0\0\0") + box(b"moov", box(b"rmra", box(b"rmda", address)))
    assert "external_reference" in codes(media, content, "video/quicktime")


def test_a_track_that_opens_addresses_is_found() -> None:
    content = track(b"text").replace(b"\x0aA handler", b"\x09HREFTrack")
    assert "external_reference" in codes(media, content, "video/quicktime")


@pytest.mark.parametrize("handler", [b"flsh", b"sprt", b"qtvr", b"\0\1\2\3"])
def test_a_track_of_an_unknown_kind_is_found(handler: bytes) -> None:
    assert "attached_stream" in codes(media, track(handler), "video/quicktime")


@pytest.mark.parametrize("handler", [b"alis", b"url ", b"cios"])
def test_what_finds_the_samples_of_a_track_is_no_track(handler: bytes) -> None:
    for kind, is_found in ((b"dhlr", False), (b"mhlr", True)):
        content = track(handler).replace(b"mhlr" + handler, kind + handler)
        assert ("attached_stream" in codes(media, content, "video/quicktime")) is is_found


@pytest.mark.parametrize("handler", [b"tmcd", b"meta", b"camm", b"fdsc", b"hint", b"sbtl"])
def test_tracks_of_cameras_are_none(handler: bytes) -> None:
    assert "attached_stream" not in codes(media, track(handler), "video/quicktime")


@pytest.mark.parametrize("entry", [b"encv", b"drmi"])
def test_an_encrypted_film_is_told(entry: bytes) -> None:
    content = GOOD["mp4, screen recording"].replace(b"avc1\0\0\0\0\0\0\0\1", entry + b"\0\0\0\0\0\0\0\1")
    assert "encrypted" in codes(media, content, "video/mp4")


def element(identifier: str, *content: bytes) -> bytes:
    """One element of a Matroska file."""
    body = b"".join(content)
    return bytes.fromhex(identifier) + struct.pack(">Q", 1 << 56 | len(body)) + body


def test_an_encrypted_matroska_is_told() -> None:
    encoding = element("6d80", element("6240", element("5035", element("47e1", b"\5"))))
    tracks = element("1654ae6b", element("ae", element("d7", b"\1"), encoding))
    content = element("1a45dfa3", element("4282", b"webm")) + element("18538067", tracks)
    assert "encrypted" in codes(media, content, "video/webm")


def test_an_attachment_is_a_member() -> None:
    content = made("matroska", video="libx264", attachment=b"attached")
    found = examined(media, content, "video/matroska")
    assert found.members == [("notes.txt", b"attached")]
    assert found.findings == []


def test_a_cover_is_a_member() -> None:
    picture = b"\xff\xd8\xff\xe0" + bytes(60) + b"\xff\xd9"
    frame = b"\0image/jpeg\0\3\0" + picture
    tag = b"APIC" + struct.pack(">I", len(frame)) + b"\0\0" + frame
    size = bytes([len(tag) >> 21 & 127, len(tag) >> 14 & 127, len(tag) >> 7 & 127, len(tag) & 127])
    found = examined(media, b"ID3\3\0\0" + size + tag + GOOD["mp3, no tags"], "audio/mpeg")
    assert found.members == [("cover.jpg", picture)]
    assert found.findings == []


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("video/mp4", box(b"ftyp", b"isom\0\0\0\0") + box(b"moov", b"nothing")),
        ("video/matroska", element("1a45dfa3", element("4282", b"matroska")) + element("18538067")),
        ("audio/wav", GOOD["wav"][:20] + bytes(16) + GOOD["wav"][36:]),
        ("audio/ogg", b"OggS" + bytes(23)),
        ("audio/midi", midi().replace(b"MTrk", b"\0\0\0\0")),
        ("audio/flac", b"fLaC" + bytes(100)),
    ],
)
def test_what_cannot_be_played_is_objected_to(kind: str, content: bytes) -> None:
    assert objections(content, kind)


def test_a_codec_that_nobody_knows_is_unsupported() -> None:
    content = GOOD["wav"].replace(b"fmt \x10\0\0\0\1\0", b"fmt \x10\0\0\0\x77\x66")
    assert content != GOOD["wav"]
    assert codes(media, content, "audio/wav") == ["unsupported"]


def test_sound_that_only_newer_phones_record_is_taken_beside_what_is_known() -> None:
    content = GOOD["mp4"].replace(b"mp4a\0\0\0\0\0\0\0\1", b"apac\0\0\0\0\0\0\0\1").replace(b"esds", b"dapa")
    assert content != GOOD["mp4"]
    assert codes(media, content, "video/mp4") == []
    assert codes(media, content.replace(b"apac\0\0", b"zzzz\0\0"), "video/mp4") == ["unsupported"]


def test_a_film_without_its_index_is_truncated() -> None:
    assert codes(media, box(b"ftyp", b"isom\0\0\0\0") + box(b"mdat", bytes(99)), "video/mp4") == ["truncated"]


def test_sound_of_unknown_length_is_a_note() -> None:
    at = GOOD["wav"].index(b"data") + 4
    content = GOOD["wav"][:at] + b"\xff\xff\xff\xff" + GOOD["wav"][at + 4 :]
    assert codes(media, content, "audio/wav") == ["irregular"]


def test_a_sound_whose_header_is_code_is_a_polyglot() -> None:
    content = b"RIFF/*\0\0" + GOOD["wav"][8:] + b"*/=1;alert(document.domain)/*"
    assert "polyglot" in codes(media, content, "audio/wav")


@pytest.mark.parametrize("limit", ["media_seconds", "media_pixels", "media_streams"])
def test_every_limit_holds(limit: str) -> None:
    assert codes(media, GOOD["mp4"], "video/mp4", {limit: 0}) == ["limits_exceeded"]


def test_ffmpeg_opens_nothing_else() -> None:
    entry = box(b"url ", bytes(4), b"/etc/hostname\0")
    with patch("builtins.open", side_effect=AssertionError), patch("os.open", side_effect=AssertionError):
        examined(media, track(b"vide", reference(entry)), "video/quicktime")


def test_a_request_for_another_file_is_found() -> None:
    def opened(file: object, mode: str, *, io_open: Callable[..., object], **options: object) -> None:
        io_open("other.mp4", 1, {})

    with patch("av.open", opened):
        assert codes(media, GOOD["mp4"], "video/mp4") == ["external_reference"]


def test_a_device_that_fails_is_not_the_files_fault() -> None:
    from av.error import OSError as FFmpegOSError

    with (
        patch("av.open", side_effect=FFmpegOSError(5, "Input/output error")),
        pytest.raises(EnvironmentFault),
    ):
        codes(media, GOOD["mp4"], "video/mp4")


@pytest.mark.slow
@pytest.mark.long
@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(GOOD)), st.data())
def test_no_mutation_raises(name: str, data: st.DataObject) -> None:
    mutated = bytearray(GOOD[name])
    for _ in range(data.draw(st.integers(1, 12))):
        at = data.draw(st.integers(0, min(len(mutated), 2000)))
        mutated[at : at + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=8))
    examined(media, bytes(mutated), media_type(name))


def test_the_modules_limits_can_be_read_without_ffmpeg() -> None:
    assert "import av" not in Path(media.__file__).read_text()
