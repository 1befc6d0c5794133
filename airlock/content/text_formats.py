"""The formats that are text: plain ones, programs' sources and scripts, markup, messages. Pure."""

from airlock.content.format import PLAIN, Format


def _text(media_type: str, extensions: str, *synonyms: str) -> Format:
    return Format(media_type, "text", "text", tuple(extensions.split()), synonyms)


TEXTS = (
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
SCRIPT_FORMATS = (
    _text("text/javascript", "js mjs cjs", "application/javascript", "application/x-javascript", "text/ecmascript"),
    _text("text/x-python", "py pyw", "text/x-script.python", "application/x-python-code"),
    _text(
        "text/x-shellscript", "sh bash zsh ksh csh tcsh fish command", "application/x-sh", "application/x-shellscript"
    ),
    _text("text/x-perl", "pl pm", "application/x-perl"),
    _text("text/x-ruby", "rb rhtml", "application/x-ruby"),
    _text(
        "text/x-php",
        "php php3 php4 php5 php7 php8 phtml phar phps pht php2 php6 phpt hphp pgif",
        "application/x-php",
        "application/x-httpd-php",
    ),
    _text("text/x-asp", "asp aspx ashx asmx asax ascx cer asa cdx cshtml vbhtml svc"),
    _text("text/x-jsp", "jsp jspx jspf jsw jsv jtml jhtml"),
    _text("text/x-msdos-batch", "bat cmd", "application/x-bat", "application/bat", "application/x-msdos-program"),
    _text("application/x-powershell", "ps1 psm1 psd1 ps1xml ps2 psc1 psc2 pssc cdxml"),
    _text("text/vbscript", "vbs vbe vb vba", "text/vbs"),
)
MARKUP = (
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
MESSAGES = (
    Format("message/rfc822", "message", "mail", ("eml",), ("application/eml", "message/eml")),
    Format("application/vnd.ms-outlook", "message", "mail", ("msg",), ("application/x-msg", "application/msg")),
)
