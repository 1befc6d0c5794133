"""Profiles: the shipped file teaches what is true, and a wrong file is told all that is wrong, with its place."""

from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airlock.content import media_types
from airlock.errors import Refused
from airlock.limits import DEFAULTS, LIMITS
from airlock.profile import Outcomes, Profile
from airlock.profiles import ProfileError, Profiles

SHIPPED = (Path(__file__).parents[2] / "airlock.toml").read_text("utf-8")
MiB = 1024 * 1024


def load(text: str, syntax: Literal["toml", "json"] = "toml") -> Profiles:
    return Profiles.load(text, syntax)


def one(settings: str) -> Profile:
    """A profile with these lines over the few that are needed."""
    needed = {"content_types": 'content_types = ["image/*"]', "max_bytes": 'max_bytes = "1 MiB"'}
    rest = [line for name, line in needed.items() if not any(own.startswith(name) for own in settings.splitlines())]
    return load("\n".join(["[profiles.default]", *rest, settings])).get("default")


def problem(text: str, syntax: Literal["toml", "json"] = "toml") -> str:
    with pytest.raises(ProfileError) as caught:
        load(text, syntax)
    return str(caught.value)


def problem_of(settings: str) -> str:
    with pytest.raises(ProfileError) as caught:
        one(settings)
    return str(caught.value)


def test_the_shipped_file_has_the_profiles_that_the_readme_promises() -> None:
    profiles = load(SHIPPED)
    limits = {name: profile.max_bytes for name, profile in profiles.profiles.items()}
    small = {"default": 100 * MiB, "avatar": 10 * MiB, "documents": 50 * MiB}
    assert limits == {**small, "archives": 1024 * MiB, "media": 5120 * MiB}
    assert profiles.get(None) is profiles.get("default")
    assert all(profile.name == name and profile.description for name, profile in profiles.profiles.items())


def test_no_shipped_profile_leaves_a_check_out() -> None:
    for profile in load(SHIPPED).profiles.values():
        assert profile.checks[:5] == ("size", "checksum", "media_type", "yara", "clamd")
        assert profile.min_bytes == 1
        assert profile.outcomes.infected == "quarantine"


@pytest.mark.parametrize(
    "filename",
    [
        "a.png",
        "a.jpg",
        "a.gif",
        "a.webp",
        "a.pdf",
        "a.docx",
        "a.xlsx",
        "a.pptx",
        "a.odt",
        "a.ods",
        "a.odp",
        "a.doc",
        "a.txt",
        "a.csv",
        "a.json",
        "a.zip",
    ],
)
def test_the_default_profile_takes_everyday_files(filename: str) -> None:
    assert load(SHIPPED).get(None).takes(media_types.guess(filename))


@pytest.mark.parametrize("filename", ["a.html", "a.svg", "a.js", "a.exe", "a"])
def test_the_default_profile_takes_nothing_that_a_browser_runs(filename: str) -> None:
    assert not load(SHIPPED).get(None).takes(media_types.guess(filename))


@pytest.mark.parametrize(
    ("profile", "taken", "refused"),
    [("avatar", "a.png", "a.pdf"), ("documents", "a.pdf", "a.png"), ("archives", "a.zip", "a.txt")],
)
def test_a_shipped_profile_takes_its_own_kind_only(profile: str, taken: str, refused: str) -> None:
    chosen = load(SHIPPED).get(profile)
    assert chosen.takes(media_types.guess(taken))
    assert not chosen.takes(media_types.guess(refused))


def test_the_shipped_values_are_read() -> None:
    default, avatar = load(SHIPPED).get("default"), load(SHIPPED).get("avatar")
    assert (default.lifetime, avatar.lifetime) == (900, 300)
    assert default.retention == 90 * 24 * 3600
    assert default.targets == (("sqs", "airlock-verdicts"),)
    assert default.metadata == ("reference", "note")
    assert avatar.outcomes == Outcomes(rejected="delete", infected="quarantine", unscannable="delete")
    assert avatar.accepted_key == "avatars/{id}{extension}"


