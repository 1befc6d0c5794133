"""The fuzzers' targets: each gives any bytes to one parser of hostile input.

The parser may return, or raise the error of ours that is made for it; any other exception fails the target. Some
targets also test the result: that nothing unsigned is accepted, and that an object's key is safe.
"""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from airlock import events, keys, upload_id, upload_session
from airlock.errors import BadNotification, Refused
from airlock.intent import Intent, NotOurMetadata
from airlock.profiles import ProfileError, Profiles
from airlock.upload_id import InvalidUploadId
from airlock.upload_session import InvalidSession
from service.identity.callers import Callers
from service.identity.tokens import StaticTokens, TokensError
from tests.fuzz import tokens

Target = Callable[[bytes], None]

SECRETS = (b"a" * 32, b"b" * 32)
NOW = 1_790_000_000
CALLERS = Callers(StaticTokens({}))
_SAFE_KEY = re.compile(r"[A-Za-z0-9!_.*'()@-]+(/[A-Za-z0-9!_.*'()@-]+)*\Z")


def notification(data: bytes) -> None:
    """The body of a message from the queue."""
    try:
        found = events.parse(_text(data))
    except BadNotification:
        return
    for event in found:
        if isinstance(event, events.ObjectCreated):
            assert event.key
            assert event.version_id
            assert 0 <= event.size < 2**63


def bearer(data: bytes) -> None:
    """An Authorization header, decoded as aiohttp decodes headers."""
    code = "none: the token was accepted"
    try:
        CALLERS.identify({"Authorization": _text(data)})
    except Refused as error:
        code = error.code
    assert code == "unauthenticated"


def tokens_file(data: bytes) -> None:
    """The operator's file of static tokens."""
    try:
        StaticTokens.load(data.decode(errors="replace"))
    except TokensError:
        return


def id_of_an_upload(data: bytes) -> None:
    """An upload id in an address."""
    try:
        upload_id.verify(_text(data), "owner", SECRETS)
    except InvalidUploadId:
        return
    raise AssertionError("an id that was never signed is accepted")


def session_token(data: bytes) -> None:
    """The token of an upload session, with and without its prefix."""
    text = _text(data)
    for each in (text, upload_session.TOKEN_PREFIX + text):
        try:
            upload_session.verify(each, NOW, SECRETS)
        except InvalidSession:
            continue
        raise AssertionError("a session that was never signed is accepted")


def key_of_an_object(data: bytes) -> None:
    """The prefix of the incoming bucket, and an object's key, one a line."""
    prefix, _, key = _text(data).partition("\n")
    found = keys.upload_id_of(prefix, key)
    assert found is None or keys.incoming(prefix, found) == key


def accepted_key(data: bytes) -> None:
    """A template of keys, and the values of an upload, one a line."""
    template, owner, media_type = (_text(data) + "\n\n").split("\n")[:3]
    if keys.template_problem(template):
        return
    key = keys.accepted(template, upload="0" * 60, profile="default", owner=owner, issued_at=NOW, media_type=media_type)
    assert _SAFE_KEY.match(key), key
    assert {"", ".", ".."}.isdisjoint(key.split("/")), key


def object_metadata(data: bytes) -> None:
    """The content type of an object, and then its metadata, `name: value` on each line."""
    content_type, *lines = _text(data).split("\n")
    metadata = {name: value for name, _, value in (line.partition(": ") for line in lines)}
    try:
        found = Intent.from_metadata(metadata, content_type)
    except NotOurMetadata:
        return
    assert found.size is None or isinstance(found.size, int)


def profiles_file(data: bytes) -> None:
    """The operator's profiles, in both syntaxes. What was read must be equal after it is written and read again."""
    text = data.decode(errors="replace")
    for syntax in ("toml", "json"):
        try:
            found = Profiles.load(text, syntax)
        except ProfileError:
            continue
        assert Profiles.load(found.to_json(), "json") == found


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


TARGETS: Mapping[str, Target] = MappingProxyType(
    {
        target.__name__: target
        for target in (
            notification,
            bearer,
            tokens_file,
            id_of_an_upload,
            session_token,
            key_of_an_object,
            accepted_key,
            object_metadata,
            profiles_file,
            tokens.token,
            tokens.signed_claims,
            tokens.published_keys,
        )
    }
)
