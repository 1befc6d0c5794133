"""The one table of the API's calls. The router and the API's document are both made from it."""

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from service import health, pages
from service.identity import session_handlers
from service.identity.callers import Callers
from service.middlewares import Handler, OwnedHandler, RequestIds, owned, public
from service.models import requests, responses
from service.uploads import documents, handlers

_FIELDS = (
    "invalid_fields",
    "invalid_filename",
    "invalid_content_type",
    "content_type_not_allowed",
    "invalid_metadata",
    "policy_too_large",
    "profile_forbidden",
)
_BODY = ("bad_request", "invalid_json", "body_too_large", "request_timeout", "too_many_waiting")
_LIMITS = ("RateLimit-Policy", "RateLimit")
_DECLARED = ("unknown_profile", "invalid_sha256", "size_too_small", "size_too_large")


@dataclass(frozen=True, slots=True)
class Operation:
    """One call: its address, its request and response models, and the problem codes that only it can give."""

    method: str
    path: str
    handler: Handler | OwnedHandler
    status: int
    response: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    problems: tuple[str, ...] = ()
    public: bool = False
    sessions: bool = False
    """Whether a caller with an upload session may call it."""
    headers: tuple[str, ...] = ()
    more_statuses: tuple[int, ...] = ()
    """Further statuses with the same response model."""

    @property
    def name(self) -> str:
        return self.handler.__name__

    def wrapped(self, ids: RequestIds, callers: Callers) -> Handler:
        """The handler for the router: with authentication, unless the call is public."""
        handler: Any = self.handler
        if self.public:
            return public(handler, self.path, ids)
        return owned(handler, self.path, ids, callers, sessions=self.sessions)

    @property
    def answers_head(self) -> bool:
        """Whether HEAD is answered as GET is, without a body: monitors ask so."""
        return self.public and self.method == "GET"

    @property
    def caller_problems(self) -> tuple[str, ...]:
        """The problem codes that depend on the caller's token."""
        if self.public:
            return ()
        return ("unauthenticated",) if self.sessions else ("unauthenticated", "session_forbidden")


_ID = documents.PATH + "/{id}"

OPERATIONS = (
    Operation(
        "POST",
        documents.PATH,
        handlers.create_upload,
        201,
        responses.CreatedUpload,
        body=requests.NewUpload,
        problems=(*_BODY, *_FIELDS, *_DECLARED, "session_spent", "too_many_requests", "dependency_unavailable"),
        headers=("Location", *_LIMITS),
        sessions=True,
    ),
    Operation(
        "GET",
        documents.PATH,
        handlers.list_uploads,
        200,
        responses.UploadPage,
        query=requests.ListQuery,
        problems=("invalid_fields", "invalid_cursor", "dependency_unavailable"),
    ),
    Operation(
        "GET",
        _ID,
        handlers.get_upload,
        200,
        responses.UploadStatus,
        query=requests.StatusQuery,
        problems=("invalid_fields", "upload_not_found", "dependency_unavailable", "too_many_waiting"),
        sessions=True,
    ),
    Operation(
        "DELETE",
        _ID,
        handlers.withdraw_upload,
        202,
        responses.WithdrawnUpload,
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
        responses.PresignedPolicy,
        query=requests.FilenameQuery,
        problems=(*_FIELDS, "unknown_profile", "session_spent", "too_many_requests", "dependency_unavailable"),
        headers=_LIMITS,
        sessions=True,
    ),
    Operation(
        "POST",
        "/v1/sessions",
        session_handlers.create_session,
        201,
        responses.CreatedSession,
        body=requests.NewSession,
        problems=(*_BODY, "invalid_fields", "unknown_profile", "profile_forbidden", "owner_forbidden"),
    ),
    Operation("GET", "/healthz", health.healthz, 200, responses.Health, public=True),
    Operation("GET", "/readyz", health.readyz, 200, responses.Health, public=True, more_statuses=(503,)),
    Operation("GET", "/openapi.json", pages.openapi_document, 200, public=True),
)