@pytest.mark.parametrize(
    ("profile", "examiners"),
    [
        ("default", ("image", "pdf", "office", "text", "markup", "archive", "media")),
        ("avatar", ("image", "media")),
        ("documents", ("pdf", "office", "mail", "image", "text", "markup", "media")),
        ("archives", ("image", "pdf", "office", "text", "markup", "mail", "media", "archive")),
        ("media", ("media", "image", "text")),
    ],
)
def test_a_shipped_profile_has_what_it_takes_examined(profile: str, examiners: tuple[str, ...]) -> None:
    assert load(SHIPPED).get(profile).checks == ("size", "checksum", "media_type", "yara", "clamd", *examiners)


def test_a_type_that_no_check_of_the_profile_examines_is_refused_with_the_reason() -> None:
    for settings, said in (
        (
            'content_types = ["image/png"]\nchecks = ["size", "checksum", "media_type", "pdf"]',
            "checks does not have image",
        ),
        (
            'content_types = ["text/*"]\nchecks = ["size", "checksum"]',
            "does not have markup or text, which examines it",
        ),
        ('content_types = ["application/x-dosexec"]', "which no check examines; add it to unexamined to take it so"),
        ('content_types = ["application/x-unheard"]', "application/x-unheard, which no check examines"),
        ('content_types = ["*/*"]\nchecks = ["size", "checksum", "yara"]', "content_types has */*"),
    ):
        assert said in problem_of(settings)
    assert one('content_types = ["font/ttf"]\nunexamined = ["font/*"]').leaves_unexamined("font/ttf")
    assert one('content_types = ["*/*"]\nunexamined = ["*/*"]\nchecks = ["size", "checksum"]').takes("a/b")


def test_members_are_the_content_types_where_no_member_types_are_named() -> None:
    assert one('content_types = ["image/png"]').takes_member("image/png")
    profile = one('content_types = ["image/png"]\nmember_types = ["text/*", "text/html", "*/*"]')
    assert not one('content_types = ["image/png"]').takes_member("image/gif")
    assert profile.takes_member("text/plain")
    assert profile.takes_member("text/html")


@pytest.mark.parametrize(
    "media_type",
    ["text/javascript", "text/x-php", "application/x-dosexec", "application/x-ms-shortcut", "application/octet-stream",
     "application/x-iso9660-image", "text/x-msdos-batch", "application/java-archive", "image/svg+xml",
     "application/x-msi"],
)  # fmt: skip
def test_what_runs_is_never_let_in_by_a_wildcard_alone(media_type: str) -> None:
    assert not one('content_types = ["*/*"]').takes_member(media_type)
    assert one(f'content_types = ["*/*"]\nmember_types = ["{media_type}"]').takes_member(media_type)


def test_a_profile_says_what_findings_amount_to() -> None:
    profile = one('findings = { javascript = "note", trailing_data = "unscannable" }')
    assert profile.amount("javascript") == "note"
    assert profile.amount("trailing_data") == "unscannable"
    assert profile.amount("macros") == "reject"
    assert profile.amount("not_a_code") == "unscannable"
    assert "there is no finding code 'java'" in problem_of('findings = { java = "note" }')
    assert "not_examined always amounts to the same" in problem_of('findings = { not_examined = "note" }')
    assert "'reject', 'unscannable' or 'note'" in problem_of('findings = { macros = "accept" }')


def test_the_limits_that_the_default_profile_shows_are_those_that_hold_anyway() -> None:
    shown = load(SHIPPED).get("default").limits
    assert {name: shown[name] for name in DEFAULTS} == DEFAULTS


def test_the_json_twin_is_equal() -> None:
    profiles = load(SHIPPED)
    assert load(profiles.to_json(), "json") == profiles


