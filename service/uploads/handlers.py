"""The handlers of uploads. Their docstrings become the descriptions in the API's document."""

from aiohttp import web

from airlock import events
from airlock.errors import Refused
from airlock.lifecycle import TERMINAL, State
from airlock.upload_id import InvalidUploadId, UploadId
from aws.dynamodb.records import Record
from service.app_keys import CREATOR, ISSUER, LONG_POLLER, PORTS, SETTINGS
from service.connections.waiting import WAITING_ROOM
from service.identity.caller import Caller
from service.logs import LOG_CONTEXT
from service.models import requests, responses
from service.models.requests import FilenameQuery, ListQuery, NewUpload, StatusQuery
from service.timeouts import with_timeout
from service.uploads import documents
from service.uploads.content_disposition import attachment
from service.uploads.creator import Created

# How long the URL of accepted bytes can be used.
CONTENT_SECONDS = 60


async def create_upload(request: web.Request, caller: Caller) -> web.StreamResponse:
    """Signs a policy for one file. Only for an upload session does it wait: for what the session has left."""
    asked = requests.parse(NewUpload, await request.app[WAITING_ROOM].body_of(request, caller.owner))
    return documents.created(await _create(request, caller, asked))


async def get_presigned_policy(request: web.Request, caller: Caller) -> web.StreamResponse:
    """Signs a policy for a file of that name under the default profile: the article's contract."""
    asked = requests.parse_query(FilenameQuery, request.query)
    new = await _create(request, caller, NewUpload(filename=asked.filename))
    return responses.json_response({"url": new.policy.url, "fields": new.policy.fields}, headers=new.headers)


async def get_upload(request: web.Request, caller: Caller) -> web.StreamResponse:
    """Returns the state and the verdict of an upload; with `wait`, once the state has changed."""
    upload = _verified_id(request, caller)
    asked = requests.parse_query(StatusQuery, request.query)
    record = await _record(request, upload, caller)
    now = request.app[PORTS].now
    state = documents.state_of(upload, record, now())
    if asked.wait and state is (asked.state or state) and state not in TERMINAL:
        poller, room = request.app[LONG_POLLER], request.app[WAITING_ROOM]
        with room.place(caller.owner):
            # Without a transport the client has hung up.
            changed = poller.wait_for_change(upload, state, record, asked.wait, gone=lambda: request.transport is None)
            record = _owned(await changed, caller)
    return documents.status(upload, record, now())


async def list_uploads(request: web.Request, caller: Caller) -> web.StreamResponse:
    """Lists the caller's uploads for which an object arrived, newest first."""
    asked = requests.parse_query(ListQuery, request.query)
    records = request.app[PORTS].records
    found = records.list(caller.owner, state=asked.state, cursor=asked.cursor, limit=asked.limit)
    return documents.page(await with_timeout("dynamodb", found))


async def get_content(request: web.Request, caller: Caller) -> web.StreamResponse:
    """Redirects to the accepted bytes, of exactly the inspected version, for a minute."""
    upload = _verified_id(request, caller)
    record = await _record(request, upload, caller)
    state = documents.state_of(upload, record, request.app[PORTS].now())
    if record is None or state is not State.ACCEPTED or record.location is None or record.verdict is None:
        raise Refused("not_accepted", f"The upload is {state}, not accepted")
    url = await request.app[PORTS].objects.presign_get(
        *record.location,
        content_disposition=attachment(record.filename),
        content_type=record.verdict.media_type or record.content_type,
        expires=CONTENT_SECONDS,
    )
    return web.Response(status=302, headers={"Location": url, "Cache-Control": "no-store"})


async def withdraw_upload(request: web.Request, caller: Caller) -> web.StreamResponse:
    """Withdraws an upload. Its state changes at once; the worker then deletes the bytes, which the service may not."""
    upload = _verified_id(request, caller)
    if caller.session is not None and not request.app[ISSUER].is_made_by(caller.session, upload):
        raise Refused("session_forbidden", "An upload session can withdraw only what it created")
    ports = request.app[PORTS]
    await _record(request, upload, caller)
    await with_timeout("dynamodb", ports.records.withdraw(upload.text, ports.now()))
    message = events.withdrawal(upload.text)
    await with_timeout("sqs", ports.queue.send(request.app[SETTINGS].queue, message))
    return responses.json_response({"id": upload.text, "state": State.WITHDRAWN}, 202)


async def _create(request: web.Request, caller: Caller, asked: NewUpload) -> Created:
    new = await request.app[CREATOR].create(caller, asked)
    request[LOG_CONTEXT].upload = new.upload.text
    return new


def _verified_id(request: web.Request, caller: Caller) -> UploadId:
    try:
        upload = request.app[ISSUER].verify(request.match_info["id"], caller.owner)
    except InvalidUploadId:
        raise _not_found() from None
    request[LOG_CONTEXT].upload = upload.text
    return upload


async def _record(request: web.Request, upload: UploadId, caller: Caller) -> Record | None:
    return _owned(await with_timeout("dynamodb", request.app[PORTS].records.get(upload.text)), caller)


def _owned(record: Record | None, caller: Caller) -> Record | None:
    # An upload that was withdrawn before its object arrived has no owner in its record; its id is the caller's.
    if record is not None and record.owner not in ("", caller.owner):
        raise _not_found()
    return record


def _not_found() -> Refused:
    # The same for an upload of another owner: a caller must not learn that it exists.
    return Refused("upload_not_found", "Upload not found")
