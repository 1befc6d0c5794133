"""Upload ids: what was minted verifies for its owner, and nothing else does."""

import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airlock import keys, upload_id
from airlock.upload_id import MAX_LIFETIME, InvalidUploadId, UploadId

OLD, NEW, OTHER = b"o" * 32, b"n" * 32, b"x" * 32
RANDOM = bytes(range(8))
NOW = 1_760_000_000

randoms = st.binary(min_size=8, max_size=8)
times = st.integers(0, 2**32 - 1)
lifetimes = st.integers(1, MAX_LIFETIME)
owners = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
secrets = st.binary(min_size=32, max_size=64)


def verifies(text: str, owner: str, secrets: list[bytes]) -> bool:
    try:
        upload_id.verify(text, owner, secrets)
    except InvalidUploadId:
        return False
    return True


@given(randoms, times, lifetimes, owners, secrets)
def test_what_was_minted_says_the_same_when_it_is_verified(
    random: bytes, now: int, lifetime: int, owner: str, secret: bytes
) -> None:
    minted = upload_id.mint(random, now, lifetime, owner, [secret])
    assert upload_id.verify(minted.text, owner, [secret]) == minted
    assert (minted.issued_at, minted.lifetime, minted.expires_at) == (now, lifetime, now + lifetime)
    assert re.fullmatch(r"[0-9a-f]{60}", minted.text)
    assert keys.upload_id_of("incoming", f"incoming/{minted.text}") == minted.text


@given(randoms, times, lifetimes, owners, owners)
def test_an_id_is_worth_nothing_to_another_owner(
    random: bytes, now: int, lifetime: int, owner: str, other: str
) -> None:
    minted = upload_id.mint(random, now, lifetime, owner, [NEW])
    assert verifies(minted.text, other, [NEW]) == (owner == other)


@pytest.mark.parametrize("replacement", string.printable + "é\u0131\x00")
def test_every_change_of_one_character_is_refused(replacement: str) -> None:
    text = upload_id.mint(RANDOM, NOW, 900, "ann", [NEW]).text
    for place, original in enumerate(text):
        changed = text[:place] + replacement + text[place + 1 :]
        assert verifies(changed, "ann", [NEW]) == (replacement == original)


def test_a_character_more_or_less_is_refused() -> None:
    text = upload_id.mint(RANDOM, NOW, 900, "ann", [NEW]).text
    for place in range(len(text) + 1):
        assert not verifies(text[:place] + "0" + text[place:], "ann", [NEW])
        assert not verifies(text[:place], "ann", [NEW]) or place == len(text)
    for wrapped in (text + "\n", " " + text, text + "=", text.upper(), text[:-1] + "="):
        assert not verifies(wrapped, "ann", [NEW])


@pytest.mark.slow
@given(st.one_of(st.text(), st.text("0123456789abcdefghijklmnopqrstuv", min_size=48, max_size=48)))
def test_text_that_we_did_not_mint_is_refused(text: str) -> None:
    with pytest.raises(InvalidUploadId) as caught:
        upload_id.verify(text, "ann", [NEW])
    assert str(caught.value) == ""


def test_the_newest_secret_signs_and_every_listed_one_verifies() -> None:
    before = upload_id.mint(RANDOM, NOW, 900, "ann", [OLD])
    after = upload_id.mint(RANDOM, NOW, 900, "ann", [NEW, OLD])
    assert verifies(before.text, "ann", [NEW, OLD])
    assert verifies(after.text, "ann", [NEW])
    assert not verifies(after.text, "ann", [OLD])


def test_a_secret_that_was_dropped_no_longer_verifies() -> None:
    minted = upload_id.mint(RANDOM, NOW, 900, "ann", [OLD])
    assert not verifies(minted.text, "ann", [NEW])
    assert not verifies(minted.text, "ann", [NEW, OTHER])
    assert not verifies(minted.text, "ann", [])


def test_an_expired_id_still_verifies() -> None:
    """Its expiry is for the caller to judge, who knows the time."""
    assert verifies(upload_id.mint(RANDOM, 0, 1, "ann", [NEW]).text, "ann", [NEW])


def test_the_random_bytes_come_first_so_that_keys_spread() -> None:
    first, second = (upload_id.mint(random, NOW, 900, "ann", [NEW]).text for random in (b"\0" * 8, b"\xff" * 8))
    assert first.startswith("0" * 16)
    assert second.startswith("f" * 16)


@pytest.mark.parametrize(
    ("random", "now", "lifetime", "said"),
    [
        (b"", NOW, 900, "random must be 8 bytes, not 0"),
        (b"7 bytes", NOW, 900, "not 7"),
        (b"9 bytes..", NOW, 900, "not 9"),
        (RANDOM, NOW, 0, "lifetime must be 1 to 604800"),
        (RANDOM, NOW, -1, "lifetime"),
        (RANDOM, NOW, MAX_LIFETIME + 1, "lifetime"),
        (RANDOM, -1, 900, "now must be"),
        (RANDOM, 2**32, 900, "now must be"),
    ],
)
def test_what_is_out_of_range_is_not_minted(random: bytes, now: int, lifetime: int, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        upload_id.mint(random, now, lifetime, "ann", [NEW])


def test_an_id_of_this_layout_stays_readable() -> None:
    """Ids are stored in records and in other people's databases: a change of layout or label must be a decision."""
    text = "000102030405060768e778000003846d0af2c5b6408476447884f9258f93"
    assert upload_id.verify(text, "ann", [NEW]) == UploadId(text, NOW, 900)


def test_what_an_id_says_can_be_read_without_the_secret() -> None:
    minted = upload_id.mint(RANDOM, NOW, 900, "ann", [NEW])
    assert upload_id.unverified(minted.text) == minted
    with pytest.raises(InvalidUploadId):
        upload_id.unverified(minted.text.upper())