@pytest.mark.parametrize(
    ("written", "bytes_"),
    [
        ('"1 B"', 1),
        ('"5 MiB"', 5 * MiB),
        ('"5MB"', 5_000_000),
        ('"2 KB"', 2000),
        ('"2 KiB"', 2048),
        ('"1.5 KiB"', 1536),
        ('" 1 GB "', 10**9),
        ('"5 GiB"', 5 * 1024 * MiB),
        ("7", 7),
    ],
)
def test_a_size_is_a_number_with_a_unit_or_of_bytes(written: str, bytes_: int) -> None:
    assert one(f"max_bytes = {written}").max_bytes == bytes_


@pytest.mark.parametrize(
    ("written", "seconds"),
    [('"1s"', 1), ('"15m"', 900), ('"2 h"', 7200), ('"7d"', 604_800), ("60", 60)],
)
def test_a_duration_is_a_number_with_a_unit_or_of_seconds(written: str, seconds: int) -> None:
    assert one(f"lifetime = {written}").lifetime == seconds


@pytest.mark.parametrize(
    ("settings", "place", "said"),
    [
        ('max_bytes = "5 XB"', "max_bytes", "B, KB, KiB, MB, MiB, GB, GiB, TB, TiB: '5 MiB'"),
        ('max_bytes = "5 MiB or so"', "max_bytes", "must be a number and one of B"),
        ('max_bytes = "-5 B"', "max_bytes", "must be a number"),
        ('max_bytes = "5"', "max_bytes", "must be a number and one of B"),
        ('max_bytes = ""', "max_bytes", "must be a number"),
        ('max_bytes = "٣ B"', "max_bytes", "must be a number"),
        ("max_bytes = 0", "max_bytes", "greater than or equal to 1"),
        ('max_bytes = "6 GiB"', "max_bytes", "less than or equal to 5368709120"),
        (f'max_bytes = "{"9" * 5000} GiB"', "max_bytes", "less than or equal to 5368709120"),
        ("max_bytes = true", "max_bytes", "valid integer"),
        ("max_bytes = 1.5", "max_bytes", "valid integer"),
        ("min_bytes = -1", "min_bytes", "greater than or equal to 0"),
        ('min_bytes = "2 MiB"', "max_bytes", "max_bytes (1048576) is below min_bytes (2097152)"),
        ('lifetime = "15"', "lifetime", "one of s, m, h, d: '15m'"),
        ('lifetime = "1w"', "lifetime", "one of s, m, h, d"),
        ('lifetime = "-1m"', "lifetime", "one of s, m, h, d"),
        ("lifetime = 0", "lifetime", "greater than or equal to 1"),
        ('lifetime = "8d"', "lifetime", "less than or equal to 604800"),
        ('lifetime = "99999999999999d"', "lifetime", "less than or equal to 604800"),
        ("lifetime = true", "lifetime", "valid integer"),
        ('retention = "59m"', "retention", "greater than or equal to 3600"),
        ("content_types = []", "content_types", "at least 1 item"),
        ('content_types = ["image/png", "png", "*/png"]', "content_types", "['png', '*/png'] are not media types"),
        ('content_types = "image/png"', "content_types", "valid tuple"),
        ('checks = ["size", "yara"]', "checks", "['checksum'] cannot be left out"),
        ("checks = []", "checks", "['size', 'checksum'] cannot be left out"),
        ('checks = ["size", "checksum", "size"]', "checks", "a check stands in it twice"),
        ('checks = ["size", "checksum", "Not A Check"]', "checks", "['Not A Check'] does not"),
        ('metadata = ["Note"]', "metadata", "['Note'] does not"),
        ('metadata = ["a_b"]', "metadata", "['a_b'] does not"),
        ('notify = ["https://example.com"]', "notify", "'https://example.com' must be sqs:QUEUE"),
        ('notify = ["sqs:"]', "notify", "sqs:QUEUE"),
        ('notify = ["sqs:a.fifo"]', "notify", "'sqs:a.fifo' must be"),
        ('accepted_key = "{profile}"', "accepted_key", "must contain {id}"),
        ('accepted_key = "{id}/{filename}"', "accepted_key", "['filename']"),
        ('outcomes = { infected = "accept" }', "outcomes.infected", "'delete' or 'quarantine'"),
        ('outcomes = { accepted = "delete" }', "outcomes.accepted", "Extra inputs are not permitted"),
        ("max_byte = 1", "max_byte", "Extra inputs are not permitted"),
        ("owners = 1", "owners", "valid tuple"),
    ],
)
def test_a_mistake_is_told_with_its_place(settings: str, place: str, said: str) -> None:
    lines = problem_of(settings).splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(f"profiles.default.{place}: ")
    assert said in lines[0]


