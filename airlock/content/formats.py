"""Every format that Airlock knows: its media type, family, examiner, extensions and other names. Pure.

Within a family an object is kept under its true type although another one was declared (`media_type_corrected`). The
tables import nothing but each other: an examiner's process reads them too.

Sources: https://www.iana.org/assignments/media-types; what browsers and systems declare, from their sources (Chromium's
net/base/mime_util.cc, Firefox's nsExternalHelperAppService.cpp, shared-mime-info, the Windows registry).
"""

from collections.abc import Mapping
from types import MappingProxyType

from airlock.content.archive_formats import ARCHIVES
from airlock.content.document_formats import DOCUMENTS, PDF
from airlock.content.format import Examiner, Format
from airlock.content.text_formats import MARKUP, MESSAGES, SCRIPT_FORMATS, TEXTS
from airlock.content.unexamined_formats import UNEXAMINED


def _picture(name: str, extensions: str, *synonyms: str) -> Format:
    return Format(f"image/{name}", "picture", "image", tuple(extensions.split()), synonyms)


def _audio(name: str, extensions: str, *synonyms: str) -> Format:
    return Format(f"audio/{name}", "audio", "media", tuple(extensions.split()), synonyms)


def _video(name: str, extensions: str, *synonyms: str) -> Format:
    return Format(f"video/{name}", "video", "media", tuple(extensions.split()), synonyms)


_PICTURES = (
    _picture("png", "png", "image/x-png", "image/apng", "image/vnd.mozilla.apng"),
    _picture("jpeg", "jpg jpeg jfif jpe pjpeg", "image/jpg", "image/pjpeg", "image/x-citrix-jpeg"),
    _picture("gif", "gif", "image/x-gif"),
    _picture("webp", "webp", "image/x-webp"),
    _picture("tiff", "tiff tif", "image/tif", "image/x-tiff", "image/x-tif"),
    _picture("bmp", "bmp dib", "image/x-ms-bmp", "image/x-bmp", "image/x-windows-bmp"),
    _picture("heic", "heic", "image/heic-sequence"),
    _picture("heif", "heif hif", "image/heif-sequence"),
    _picture("avif", "avif", "image/avif-sequence"),
)
_AUDIO = (
    _audio("mpeg", "mp3 mp2", "audio/mp3", "audio/x-mp3", "audio/x-mpeg", "audio/mpeg3", "audio/x-mpeg-3"),
    _audio("mp4", "m4a m4b", "audio/x-m4a", "audio/m4a", "audio/x-m4b", "audio/m4b", "audio/x-mp4"),
    _audio("aac", "aac", "audio/x-aac", "audio/aacp", "audio/vnd.dlna.adts"),
    _audio("wav", "wav", "audio/x-wav", "audio/wave", "audio/vnd.wave"),
    _audio("flac", "flac", "audio/x-flac"),
    _audio("ogg", "ogg oga opus spx", "audio/opus", "audio/x-ogg", "audio/x-vorbis+ogg", "audio/vorbis"),
    _audio("webm", "weba"),
    _audio("matroska", "mka", "audio/x-matroska"),
    _audio("aiff", "aiff aif aifc", "audio/x-aiff"),
    _audio("amr", "amr", "audio/amr-nb", "audio/amr-wb"),
    _audio("midi", "mid midi", "audio/x-midi", "audio/mid"),
)
_VIDEO = (
    _video("mp4", "mp4 m4v", "video/x-m4v", "video/x-mp4", "application/mp4"),
    _video("quicktime", "mov qt"),
    _video("3gpp", "3gp 3gpp", "audio/3gpp"),
    _video("3gpp2", "3g2", "audio/3gpp2"),
    _video("webm", "webm"),
    _video("matroska", "mkv", "video/x-matroska", "application/x-matroska"),
    _video("ogg", "ogv", "application/ogg", "video/x-ogg"),
    _video("mpeg", "mpg mpeg m2v", "video/x-mpeg"),
    _video("mp2t", "mts m2ts"),
    _video("x-msvideo", "avi", "video/avi", "video/msvideo", "video/vnd.avi"),
    _video("x-flv", "flv"),
)
FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        each.media_type: each
        for each in (
            *_PICTURES,
            PDF,
            *DOCUMENTS,
            *TEXTS,
            *SCRIPT_FORMATS,
            *MARKUP,
            *MESSAGES,
            *ARCHIVES,
            *_AUDIO,
            *_VIDEO,
            *UNEXAMINED,
        )
    }
)
"""All formats by their canonical media type."""

SCRIPTS: frozenset[str] = frozenset(each.media_type for each in SCRIPT_FORMATS)
"""The types of texts that run. A name or a declaration says so; the bytes of a text do not."""

PROGRAM_EXTENSIONS: frozenset[str] = frozenset(
    name
    for each in FORMATS.values()
    if each.family == "program" or each.media_type in SCRIPTS
    for name in each.extensions
)
"""The extensions of programs and of texts that run."""

EXAMINERS: tuple[Examiner, ...] = ("image", "pdf", "markup", "office", "archive", "text", "mail", "media")


def format_of(media_type: str) -> Format:
    """The format of a canonical media type; one of no family, without an examiner, for a type that is not known."""
    return FORMATS.get(media_type, Format(media_type))
