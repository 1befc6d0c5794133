"""Upload sessions: a token says what was minted until it ends, and every other text is refused alike."""

import base64
import hmac
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from airlock import upload_id, upload_session
from airlock.upload_session import MAX_BYTES, MAX_LIFETIME, MAX_UPLOADS, TOKEN_PREFIX, InvalidSession, Session

OLD, NEW, OTHER = b"o" * 32, b"n" * 32, b"x" * 32
RANDOM = bytes(range(16))
NOW = 1_760_000_000
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=128)
sessions = st.builds(
    Session,
    id=st.binary(min_size=16, max_size=16).map(bytes.hex),
    owner=texts,
    tenant=st.none() | texts,
    profile=st.from_regex(r"[a-z][a-z0-9_-]{0,31}", fullmatch=True),
    max_uploads=st.integers(1, MAX_UPLOADS),
    max_bytes=st.integers(1, MAX_BYTES),
    expires_at=st.integers(NOW + 1, NOW + MAX_LIFETIME),
)
SESSION = Session(bytes(range(16)).hex(), "ann", "acme", "avatar", 2, 1000, NOW + 900)


def minted(secrets: tuple[bytes, ...] = (NEW,), **changes: Any) -> str:
    return upload_session.mint(SESSION._replace(**changes), NOW, secrets)


def verifies(text: str, now: float = NOW, secrets: tuple[bytes, ...] = (NEW,)) -> bool:
    try:
        upload_session.verify(text, now, secrets)
    except InvalidSession:
        return False
    return True


def raw_of(token: str) -> bytes:
    return base64.urlsafe_b64decode(token.removeprefix(TOKEN_PREFIX) + "==")


def text_of(raw: bytes | bytearray) -> str:
    return TOKEN_PREFIX + base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@given(sessions, st.binary(min_size=32, max_size=64))
def test_what_was_minted_says_the_same_when_it_is_verified(session: Session, secret: bytes) -> None:
    assert upload_session.verify(upload_session.mint(session, NOW, [secret]), NOW, [secret]) == session


@given(sessions, st.data())
def test_any_byte_altered_is_refused(session: Session, data: st.DataObject) -> None:
    raw = bytearray(raw_of(upload_session.mint(session, NOW, [NEW])))
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= data.draw(st.integers(1, 255))
    assert not verifies(text_of(raw), 0)


def test_every_change_of_one_character_is_refused() -> None:
    """Among the changes are those of the bits that stand behind the last byte."""
    for owner in ("ann", "anna", "annal"):
        token = minted(owner=owner)
        for place, original in enumerate(token):
            for other in (*ALPHABET, "=", "+", "/", "\n", "\u0131"):
                changed = token[:place] + other + token[place + 1 :]
                assert verifies(changed) == (other == original)


@pytest.mark.parametrize("owner", ["ann", "anna", "annal"])
def test_a_session_has_one_text(owner: str) -> None:
    token = minted(owner=owner)
    for other in (token + "=", token + "==", token + "\n", " " + token, token + "A", token[:-1], token.upper(), ""):
        assert not verifies(other)
    assert verifies(token)


@given(sessions, texts)
def test_a_session_moves_to_no_other_owner(session: Session, other: str) -> None:
    """A token made of one session's text and another's signature is worth nothing."""
    assume(session.owner != other)
    ours = raw_of(upload_session.mint(session, NOW, [NEW]))
    theirs = raw_of(upload_session.mint(session._replace(owner=other), NOW, [NEW]))
    assert not verifies(text_of(theirs[:-32] + ours[-32:]))


@given(st.text(), st.text(ALPHABET, min_size=90, max_size=200))
def test_text_that_we_did_not_mint_is_refused(text: str, digits: str) -> None:
    for given_text in (text, digits, TOKEN_PREFIX + text, TOKEN_PREFIX + digits):
        with pytest.raises(InvalidSession) as caught:
            upload_session.verify(given_text, NOW, [NEW])
        assert str(caught.value) == ""


