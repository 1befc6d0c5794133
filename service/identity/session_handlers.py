"""The handler that creates upload sessions."""

from aiohttp import web

from airlock.errors import Refused
from airlock.profile import Profile
from service.app_keys import PROFILES, SESSIONS
from service.connections.waiting import WAITING_ROOM
from service.identity.caller import Caller
from service.logs import LOG_CONTEXT
from service.models import requests, responses
from service.models.requests import NewSession


async def create_session(request: web.Request, caller: Caller) -> web.StreamResponse:
    """Creates an upload session: a token that lets a page upload for one owner, under one profile, within limits."""
    asked = requests.parse(NewSession, await request.app[WAITING_ROOM].body_of(request, caller.owner))
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
    request[LOG_CONTEXT].session = session.id
    return responses.session_created(token, session)


def _require(caller: Caller, profile: Profile, owner: str) -> None:
    caller.require(profile)
    if not caller.may_create_sessions_for(owner):
        raise Refused("owner_forbidden", "You may not create upload sessions for this owner", field="owner")
    if not profile.allows(owner):
        raise Refused("profile_forbidden", f"This owner may not use the profile {profile.name!r}", field="profile")
