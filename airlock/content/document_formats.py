"""The formats of documents: PDF, office programs' own, and books. Pure."""

from airlock.content.format import ENCRYPTED_OPEN_XML, OLE, Format

_OOXML = "application/vnd.openxmlformats-officedocument."
_ODF = "application/vnd.oasis.opendocument."


def _document(media_type: str, extensions: str = "", *synonyms: str) -> Format:
    return Format(media_type, "document", "office", tuple(extensions.split()), synonyms)


PDF = Format("application/pdf", "pdf", "pdf", ("pdf",), ("application/x-pdf", "application/acrobat", "text/pdf"))
DOCUMENTS = (
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
    # Inside of other documents, where LibreOffice puts them.
    _document(_ODF + "chart", "odc"),
    _document(_ODF + "formula", "odf"),
    _document("application/rtf", "rtf", "text/rtf", "application/x-rtf", "text/richtext"),
    _document("application/epub+zip", "epub", "application/epub", "application/x-epub+zip"),
    # Any other OLE container; an encrypted Office Open XML document, which is a stream of such a container.
    _document(OLE),
    _document(ENCRYPTED_OPEN_XML),
)
