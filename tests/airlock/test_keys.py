"""Object keys: ours in every character, whatever owners and file names are."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airlock import keys, upload_id
from airlock.content import media_types
from airlock.profile import Profile

ID = "0123456789abcdef" * 3 + "0123456789ab"
DEFAULT = "{profile}/{year}/{month}/{day}/{id}{extension}"
ALL = "a/{owner}/{profile}/{year}-{month}-{day}/{id}{extension}"
ISSUED = 1_760_000_000  # 2025-10-09

ids = st.text("0123456789abcdef", min_size=60, max_size=60)
prefixes = st.from_regex(r"[a-z0-9]{1,8}(/[a-z0-9]{1,8}){0,2}", fullmatch=True)


def accepted(template: str = DEFAULT, *, owner: str = "ann", media_type: str = "image/png") -> str:
    return keys.accepted(template, upload=ID, profile="default", owner=owner, issued_at=ISSUED, media_type=media_type)


@given(prefixes, ids)
def test_an_incoming_key_gives_its_upload_id_back(prefix: str, upload: str) -> None:
    assert keys.upload_id_of(prefix, keys.incoming(prefix, upload)) == upload


@given(prefixes, st.text())
@example("incoming", f"incoming/{ID}\n")
@example("incoming", f"incoming/{ID.upper()}")
@example("incoming", f"incoming/x/{ID}")
@example("incoming", f"/incoming/{ID}")
@example("incoming", f"incoming/{ID}/")
@example("incoming", ID)
@example("incoming", f"incoming/{ID[:-1]}w")
@example("incoming", "incoming/")
def test_a_key_of_another_form_gives_none(prefix: str, key: str) -> None:
    assert keys.upload_id_of(prefix, key) is None


@given(st.text(), st.text())
def test_what_an_incoming_key_gives_makes_the_same_key_again(prefix: str, key: str) -> None:
    upload = keys.upload_id_of(prefix, key)
    assert upload is None or keys.incoming(prefix, upload) == key


def test_every_version_has_a_quarantine_key_of_its_own() -> None:
    assert keys.quarantine(ID, "v1") == f"{ID}/v1"
    assert keys.quarantine(ID, "v1") != keys.quarantine(ID, "v2")


def test_an_accepted_key_follows_its_template() -> None:
    assert accepted() == f"default/2025/10/09/{ID}.png"
    assert accepted(ALL) == f"a/ann/default/2025-10-09/{ID}.png"
    assert accepted("x_{id}") == f"x_{ID}"


@pytest.mark.parametrize(
    ("media_type", "extension"),
    [
        ("image/jpeg", ".jpg"),
        ("text/plain", ".txt"),
        ("text/html", ".html"),
        ("image/tiff", ".tiff"),
        ("application/gzip", ".gz"),
        ("application/yaml", ".yaml"),
        ("application/octet-stream", ""),
        ("no/such-type", ""),
    ],
)
def test_an_accepted_key_ends_in_the_usual_extension_of_its_type(media_type: str, extension: str) -> None:
    assert accepted(media_type=media_type) == f"default/2025/10/09/{ID}{extension}"


def test_every_extension_reads_back_as_the_type_that_it_was_made_from() -> None:
    for media_type in set(media_types.EXTENSIONS.values()):
        assert media_types.guess(accepted(media_type=media_type)) == media_type


@pytest.mark.parametrize(
    ("owner", "shown"),
    [
        ("ann", "ann"),
        ("ann@example.com", "ann@example.com"),
        ("../../etc", "----etc"),
        ("..", "-"),
        (".", "-"),
        ("", "-"),
        ("a..b", "a-b"),
        ("Ärzte & Söhne", "-rzte---S-hne"),
        ("{id}", "-id-"),
        ("x" * 500, "x" * 128),
    ],
)
def test_an_owner_is_shown_in_characters_that_are_safe_in_keys(owner: str, shown: str) -> None:
    assert accepted("{owner}/{id}", owner=owner) == f"{shown}/{ID}"


@given(
    owner=st.one_of(st.text(), st.text("./\\.{}-~a")), template=st.sampled_from([ALL, "{owner}/{id}", "{id}.{owner}"])
)
@example(owner="." * 129, template="{owner}/{id}")
@example(owner="x" * 127 + "..", template="{owner}/{id}")
def test_no_owner_makes_a_key_that_leaves_its_place(owner: str, template: str) -> None:
    key = accepted(template, owner=owner)
    assert re.fullmatch(r"[A-Za-z0-9!_.*'()@/-]+", key)
    assert ".." not in key
    assert not {"", "."} & set(key.split("/"))
    assert len(key) <= 1024
    assert key.count("/") == template.count("/")


@given(
    owner=st.text(max_size=50),
    pieces=st.lists(
        st.sampled_from([*(f"{{{name}}}" for name in keys.PLACEHOLDERS), "a", ".", "/", "-", "..", "{", "}", "ü", " "]),
        max_size=8,
    ),
    known=st.booleans(),
)
def test_a_template_that_passes_makes_sound_keys_for_everybody(owner: str, pieces: list[str], known: bool) -> None:
    template = "".join([*pieces, "{id}"]) if known else "".join(["{id}", *pieces])
    if keys.template_problem(template) is None:
        for media_type in ("image/png", "application/octet-stream"):
            key = accepted(template, owner=owner, media_type=media_type)
            assert re.fullmatch(r"[A-Za-z0-9!_.*'()@/-]+", key)
            assert ".." not in key
            assert not {"", "."} & set(key.split("/"))
            assert ID in key


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{profile}/x", "must contain {id}"),
        ("", "must contain {id}"),
        ("{id}/{filename}", "['filename']"),
        ("{id}/{}", "['']"),
        ("/{id}", "'/' at either end"),
        ("{id}/", "'/' at either end"),
        ("a//{id}", "'//'"),
        ("./{id}", "'./'"),
        ("a/./{id}", "'./'"),
        ("../{id}", "'..'"),
        ("a..{id}", "'..'"),
        ("{id}{", "letters, digits"),
        ("}{id}", "letters, digits"),
        ("ü/{id}", "letters, digits"),
        ("{id} ", "letters, digits"),
        ("{id}\n", "letters, digits"),
        ("{extension}/{id}", "very end"),
        ("{id}{extension}{extension}", "very end"),
        ("{id}/{extension}", "very end"),
        ("{id}.{extension}", "very end"),
        ("x" * 253 + "{id}", "256 characters long, not 257"),
    ],
)
def test_a_template_that_could_make_a_bad_key_is_told_why(template: str, said: str) -> None:
    problem = keys.template_problem(template)
    assert problem is not None
    assert said in problem


@pytest.mark.parametrize(
    "template", [DEFAULT, ALL, "{id}", "x" * 252 + "{id}", "a!_.*'()-/{id}", "{owner}.{id}{extension}"]
)
def test_a_template_that_makes_good_keys_has_no_problem(template: str) -> None:
    assert keys.template_problem(template) is None
    assert Profile(name="p", content_types=("*/*",), max_bytes=1, accepted_key=template).accepted_key == template


@given(before=st.text("0123456789abcdef/-"), after=st.text("0123456789abcdef/-."), lifetime=st.integers(1, 604_800))
def test_an_upload_id_is_found_wherever_it_is_in_a_key(before: str, after: str, lifetime: int) -> None:
    upload = upload_id.mint(bytes(range(8)), ISSUED, lifetime, "ann", [b"x" * 32]).text
    assert upload in keys.upload_ids_in(f"{before}{upload}{after}")


def test_names_that_are_no_ids_are_not_taken_for_many() -> None:
    assert keys.upload_ids_in("thumbnails/readme.txt") == []
    assert keys.upload_ids_in("ff" * 512) == []