def test_all_mistakes_of_a_file_are_told_together() -> None:
    told = problem(
        """
        defualt_profile = "x"
        [profiles.default]
        content_types = ["png"]
        max_bytes = 1
        min_bytes = 2
        [profiles.other]
        lifetime = "8d"
        checks = ["size"]
        [profiles.other.outcomes]
        rejected = "keep"
        [profiles."Not Plain"]
        content_types = ["*/*"]
        unexamined = ["*/*"]
        max_bytes = 1
        """
    )
    assert sorted(line.partition(": ")[0] for line in told.splitlines()) == [
        "defualt_profile",
        "profiles.Not Plain.name",
        "profiles.default.content_types",
        "profiles.default.max_bytes",
        "profiles.other.checks",
        "profiles.other.content_types",
        "profiles.other.lifetime",
        "profiles.other.max_bytes",
        "profiles.other.outcomes.rejected",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "profiles: Field required"),
        ("[profiles]", "profiles: Dictionary should have at least 1 item"),
        ("profiles = 1", "profiles: Input should be a valid"),
        ("[profiles]\ndefault = 1", "profiles.default: Input should be a valid dictionary"),
        (
            'default_profile = "x"\n[profiles.a]\ncontent_types = ["*/*"]\nunexamined = ["*/*"]\nmax_bytes = 1',
            "'x' is none of ['a']",
        ),
        (
            '[profiles.a]\ncontent_types = ["*/*"]\nunexamined = ["*/*"]\nmax_bytes = 1',
            "default_profile 'default' is none of ['a']",
        ),
        ("[profiles", "the profiles are not TOML"),
        ("a = 1\na = 2", "the profiles are not TOML"),
    ],
)
def test_a_file_of_the_wrong_shape_is_told_so(text: str, said: str) -> None:
    assert said in problem(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "the profiles are not JSON"),
        ("[]", "valid dictionary"),
        ("{}", "Field required"),
        ("null", "valid dictionary"),
    ],
)
def test_a_json_file_of_the_wrong_shape_is_told_so(text: str, said: str) -> None:
    assert said in problem(text, "json")


@given(st.text(), st.sampled_from(["toml", "json"]))
def test_any_text_is_profiles_or_a_profile_error(text: str, syntax: Literal["toml", "json"]) -> None:
    with pytest.raises(ProfileError):
        load(text, syntax)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner, max_size=3)
)


@given(st.sampled_from(sorted(set(Profile.model_fields) - {"name"})), values)
def test_any_value_in_any_place_is_a_profile_or_a_profile_error(name: str, value: object) -> None:
    table = {"content_types": ["*/*"], "max_bytes": 5, name: value}
    try:
        profile = Profiles.model_validate({"profiles": {"default": table}}).get(None)
    except ValueError:
        return
    assert isinstance(profile.max_bytes, int)
    assert 0 <= profile.min_bytes <= profile.max_bytes
    assert 1 <= profile.lifetime <= 7 * 24 * 3600
    assert {"size", "checksum"} <= set(profile.checks)


