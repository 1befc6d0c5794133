"""Every format that Airlock knows: its media type, family, examiner, extensions and other names. Pure.

Within a family an object is kept under its true type although another one was declared (`media_type_corrected`). The
tables import nothing: an examiner's process reads them too.

Sources: https://www.iana.org/assignments/media-types; what browsers and systems declare, from their sources (Chromium's
net/base/mime_util.cc, Firefox's nsExternalHelperAppService.cpp, shared-mime-info, the Windows registry).
"""

from collections.abc import Mapping
from types import MappingProxyType

from airlock.content.format import ENCRYPTED_OPEN_XML, OLE, PLAIN, ZIP, Examiner, Format
from airlock.content.unexamined_formats import UNEXAMINED

_OOXML = "application/vnd.openxmlformats-officedocument."
_ODF = "application/vnd.oasis.opendocument."


def _picture(name: str, extensions: str, *synonyms: str) -> Format:
    return Format(f"image/{name}", "picture", "image", tuple(extensions.split()), synonyms)


def _document(media_type: str, extensions: str = "", *synonyms: str) -> Format:
    return Format(media_type, "document", "office", tuple(extensions.split()), synonyms)


def _text(media_type: str, extensions: str, *synonyms: str) -> Format:
    return Format(media_type, "text", "text", tuple(extensions.split()), synonyms)


