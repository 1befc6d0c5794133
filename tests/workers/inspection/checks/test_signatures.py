import pytest
from hypothesis import given
from hypothesis import strategies as st

from airlock.media_types import ZIP
from tests.workers.inspection.checks.samples import BMP, SIGNED, ole, open_document, zipped
from workers.inspection.checks.signatures import OLE, SampledBytes, identify


def _of(body: bytes) -> str | None:
    return identify(SampledBytes(body[:4096], body[4096:], len(body)))


@pytest.mark.parametrize("kind", SIGNED)
def test_a_good_file_is_known_by_its_signature(kind: str) -> None:
    assert _of(SIGNED[kind]) == kind


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"B",
        b"BM is how this text begins, and goes on for a while without being a bitmap",
        BMP[:14] + (41).to_bytes(4, "little") + BMP[18:],
        b"RIFF\0\0\0\0AVI " + bytes(64),
        b"BZh9 is no block",
        bytes(257) + b"ustar" + bytes(251),  # not a whole number of blocks
        b"PNG",
        b"hello, world",
    ],
)
def test_what_only_resembles_a_signature_is_left_to_the_model(body: bytes) -> None:
    assert _of(body) is None


def test_an_office_document_is_known_by_the_directory_at_its_end() -> None:
    large = zipped(
        {"filler.bin": bytes(range(256)) * 64, "[Content_Types].xml": b"<T/>", "xl/workbook.xml": b"<x/>"}, stored=True
    )
    assert (_of(large) or "").endswith("spreadsheetml.sheet")


def test_an_open_document_has_its_type_first_stored_and_of_the_declared_length() -> None:
    deflated = zipped({"mimetype": b"application/vnd.oasis.opendocument.text"})
    later = zipped({"a": b"", "mimetype": b"application/vnd.oasis.opendocument.text"}, stored=True)
    longer = open_document("application/vnd.oasis.opendocument.text; more")
    nothing = open_document("!")
    assert [_of(body) for body in (deflated, later, longer, nothing)] == [ZIP] * 4


def test_content_types_without_a_known_folder_is_a_plain_zip() -> None:
    assert _of(zipped({"[Content_Types].xml": b"<T/>", "other/x": b""})) == ZIP


def test_an_ole_container_without_a_directory_has_no_format_of_its_own() -> None:
    assert _of(ole()) == OLE


@given(
    st.binary(max_size=600), st.binary(max_size=100), st.sampled_from([b"", *(body[:60] for body in SIGNED.values())])
)
def test_any_bytes_give_a_type_or_none(head: bytes, tail: bytes, start: bytes) -> None:
    found = identify(SampledBytes(start + head, tail, len(start + head + tail)))
    assert found is None or "/" in found