def test_limits_are_counts_sizes_and_durations() -> None:
    profile = one('[profiles.default.limits]\nimage_pixels = 50_000_000\narchive_bytes = "1 GiB"\nparse_seconds = "1m"')
    assert profile.limits == {"image_pixels": 50_000_000, "archive_bytes": 1024**3, "parse_seconds": 60}
    profiles = Profiles(profiles={"default": profile})
    assert load(profiles.to_json(), "json") == profiles


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("image_pixel = 1", "there is no limit 'image_pixel'; there are parse_seconds"),
        ("image_pixels = 0", "image_pixels must be from 1 to 1000000000"),
        ("image_pixels = true", "image_pixels must be from 1"),
        ('image_pixels = "1 MiB"', "image_pixels must be from 1"),
        ('archive_bytes = "1"', "archive_bytes must be a number and one of B, KB"),
        ("archive_depth = 11", "archive_depth must be from 1 to 10"),
    ],
)
def test_a_wrong_limit_is_told(setting: str, said: str) -> None:
    told = problem_of(f"[profiles.default.limits]\n{setting}")
    assert "profiles.default.limits: " + said in told


def test_the_limits_that_the_worker_keeps_itself_can_be_set() -> None:
    assert set(DEFAULTS) <= set(LIMITS)
    assert all(1 <= own <= LIMITS[name].largest for name, own in DEFAULTS.items())


def test_what_is_above_an_engine_s_limit_is_unscannable_unless_the_profile_accepts_it() -> None:
    assert one("").above_engine_limit == "unscannable"
    assert one('above_engine_limit = "accept"').above_engine_limit == "accept"
    assert "above_engine_limit: Input should be 'unscannable' or 'accept'" in problem_of('above_engine_limit = "no"')


def test_an_unknown_profile_is_the_callers_fault_and_the_known_are_named() -> None:
    with pytest.raises(Refused, match="archives, avatar, default, documents") as caught:
        load(SHIPPED).get("Default")
    assert (caught.value.code, caught.value.field) == ("unknown_profile", "profile")


def test_another_default_can_be_named() -> None:
    assert load(SHIPPED.replace('default_profile = "default"', 'default_profile = "avatar"')).get(None).name == "avatar"


def test_without_a_check_no_profile_asks_for_it_and_all_else_stays() -> None:
    profiles = load(SHIPPED)
    fewer = profiles.without_check("clamd")
    assert all(profile.checks[:4] == ("size", "checksum", "media_type", "yara") for profile in fewer.profiles.values())
    assert fewer.get("avatar").checks[4:] == ("image", "media")
    assert fewer.get("avatar").model_copy(update={"checks": profiles.get("avatar").checks}) == profiles.get("avatar")
    assert "clamd" in profiles.get(None).checks
    assert profiles.without_check("no-such") == profiles


@pytest.mark.parametrize(
    ("owners", "owner", "allowed"),
    [
        ('["*"]', "anybody", True),
        ('["*"]', "", True),
        ('["ann"]', "ann", True),
        ('["ann"]', "Ann", False),
        ('["ann"]', "anna", False),
        ('["team-*"]', "team-a", True),
        ('["team-*"]', "my-team-a", False),
        ('["a?n", "[xy]*"]', "abn", True),
        ('["a?n", "[xy]*"]', "yes", True),
        ('["a?n", "[xy]*"]', "zes", False),
        ("[]", "anybody", False),
    ],
)
def test_owners_are_shell_style_patterns(owners: str, owner: str, allowed: bool) -> None:
    assert one(f"owners = {owners}").allows(owner) is allowed


def test_content_types_are_patterns_synonyms_and_case_aside() -> None:
    profile = one('content_types = ["IMAGE/*", "application/x-zip-compressed"]')
    assert all(profile.takes(kind) for kind in ("image/png", "Image/X-Any", "application/zip"))
    assert not profile.takes("application/pdf")


def test_profiles_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        setattr(one(""), "max_bytes", 5)  # noqa: B010 - the plain assignment is already mypy's to refuse
