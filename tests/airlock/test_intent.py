"""What a caller means to upload: checked against its profile, and carried by the object's own metadata."""

import base64
import hashlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airlock import intent
from airlock.errors import CATALOGUE, FieldError, Refused
from airlock.intent import PREFIX, Intent, NotOurMetadata
from airlock.profile import Profile
from tests.airlock.strategies import ANYTHING, intents

PICTURES = Profile(
    name="pictures", content_types=("image/*",), min_bytes=10, max_bytes=1000, metadata=("note", "reference")
)
SHA256 = hashlib.sha256(b"the bytes").hexdigest()


def check(
    profile: Profile = PICTURES,
    *,
    owner: str = "ann",
    filename: str = "photo.png",
    content_type: str | None = None,
    size: int | None = None,
    sha256: str | None = None,
    metadata: dict[str, str] | None = None,
) -> Intent:
    return intent.check(
        profile,
        owner=owner,
        filename=filename,
        content_type=content_type,
        size=size,
        sha256=sha256,
        metadata=metadata,
    )


def refusal(
    profile: Profile = PICTURES,
    *,
    filename: str = "photo.png",
    content_type: str | None = None,
    size: int | None = None,
    sha256: str | None = None,
    metadata: dict[str, str] | None = None,
) -> FieldError:
    """The one rule that is broken."""
    with pytest.raises(Refused) as caught:
        check(profile, filename=filename, content_type=content_type, size=size, sha256=sha256, metadata=metadata)
    refused = caught.value
    assert len(refused.errors) == 1
    only = refused.errors[0]
    assert (refused.code, refused.detail, refused.field) == (only.code, only.detail, only.field)
    assert only.code in CATALOGUE
    assert only.detail.isprintable()
    return only


def as_stored(described: Intent) -> tuple[dict[str, str], str]:
    """The metadata and type that S3 keeps of the form: names come back in lower case, without their prefix."""
    fields = described.to_fields()
    metadata = {name.removeprefix(PREFIX): value for name, value in fields.items() if name.startswith(PREFIX)}
    return metadata, fields["Content-Type"]


@given(intents())
def test_an_intent_is_read_back_from_the_metadata_that_it_wrote(described: Intent) -> None:
    assert Intent.from_metadata(*as_stored(described)) == described


@given(intents())
def test_metadata_is_plain_ascii_that_no_hop_trims_folds_or_escapes(described: Intent) -> None:
    for name, value in described.to_fields().items():
        assert (name + value).isascii()
        assert value.isprintable()
        assert not {" ", "$", "\\", '"'} & set(value)
        assert name == "Content-Type" or name == name.lower()


def test_the_declared_checksum_travels_as_s3_wants_it_and_as_the_worker_reads_it() -> None:
    fields = check(sha256=SHA256).to_fields()
    assert base64.b64decode(fields["x-amz-checksum-sha256"]).hex() == SHA256
    assert fields["x-amz-meta-sha256"] == SHA256


def test_what_was_not_declared_is_not_written() -> None:
    assert sorted(check().to_fields()) == [
        "Content-Type",
        "x-amz-meta-filename",
        "x-amz-meta-owner",
        "x-amz-meta-profile",
    ]


json_like_text = st.text() | st.sampled_from(["%", "%zz", "%ff", "%C3%28", "-1", "1e5", "٣", "9" * 5000, "ä"])


@given(
    st.dictionaries(
        st.sampled_from(["owner", "profile", "filename", "size", "sha256", "user-note"]) | st.text(), json_like_text
    ),
    st.text(),
)
@example({"owner": "ann", "profile": "p", "filename": "%ff"}, "image/png")
@example({"owner": "%ff", "profile": "p", "filename": "f"}, "image/png")
@example({"owner": "ann", "profile": "p", "filename": "f", "size": "many"}, "image/png")
@example({"owner": "ann", "profile": "p", "filename": "f", "user-note": "%ff"}, "image/png")
@example({"owner": "ann", "profile": "p"}, "image/png")
@example({}, "")
def test_any_metadata_is_an_intent_or_not_ours(metadata: dict[str, str], content_type: str) -> None:
    try:
        read = Intent.from_metadata(metadata, content_type)
    except NotOurMetadata as error:
        assert "not written by a policy of ours" in str(error)  # noqa: PT017 - the other branch is as good
    else:
        assert read.content_type == content_type
        assert {"owner", "profile", "filename"} <= set(metadata)


@pytest.mark.parametrize("missing", ["owner", "profile", "filename"])
def test_metadata_without_a_part_of_ours_is_not_ours(missing: str) -> None:
    metadata, content_type = as_stored(check())
    del metadata[missing]
    with pytest.raises(NotOurMetadata, match=missing):
        Intent.from_metadata(metadata, content_type)


@pytest.mark.parametrize(
    ("name", "value"), [("size", "x"), ("owner", "%ff"), ("filename", "%ff"), ("user-note", "%ff")]
)
def test_metadata_that_cannot_be_read_is_not_ours(name: str, value: str) -> None:
    metadata, content_type = as_stored(check())
    with pytest.raises(NotOurMetadata):
        Intent.from_metadata({**metadata, name: value}, content_type)


