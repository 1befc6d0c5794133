import pytest

from airlock.media_types import EXTENSIONS, ZIP
from workers.inspection.checks.agreement import ACTIVE, PLAIN, agreed_type
from workers.inspection.checks.signatures import ENCRYPTED, OLE

DOCX, XLS = EXTENSIONS["docx"], EXTENSIONS["xls"]


@pytest.mark.parametrize(
    ("declared", "detected", "text", "kept"),
    [
        ("image/png", "image/png", False, "image/png"),
        ("image/JPG", "image/jpeg", False, "image/jpeg"),
        ("image/png", "image/jpeg", False, None),
        ("image/png", "text/html", True, None),
        ("text/csv", "text/plain", True, "text/csv"),
        ("text/plain", "text/x-python", True, "text/plain"),
        ("application/json", "text/plain", True, "application/json"),
        ("text/plain", "image/png", False, None),
        ("text/plain", "application/octet-stream", False, None),
        ("text/html", "text/html", True, "text/html"),
        ("text/html", "text/plain", True, "text/html"),
        ("text/javascript", "text/coffeescript", True, "text/javascript"),
        ("text/html", "text/x-php", True, None),
        ("text/html", "application/octet-stream", False, None),
        ("image/svg+xml", "text/plain", True, None),
        ("text/xml", "image/svg+xml", True, "application/xml"),
        ("image/svg+xml", "application/xml", True, None),
        (DOCX, ENCRYPTED, False, DOCX),
        (XLS, ENCRYPTED, False, None),
        ("image/png", ENCRYPTED, False, None),
        (ZIP, DOCX, False, DOCX),
        (ZIP, "application/java-archive", False, None),
        (ZIP, XLS, False, None),
        (DOCX, ZIP, False, None),
        (XLS, OLE, False, XLS),
        (DOCX, OLE, False, None),
        (XLS, EXTENSIONS["doc"], False, None),
        ("application/octet-stream", "text/html", True, "application/octet-stream"),
    ],
)
def test_types_that_agree(declared: str, detected: str, text: bool, kept: str | None) -> None:
    assert agreed_type(declared, detected, text=text) == kept


@pytest.mark.parametrize("declared", sorted(PLAIN))
@pytest.mark.parametrize("detected", sorted(ACTIVE))
def test_nothing_active_is_kept_as_plain_text(declared: str, detected: str) -> None:
    assert agreed_type(declared, detected, text=True) is None