def test_neither_the_owner_nor_the_tenant_can_take_a_byte_of_its_neighbour() -> None:
    tokens = {minted(owner=o, tenant=t) for o, t in (("ab", "c"), ("a", "bc"), ("abc", ""), ("abc", None))}
    assert len(tokens) == 4
    assert {upload_session.verify(token, NOW, [NEW]).tenant for token in tokens} == {"c", "bc", "", None}


def test_a_session_ends_on_time() -> None:
    token = minted(expires_at=NOW + 60)
    assert verifies(token, NOW + 59.999)
    assert not verifies(token, NOW + 60)


def test_the_newest_secret_signs_and_every_listed_one_verifies() -> None:
    before, after = minted((OLD,)), minted((NEW, OLD))
    assert verifies(before, secrets=(NEW, OLD))
    assert verifies(after, secrets=(NEW,))
    assert not verifies(after, secrets=(OLD, OTHER))
    assert not verifies(after, secrets=())


def test_an_upload_ids_signature_is_no_sessions() -> None:
    """The same secrets sign both, under labels of their own."""
    plain = raw_of(minted())[:-32]
    for label in (b"", b"airlock upload id v1\0"):
        assert not verifies(text_of(plain + hmac.digest(NEW, label + plain, "sha256")))
    assert verifies(text_of(plain + hmac.digest(NEW, b"airlock upload session v1\0" + plain, "sha256")))


def test_a_token_is_bounded_in_length() -> None:
    """aiohttp reads headers of 8,190 bytes."""
    longest = minted(owner="\U0001f600" * 128, tenant="\U0001f600" * 128, profile="p" * 32)
    assert len(longest) < 2000
    assert verifies(longest)
    assert not verifies(TOKEN_PREFIX + "A" * 1_000_000)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"id": "07" * 15}, "id must be 16 bytes"),
        ({"id": "x7" * 16}, "id must be 16 bytes"),
        ({"expires_at": NOW}, "lifetime must be 1 to 86400, not 0"),
        ({"expires_at": NOW + MAX_LIFETIME + 1}, "lifetime"),
        ({"max_uploads": 0}, "max_uploads must be 1"),
        ({"max_uploads": MAX_UPLOADS + 1}, "max_uploads"),
        ({"max_bytes": 0}, "max_bytes must be 1"),
        ({"max_bytes": MAX_BYTES + 1}, "max_bytes"),
        ({"owner": "a" * 513}, "must be 0 to 512, not 513"),
        ({"tenant": "a" * 513}, "must be 0 to 512, not 513"),
        ({"owner": "\ud800"}, "surrogates"),
    ],
)
def test_what_is_out_of_range_is_not_minted(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        minted(**changes)


def test_a_time_that_does_not_fit_is_not_minted() -> None:
    with pytest.raises(ValueError, match="expires_at must be"):
        upload_session.mint(SESSION._replace(expires_at=2**32), 2**32 - 1, [NEW])


def test_every_secret_is_tried_whichever_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise the time that it takes would tell which one signed."""
    compared: list[bytes] = []

    def compare(given_mac: bytes, made: bytes) -> bool:
        compared.append(made)
        return given_mac == made

    monkeypatch.setattr("airlock.upload_session.hmac.compare_digest", compare)
    assert verifies(minted((NEW,)), secrets=(NEW, OLD, OTHER))
    assert len(compared) == 3


@given(sessions, sessions, st.binary(min_size=8, max_size=8))
def test_a_session_knows_the_uploads_that_it_made(session: Session, other: Session, random: bytes) -> None:
    assume(session.id != other.id)
    marked = upload_session.random_of_upload(session, random, OLD)
    upload = upload_id.mint(marked, NOW, 900, session.owner, [OLD])
    assert upload_session.made(session, upload, [NEW, OLD])
    assert not upload_session.made(other, upload, [NEW, OLD])
    assert not upload_session.made(session, upload, [NEW])
    assert marked[:4] == random[:4]


def test_an_upload_that_no_session_made_is_no_sessions_own() -> None:
    upload = upload_id.mint(bytes(8), NOW, 900, SESSION.owner, [NEW])
    assert not upload_session.made(SESSION, upload, [NEW])
