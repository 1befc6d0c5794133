"""What each call does, as a list of steps. All but `Caller` is found on the application."""

from aiohttp import web

from airlock import events
from airlock.errors import Conflict, Refused
from airlock.lifecycle import RECORD_SECONDS, TERMINAL, State
from airlock.upload_id import InvalidUploadId, UploadId
from aws.dynamodb.records import Record
from service.app_keys import CREATOR, ISSUER, LIVE, OPENAPI, PORTS, READINESS, SETTINGS, TRACE
from service.identity.caller import Caller
from service.models import requests as payloads
from service.models import responses as answers
from service.models.requests import FilenameQuery, ListQuery, NewUpload, StatusQuery
from service.timeouts import answer_of
from service.uploads.content_disposition import attachment
from service.uploads.creator import Created

CONTENT_SECONDS = 60


async def create_upload(request: web.Request, caller: Caller) -> web.StreamResponse:
    """Signs a policy for one file. Nothing is waited for but the body; and, for an upload session, what it has left."""
    asked = payloads.parse(NewUpload, await request.read())
    return answers.created(await _created(request, caller, asked))


async def get_presigned_policy(request: web.Request, caller: Caller) -> web.StreamResponse:
    """Signs a policy for a file of that name under the default profile: the article's contract."""
    asked = payloads.parse_query(FilenameQuery, request.query)
    new = await _created(request, caller, NewUpload(filename=asked.filename))
    return answers.json_response({"url": new.policy.url, "fields": new.policy.fields}, headers=new.headers)


async def get_upload(request: web.Request, caller: Caller) -> web.StreamResponse:
    """Tells what became of an upload; with `wait`, once that is something else."""
    upload = _upload(request, caller)
    asked = payloads.parse_query(StatusQuery, request.query)
    record = await _record(request, upload, caller)
    now = request.app[PORTS].now
    state = answers.state_of(upload, record, now())
    if asked.wait and state is (asked.state or state) and state not in TERMINAL:
        record = _own(await request.app[LIVE].changed(upload, state, record, asked.wait), caller)
    return answers.status(upload, record, now())


async def list_uploads(request: web.Request, caller: Caller) -> web.StreamResponse:
    """The caller's uploads of which something arrived, newest first."""
    asked = payloads.parse_query(ListQuery, request.query)
    records = request.app[PORTS].records
    found = records.list(caller.owner, state=asked.state, cursor=asked.cursor, limit=asked.limit)
    return answers.page(await answer_of("dynamodb", found))


async def get_content(request: web.Request, caller: Caller) -> web.StreamResponse:
    """Leads to the accepted bytes, of exactly the inspected version, for a minute."""
    upload = _upload(request, caller)
    record = await _record(request, upload, caller)
    state = answers.state_of(upload, record, request.app[PORTS].now())
    if record is None or state is not State.ACCEPTED or record.location is None or record.verdict is None:
        raise Refused("not_accepted", f"the upload is {state}, not accepted")
    url = await request.app[PORTS].objects.presign_get(
        *record.location,
        content_disposition=attachment(record.filename),
        content_type=record.verdict.media_type or record.content_type,
        expires=CONTENT_SECONDS,
    )
    return web.Response(status=302, headers={"Location": url, "Cache-Control": "no-store"})


async def withdraw_upload(request: web.Request, caller: Caller) -> web.StreamResponse:
    """Takes an upload back. It is marked at once; the worker removes the bytes, since the service may not."""
    upload = _upload(request, caller)
    ports = request.app[PORTS]
    end = upload.expires_at + RECORD_SECONDS
    marked = ports.records.withdraw(upload.text, caller.owner, ports.now(), created_at=upload.issued_at, expires_at=end)
    try:
        await answer_of("dynamodb", marked)
    except Conflict:
        raise _no_upload() from None
    message = events.withdrawal(upload.text)
    await answer_of("sqs", ports.queue.send(request.app[SETTINGS].queue, message))
    return answers.json_response({"id": upload.text, "state": State.WITHDRAWN}, 202)


async def healthz(_: web.Request) -> web.StreamResponse:
    """Says that the process runs."""
    return answers.json_response({"status": "ok", "away": []})


async def readyz(request: web.Request) -> web.StreamResponse:
    """Says whether the service can do its work now."""
    away = await request.app[READINESS].away()
    document = {"status": "unavailable" if away else "ok", "away": away}
    return answers.json_response(document, 503 if away else 200)


async def openapi_document(request: web.Request) -> web.StreamResponse:
    """Describes this API: OpenAPI 3.1."""
    return web.Response(body=request.app[OPENAPI], content_type="application/json")


async def _created(request: web.Request, caller: Caller, asked: NewUpload) -> Created:
    creator = request.app[CREATOR]
    session = caller.session
    new = creator.create(caller, asked) if session is None else await creator.create_paid(caller, session, asked)
    request[TRACE].upload = new.upload.text
    return new


def _upload(request: web.Request, caller: Caller) -> UploadId:
    try:
        upload = request.app[ISSUER].verify(request.match_info["id"], caller.owner)
    except InvalidUploadId:
        raise _no_upload() from None
    request[TRACE].upload = upload.text
    return upload


async def _record(request: web.Request, upload: UploadId, caller: Caller) -> Record | None:
    return _own(await answer_of("dynamodb", request.app[PORTS].records.get(upload.text)), caller)


def _own(record: Record | None, caller: Caller) -> Record | None:
    if record is not None and record.owner != caller.owner:
        raise _no_upload()
    return record


def _no_upload() -> Refused:
    return Refused("upload_not_found", "there is no such upload of yours")
