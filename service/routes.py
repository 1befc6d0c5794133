"""The one table of what is served. The router and the API's document are both made from it."""

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from service.app_keys import RequestIds
from service.identity import session_handlers as sessions
from service.identity.callers import Callers
from service.middlewares import Handler, OwnedHandler, owned, public
from service.models import requests as payloads
from service.models import responses as answers
from service.uploads import handlers

_FIELDS = (
    "invalid_fields",
    "invalid_filename",
    "invalid_content_type",
    "content_type_not_allowed",
    "invalid_metadata",
    "policy_too_large",
    "profile_forbidden",
)
_BODY = ("bad_request", "invalid_json", "body_too_large")
_LIMITS = ("RateLimit-Policy", "RateLimit")
_DECLARED = ("unknown_profile", "invalid_sha256", "size_too_small", "size_too_large")


@dataclass(frozen=True, slots=True)
class Operation:
    """One call: how it is reached, what it takes, what it answers, and the problem codes that are its own."""

    method: str
    path: str
    handler: Handler | OwnedHandler
    status: int
    answer: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    problems: tuple[str, ...] = ()
    public: bool = False
    sessions: bool = False
    """Whether an upload session may call it, as well as a token of one's own."""
    headers: tuple[str, ...] = ()
    also: tuple[int, ...] = ()
    """Further statuses that carry the same answer."""

    @property
    def name(self) -> str:
        return self.handler.__name__

    def served_by(self, ids: RequestIds, callers: Callers) -> Handler:
        """The handler as the router calls it: behind authentication, unless everybody may call it."""
        handler: Any = self.handler
        if self.public:
            return public(handler, self.path, ids)
        return owned(handler, self.path, ids, callers, sessions=self.sessions)

    @property
    def refusals(self) -> tuple[str, ...]:
        """The problem codes that depend on who calls."""
        if self.public:
            return ()
        return ("unauthenticated",) if self.sessions else ("unauthenticated", "session_forbidden")


_ID = answers.PATH + "/{id}"

OPERATIONS = (
    Operation(
        "POST",
        answers.PATH,
        handlers.create_upload,
        201,
        answers.CreatedUpload,
        body=payloads.NewUpload,
        problems=(*_BODY, *_FIELDS, *_DECLARED, "session_spent", "too_many_requests", "dependency_unavailable"),
        headers=("Location", *_LIMITS),
        sessions=True,
    ),
    Operation(
        "GET",
        answers.PATH,
        handlers.list_uploads,
        200,
        answers.UploadPage,
        query=payloads.ListQuery,
        problems=("invalid_fields", "invalid_cursor", "dependency_unavailable"),
    ),
    Operation(
        "GET",
        _ID,
        handlers.get_upload,
        200,
        answers.UploadStatus,
        query=payloads.StatusQuery,
        problems=("invalid_fields", "upload_not_found", "dependency_unavailable"),
        sessions=True,
    ),
    Operation(
        "DELETE",
        _ID,
        handlers.withdraw_upload,
        202,
        answers.WithdrawnUpload,
        problems=("upload_not_found", "dependency_unavailable"),
        sessions=True,
    ),
    Operation(
        "GET",
        _ID + "/content",
        handlers.get_content,
        302,
        problems=("upload_not_found", "not_accepted", "dependency_unavailable"),
        headers=("Location",),
    ),
    Operation(
        "GET",
        "/api/get-presigned-policy",
        handlers.get_presigned_policy,
        200,
        answers.PresignedPolicy,
        query=payloads.FilenameQuery,
        problems=(*_FIELDS, "unknown_profile", "session_spent", "too_many_requests", "dependency_unavailable"),
        headers=_LIMITS,
        sessions=True,
    ),
    Operation(
        "POST",
        "/v1/sessions",
        sessions.create_session,
        201,
        answers.CreatedSession,
        body=payloads.NewSession,
        problems=(*_BODY, "invalid_fields", "unknown_profile", "profile_forbidden", "owner_forbidden"),
    ),
    Operation("GET", "/healthz", handlers.healthz, 200, answers.Health, public=True),
    Operation("GET", "/readyz", handlers.readyz, 200, answers.Health, public=True, also=(503,)),
    Operation("GET", "/openapi.json", handlers.openapi_document, 200, public=True),
)