@pytest.mark.parametrize(
    "filename",
    [
        "../../etc/passwd",
        "/etc/shadow",
        "C:\\Windows\\win.ini",
        "x",
        " leading and trailing ",
        "..",
        "Grüße 🎉.pdf",
        "${filename}",
        "\u200eIMG_0001.png",
        "x" * 255,
        "ä" * 170,  # 1,020 bytes when encoded
        "🎉" * 85,  # 1,020 bytes when encoded
    ],
)
def test_a_file_name_is_kept_for_display_whatever_path_it_claims(filename: str) -> None:
    described = check(ANYTHING, filename=filename)
    assert described.filename == filename
    assert Intent.from_metadata(*as_stored(described)).filename == filename


@pytest.mark.parametrize(
    ("filename", "said"),
    [
        ("", "must not be empty"),
        ("   ", "must not be empty"),
        ("\u3000", "must not be empty"),
        ("x" * 256, "255 characters long, not 256"),
        ("ä" * 171, "1024 bytes long when percent-encoded, not 1026"),
        ("🎉" * 86, "1024 bytes long when percent-encoded, not 1032"),
        *(
            (f"a{character}b.png", "control characters")
            for character in "\x00\x01\t\n\r\x1b\x1f\x7f\x80\x9f\u2028\u2029"
        ),
        ("a\ud800b", "lone surrogates"),
    ],
)
def test_a_file_name_that_cannot_be_used_is_refused(filename: str, said: str) -> None:
    found = refusal(ANYTHING, filename=filename)
    assert (found.field, found.code) == ("filename", "invalid_filename")
    assert said in found.detail


@pytest.mark.parametrize(
    ("filename", "content_type", "stored"),
    [
        ("photo.png", None, "image/png"),
        ("photo.PNG", None, "image/png"),
        ("photo.txt", "image/webp", "image/webp"),
        ("photo", "IMAGE/JPG", "image/jpeg"),
        ("photo", "image/x-anything", "image/x-anything"),
    ],
)
def test_the_type_is_the_declared_one_or_the_extensions(filename: str, content_type: str | None, stored: str) -> None:
    assert check(filename=filename, content_type=content_type).content_type == stored


@pytest.mark.parametrize("content_type", ["png", "image/", "image/;q=1", "image/*", "image/$", "bild/grün", "a/b/c"])
def test_what_is_no_media_type_is_refused(content_type: str) -> None:
    found = refusal(content_type=content_type)
    assert (found.field, found.code) == ("content_type", "invalid_content_type")


@pytest.mark.parametrize(
    ("declared", "filename", "stored"),
    [
        ("image/png; q=1", "a.png", "image/png"),
        ("IMAGE/PNG;charset=binary", "a", "image/png"),
        ("", "a.png", "image/png"),
        ("application/octet-stream", "a.png", "image/png"),
        ("binary/octet-stream", "a.png", "image/png"),
        ("application/x-download", "a.png", "image/png"),
        ("", "a", "application/octet-stream"),
        (None, "a.unheard", "application/octet-stream"),
        ("application/x-gtar", "a.png", None),
    ],
)
def test_what_a_declaration_leaves_open_is_told_by_the_name_and_else_by_the_bytes(
    declared: str | None, filename: str, stored: str | None
) -> None:
    if stored is None:
        assert refusal(content_type=declared, filename=filename).code == "content_type_not_allowed"
    else:
        assert check(filename=filename, content_type=declared).content_type == stored


@pytest.mark.parametrize(
    ("declared", "filename", "taken", "stored"),
    [
        ("application/vnd.ms-excel", "a.csv", "text/csv", "text/csv"),
        ("application/msword", "a.rtf", "application/rtf", "application/rtf"),
        ("image/jpeg", "a.webp", "image/webp", "image/webp"),
        ("text/plain", "a.md", "text/markdown", "text/markdown"),
        ("application/vnd.ms-excel", "a.csv", "application/vnd.ms-excel", "application/vnd.ms-excel"),
    ],
)
def test_a_habit_of_systems_is_signed_as_what_the_name_says_where_the_profile_takes_that_alone(
    declared: str, filename: str, taken: str, stored: str
) -> None:
    profile = Profile(name="one", content_types=(taken,), max_bytes=1000)
    assert check(profile, filename=filename, content_type=declared).content_type == stored


def test_a_name_that_looks_like_another_is_refused() -> None:
    for control in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069":
        assert refusal(filename=f"a{control}gnp.exe", content_type="image/png").code == "invalid_filename"


def test_a_type_outside_the_profile_is_refused_with_what_it_takes() -> None:
    found = refusal(content_type="text/html")
    assert (found.field, found.code) == ("content_type", "content_type_not_allowed")
    assert "text/html is not taken by the profile 'pictures'; it takes image/*" in found.detail


def test_a_type_that_only_the_extension_says_is_refused_as_such() -> None:
    assert "which the file name's extension stands for" in refusal(filename="page.html").detail


