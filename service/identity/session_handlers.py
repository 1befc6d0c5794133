"""Upload sessions: minting them for others."""

from aiohttp import web

from airlock.errors import Refused
from airlock.profile import Profile
from service.app_keys import PROFILES, SESSIONS, TRACE
from service.identity.caller import Caller
from service.models import requests as payloads
from service.models import responses as answers
from service.models.requests import NewSession


async def create_session(request: web.Request, caller: Caller) -> web.StreamResponse:
    """Mints a token for a page: it uploads for one owner under one profile, within limits, until it ends."""
    asked = payloads.parse(NewSession, await request.read())
    profile = request.app[PROFILES].get(asked.profile)
    owner = caller.owner if asked.owner is None else asked.owner
    _require(caller, profile, owner)
    most = profile.max_bytes * asked.max_uploads if asked.max_bytes is None else asked.max_bytes
    token, session = request.app[SESSIONS].mint(
        owner=owner,
        tenant=caller.tenant,
        profile=profile.name,
        max_uploads=asked.max_uploads,
        max_bytes=most,
        expires_in=asked.expires_in,
    )
    request[TRACE].session = session.id
    return answers.session_created(token, session)


def _require(caller: Caller, profile: Profile, owner: str) -> None:
    caller.require(profile)
    if not caller.may_mint_for(owner):
        raise Refused("owner_forbidden", "sessions of this owner are not yours to mint", field="owner")
    if not profile.allows(owner):
        raise Refused("profile_forbidden", f"profile {profile.name!r} is not that owner's to use", field="profile")
