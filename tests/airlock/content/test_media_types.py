"""Media types: patterns, synonyms, and what an extension stands for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airlock.content import media_types

types = st.sampled_from(sorted({*media_types.EXTENSIONS.values(), *media_types.SYNONYMS}))


@pytest.mark.parametrize(
    ("pattern", "media_type", "taken"),
    [
        ("image/png", "image/png", True),
        ("image/png", "image/jpeg", False),
        ("image/png", "IMAGE/PNG", True),
        ("IMAGE/PNG", "image/png", True),
        ("image/*", "image/png", True),
        ("IMAGE/*", "image/png", True),
        ("image/*", "Image/Webp", True),
        ("image/*", "imagery/png", False),
        ("image/*", "application/image", False),
        ("*/*", "application/x-anything", True),
        ("image/jpeg", "image/jpg", True),
        ("image/jpg", "image/jpeg", True),
        ("text/*", "application/csv", True),
        ("application/*", "text/xml", True),
        ("application/zip", "application/x-zip-compressed", True),
        ("application/pdf", "application/pdf; charset=binary", True),
    ],
)
def test_a_pattern_takes_its_types_synonyms_and_case_aside(pattern: str, media_type: str, taken: bool) -> None:
    assert media_types.matches(pattern, media_type) is taken


@given(types, types)
def test_a_type_takes_exactly_what_has_the_same_registered_name(pattern: str, media_type: str) -> None:
    same = media_types.canonical(pattern) == media_types.canonical(media_type)
    assert media_types.matches(pattern, media_type) is same


@given(types)
def test_a_registered_name_is_its_own(media_type: str) -> None:
    once = media_types.canonical(media_type.upper())
    assert media_types.canonical(once) == once
    assert media_types.is_media_type(once)


@pytest.mark.parametrize(
    ("filename", "media_type"),
    [
        ("photo.png", "image/png"),
        ("PHOTO.JPG", "image/jpeg"),
        ("a.tar.gz", "application/gzip"),
        (".png", "image/png"),
        ("README", "application/octet-stream"),
        ("x.unknown", "application/octet-stream"),
        ("x.", "application/octet-stream"),
        ("", "application/octet-stream"),
        ("photo.png/x", "application/octet-stream"),
        ("photo.png ", "image/png"),
        ("photo.png. .", "image/png"),
        ("photo.png::$DATA", "image/png"),
    ],
)
def test_an_extension_stands_for_a_type(filename: str, media_type: str) -> None:
    assert media_types.guess(filename) == media_type


@given(st.text())
def test_every_name_has_a_type(filename: str) -> None:
    assert media_types.is_media_type(media_types.guess(filename))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "image",
        "image/",
        "/png",
        "image/png/x",
        "image/png; q=1",
        "image /png",
        "image/png\n",
        "bild/grün",
        "image/$x",
        "image/*",
        "a" * 128 + "/b",
        "a/" + "b" * 128,
    ],
)
def test_what_is_not_type_and_subtype_is_no_media_type(text: str) -> None:
    assert not media_types.is_media_type(text)


@pytest.mark.parametrize("text", ["*/*", "image/*", "image/png", "application/vnd.ms-excel", "a/" + "b" * 127])
def test_a_pattern_is_a_type_or_has_a_wildcard_for_all_of_a_part(text: str) -> None:
    assert media_types.is_pattern(text)


@pytest.mark.parametrize("text", ["", "*", "*/png", "image/p*", "ima*/png", "image/**", "image/*\n", "image/$"])
def test_other_wildcards_are_no_patterns(text: str) -> None:
    assert not media_types.is_pattern(text)