@pytest.mark.parametrize("size", [None, 10, 11, 999, 1000])
def test_a_size_within_the_limits_is_kept(size: int | None) -> None:
    assert check(size=size).size == size


@pytest.mark.parametrize(
    ("size", "code"),
    [
        (9, "size_too_small"),
        (0, "size_too_small"),
        (-1, "size_too_small"),
        (1001, "size_too_large"),
        (10**30, "size_too_large"),
    ],
)
def test_a_size_outside_the_limits_is_refused_with_both_of_them(size: int, code: str) -> None:
    found = refusal(size=size)
    assert (found.field, found.code) == ("size", code)
    assert f"size is {size}; the profile 'pictures' takes 10 to 1000 bytes" in found.detail


@pytest.mark.parametrize(
    "form",
    [SHA256, SHA256.upper(), base64.b64encode(bytes.fromhex(SHA256)).decode()],
    ids=["hex", "HEX", "base64"],
)
def test_a_checksum_is_taken_as_hexadecimal_or_base64(form: str) -> None:
    assert check(sha256=form).sha256 == SHA256


@pytest.mark.parametrize(
    "form",
    [
        "",
        SHA256[:-1],
        SHA256 + "0",
        SHA256 + "\n",
        "g" + SHA256[1:],
        base64.b64encode(b"x" * 31).decode(),
        base64.b64encode(b"x" * 33).decode(),
        base64.b64encode(b"x" * 32).decode().rstrip("="),
        base64.urlsafe_b64encode(b"\xff" * 32).decode(),
        "ü" * 64,
        "\ud800",
    ],
)
def test_what_is_no_sha256_is_refused_with_its_length(form: str) -> None:
    found = refusal(sha256=form)
    assert (found.field, found.code) == ("sha256", "invalid_sha256")
    assert f"{len(form)} characters came" in found.detail


@given(st.text())
def test_any_text_is_a_checksum_of_32_bytes_or_refused(form: str) -> None:
    try:
        digest = check(sha256=form).sha256
    except Refused as refused:
        assert refused.code == "invalid_sha256"  # noqa: PT017 - the other branch is as good
    else:
        assert digest is not None
        assert len(bytes.fromhex(digest)) == 32


@pytest.mark.parametrize("value", ["", "x" * 512, "ü" * 85, "a b", "%", "\u202e"])
def test_metadata_within_the_limits_is_kept(value: str) -> None:
    described = check(metadata={"note": value, "reference": "7"})
    assert Intent.from_metadata(*as_stored(described)).metadata == {"note": value, "reference": "7"}


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("colour", "red", "is not a name that the profile 'pictures' allows; it allows note, reference"),
        ("Note", "x", "is not a name"),
        ("", "x", "is not a name"),
        ("note", "x" * 513, "512 bytes long when percent-encoded, not 513"),
        ("note", "ü" * 86, "512 bytes long when percent-encoded, not 516"),
        ("note", "a\nb", "without control characters"),
        ("note", "\x00", "without control characters"),
        ("note", "\udfff", "without control characters"),
    ],
)
def test_metadata_that_breaks_a_rule_is_refused_at_its_name(name: str, value: str, said: str) -> None:
    found = refusal(metadata={name: value})
    assert (found.field, found.code) == (f"metadata.{name}", "invalid_metadata")
    assert said in found.detail


def test_a_metadata_name_is_shown_without_what_could_break_a_log_line() -> None:
    found = refusal(metadata={"a\nb\ud800" + "x" * 100: "v"})
    assert found.field == "metadata.a?b?" + "x" * 60


def test_a_profile_that_allows_no_metadata_says_so() -> None:
    bare = Profile(name="bare", content_types=("*/*",), max_bytes=1)
    assert "it allows none" in refusal(bare, metadata={"note": "x"}).detail


def test_every_broken_rule_is_told_at_once() -> None:
    with pytest.raises(Refused) as caught:
        check(filename="", content_type="text/html", size=1, sha256="x", metadata={"a": "", "note": "\x00"})
    fields = [error.field for error in caught.value.errors]
    assert fields == ["filename", "content_type", "size", "metadata.a", "metadata.note", "sha256"]
    assert caught.value.code == "invalid_filename"


@given(
    filename=st.text(max_size=300),
    content_type=st.none() | st.text(max_size=40),
    size=st.none() | st.integers(),
    sha256=st.none() | st.text(max_size=70),
    metadata=st.dictionaries(st.sampled_from(["note", "other"]) | st.text(max_size=5), st.text(), max_size=3),
)
def test_any_description_is_an_intent_or_refused_and_an_intent_can_travel(
    filename: str, content_type: str | None, size: int | None, sha256: str | None, metadata: dict[str, str]
) -> None:
    try:
        described = check(
            ANYTHING, filename=filename, content_type=content_type, size=size, sha256=sha256, metadata=metadata
        )
    except Refused as refused:
        assert refused.errors  # noqa: PT017 - the other branch is as good
        assert {error.code for error in refused.errors} <= set(CATALOGUE)  # noqa: PT017 - as above
    else:
        assert Intent.from_metadata(*as_stored(described)) == described