def _archive(media_type: str, extensions: str = "", *synonyms: str) -> Format:
    return Format(media_type, "archive", "archive", tuple(extensions.split()), synonyms)


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
_PDF = Format("application/pdf", "pdf", "pdf", ("pdf",), ("application/x-pdf", "application/acrobat", "text/pdf"))
_DOCUMENTS = (
    _document("application/msword", "doc dot", "application/vnd.ms-word", "application/doc", "application/x-msword"),
    _document(
        "application/vnd.ms-excel",
        "xls xlt",
        "application/msexcel",
        "application/x-msexcel",
        "application/x-excel",
        "application/excel",
        "application/x-ms-excel",
        "application/xls",
    ),
    _document(
        "application/vnd.ms-powerpoint",
        "ppt pps pot",
        "application/mspowerpoint",
        "application/powerpoint",
        "application/x-mspowerpoint",
    ),
    _document("application/vnd.visio", "vsd", "application/x-visio"),
    _document(_OOXML + "wordprocessingml.document", "docx"),
    _document(_OOXML + "wordprocessingml.template", "dotx"),
    _document(_OOXML + "spreadsheetml.sheet", "xlsx"),
    _document(_OOXML + "spreadsheetml.template", "xltx"),
    _document(_OOXML + "presentationml.presentation", "pptx"),
    _document(_OOXML + "presentationml.slideshow", "ppsx"),
    _document(_OOXML + "presentationml.template", "potx"),
    _document("application/vnd.ms-visio.drawing", "vsdx"),
    _document("application/vnd.ms-word.document.macroenabled.12", "docm"),
    _document("application/vnd.ms-word.template.macroenabled.12", "dotm"),
    _document("application/vnd.ms-excel.sheet.macroenabled.12", "xlsm"),
    _document("application/vnd.ms-excel.template.macroenabled.12", "xltm"),
    _document("application/vnd.ms-excel.sheet.binary.macroenabled.12", "xlsb"),
    _document("application/vnd.ms-excel.addin.macroenabled.12", "xlam"),
    _document("application/vnd.ms-powerpoint.presentation.macroenabled.12", "pptm"),
    _document("application/vnd.ms-powerpoint.slideshow.macroenabled.12", "ppsm"),
    _document("application/vnd.ms-powerpoint.template.macroenabled.12", "potm"),
    _document(_ODF + "text", "odt", "application/x-vnd.oasis.opendocument.text"),
    _document(_ODF + "text-template", "ott"),
    _document(_ODF + "spreadsheet", "ods", "application/x-vnd.oasis.opendocument.spreadsheet"),
    _document(_ODF + "spreadsheet-template", "ots"),
    _document(_ODF + "presentation", "odp", "application/x-vnd.oasis.opendocument.presentation"),
    _document(_ODF + "presentation-template", "otp"),
    _document(_ODF + "graphics", "odg"),
    _document(_ODF + "graphics-template", "otg"),
    _document("application/rtf", "rtf", "text/rtf", "application/x-rtf", "text/richtext"),
    _document("application/epub+zip", "epub", "application/epub", "application/x-epub+zip"),
    # Any other OLE container; an encrypted Office Open XML document, which is a stream of such a container.
    _document(OLE),
    _document(ENCRYPTED_OPEN_XML),
)
_TEXTS = (
    _text(PLAIN, "txt log text asc nfo", "application/txt", "text/x-log", "text/anytext"),
    _text(
        "text/csv",
        "csv",
        "text/x-csv",
        "application/csv",
        "application/x-csv",
        "text/comma-separated-values",
        "text/x-comma-separated-values",
    ),
    _text("text/tab-separated-values", "tsv tab", "text/x-tab-separated-values"),
    _text("text/markdown", "md markdown", "text/x-markdown", "text/x-web-markdown"),
    _text("application/json", "json webmanifest", "text/json", "application/x-json", "text/x-json"),
    _text(
        "application/jsonl",
        "jsonl ndjson",
        "application/x-ndjson",
        "application/x-jsonlines",
        "application/json-lines",
        "application/ndjson",
        "application/json-seq",
    ),
    _text("application/geo+json", "geojson", "application/vnd.geo+json"),
    _text("application/ld+json", "jsonld"),
    _text("application/x-ipynb+json", "ipynb"),
    _text("text/calendar", "ics ical", "application/ics", "text/x-vcalendar"),
    _text("text/vcard", "vcf vcard", "text/x-vcard", "text/directory"),
    _text("application/yaml", "yaml yml", "application/x-yaml", "text/yaml", "text/x-yaml"),
    _text("application/toml", "toml", "text/x-toml"),
    _text("text/css", "css"),
    _text("text/x-diff", "diff patch", "text/x-patch"),
    _text("text/x-ini", "ini cfg conf properties env editorconfig gitignore gitattributes"),
    _text("text/x-java-source", "java", "text/x-java"),
    _text("text/x-c", "c h cc cpp cxx hpp hh hxx m mm ino", "text/x-csrc", "text/x-c++src", "text/x-chdr"),
    _text("text/x-csharp", "cs"),
    _text("text/x-go", "go mod sum"),
    _text("text/x-rust", "rs"),
    _text("text/x-kotlin", "kt kts"),
    _text("text/x-swift", "swift"),
    _text("text/x-scala", "scala sbt"),
    _text("text/x-groovy", "groovy gradle"),
    _text("text/x-sql", "sql", "application/sql"),
    _text("text/x-tex", "tex bib sty cls bst", "application/x-tex"),
    _text("text/x-r", "r rmd"),
    _text("text/x-rst", "rst", "text/prs.fallenstein.rst"),
    _text("text/x-protobuf", "proto graphql gql thrift"),
    _text("text/x-typescript", "ts tsx jsx vue svelte", "application/typescript"),
    _text("text/x-scss", "scss sass less"),
    _text("text/x-lua", "lua"),
    _text("text/x-haskell", "hs"),
    _text("text/x-makefile", "mk cmake"),
    _text("application/x-subrip", "srt", "text/srt"),
    _text("text/vtt", "vtt"),
    _text("application/x-pem-file", "pem crt", "application/x-x509-ca-cert"),
)
# Texts that run: when they are opened in a browser, by a web server or by a system's shell. No wildcard takes them.
_SCRIPTS = (
    _text("text/javascript", "js mjs cjs", "application/javascript", "application/x-javascript", "text/ecmascript"),
    _text("text/x-python", "py pyw", "text/x-script.python", "application/x-python-code"),
    _text("text/x-shellscript", "sh bash zsh ksh csh fish command", "application/x-sh", "application/x-shellscript"),
    _text("text/x-perl", "pl pm", "application/x-perl"),
    _text("text/x-ruby", "rb", "application/x-ruby"),
    _text(
        "text/x-php", "php php3 php4 php5 php7 php8 phtml phar phps pht", "application/x-php", "application/x-httpd-php"
    ),
    _text("text/x-asp", "asp aspx ashx asmx asax ascx cer asa cdx"),
    _text("text/x-jsp", "jsp jspx jspf jsw jsv jtml"),
    _text("text/x-msdos-batch", "bat cmd", "application/x-bat", "application/bat", "application/x-msdos-program"),
    _text("application/x-powershell", "ps1 psm1 psd1 ps1xml ps2 psc1 psc2 pssc cdxml"),
    _text("text/vbscript", "vbs vbe vb vba", "text/vbs"),
)
_MARKUP = (
    Format("text/html", "markup", "markup", ("html", "htm", "shtml", "xht"), ("application/xhtml", "text/htm")),
    Format("application/xhtml+xml", "markup", "markup", ("xhtml",)),
    Format("image/svg+xml", "markup", "markup", ("svg",), ("image/svg", "image/svg-xml")),
    Format(
        "application/xml",
        "markup",
        "markup",
        ("xml", "xsd", "gpx", "kml", "plist", "resx", "csproj", "iml", "xlf", "tei"),
        ("text/xml", "application/x-xml", "application/gpx+xml", "application/vnd.google-earth.kml+xml"),
    ),
)
_MESSAGES = (
    Format("message/rfc822", "message", "mail", ("eml",), ("application/eml", "message/eml")),
    Format("application/vnd.ms-outlook", "message", "mail", ("msg",), ("application/x-msg", "application/msg")),
)
_ARCHIVES = (
    _archive(
        ZIP,
        "zip",
        "application/x-zip",
        "application/x-zip-compressed",
        "application/zip-compressed",
        "multipart/x-zip",
        "application/x-compressed-zip",
    ),
    _archive(
        "application/gzip",
        "gz tgz",
        "application/x-gzip",
        "application/x-tgz",
        "application/x-gtar",
        "application/x-compressed-tar",
        "application/x-gunzip",
        "application/tar+gzip",
        "application/x-tar-gz",
    ),
    _archive(
        "application/x-bzip2",
        "bz2 tbz2 tbz",
        "application/bzip2",
        "application/x-bzip",
        "application/x-bz2",
        "application/x-bzip-compressed-tar",
        "application/x-bzip2-compressed-tar",
    ),
    _archive("application/x-xz", "xz txz", "application/xz", "application/x-xz-compressed-tar"),
    _archive("application/zstd", "zst tzst", "application/x-zstd", "application/x-zstd-compressed-tar"),
    _archive("application/x-tar", "tar", "application/tar", "application/x-ustar"),
    _archive("application/x-7z-compressed", "7z", "application/x-7zip-compressed", "application/7z"),
    _archive("application/vnd.rar", "rar", "application/x-rar", "application/x-rar-compressed", "application/rar"),
    _archive("application/vnd.ms-cab-compressed", "cab", "application/x-cab"),
    _archive("application/x-iso9660-image", "iso", "application/x-cd-image"),
    _archive("application/x-lha", "lha lzh", "application/x-lzh-compressed", "application/x-lzh"),
    _archive("application/x-cpio", "cpio"),
    _archive(
        "application/x-archive", "a deb ar", "application/vnd.debian.binary-package", "application/x-debian-package"
    ),
    _archive("application/x-xar", "xar pkg"),
    _archive("application/x-lzip", "lz"),
    _archive("application/x-lzma", "lzma"),
    _archive("application/x-compress", "z"),
    # What macOS puts beside the files of an archive: a file's attributes ("._a.txt"), and how a folder is shown.
    Format("application/applefile", "", "archive"),
    Format("application/x-ds-store", "", "archive"),
    # Zips by their directory, which programs run.
    _archive("application/java-archive", "jar war ear aar", "application/x-java-archive", "application/x-jar"),
    _archive("application/vnd.android.package-archive", "apk aab xapk"),
)
_AUDIO = (
    _audio("mpeg", "mp3 mp2", "audio/mp3", "audio/x-mp3", "audio/x-mpeg", "audio/mpeg3", "audio/x-mpeg-3"),
    _audio("mp4", "m4a m4b", "audio/x-m4a", "audio/m4a", "audio/x-mp4"),
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
            _PDF,
            *_DOCUMENTS,
            *_TEXTS,
            *_SCRIPTS,
            *_MARKUP,
            *_MESSAGES,
            *_ARCHIVES,
            *_AUDIO,
            *_VIDEO,
            *UNEXAMINED,
        )
    }
)
"""All formats by their canonical media type."""

SCRIPTS: frozenset[str] = frozenset(each.media_type for each in _SCRIPTS)
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
