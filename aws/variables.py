"""The variables of all programs. Pods and commands often get one environment, so each knows the names of all."""

import difflib
from collections.abc import Iterable, Iterator

PREFIX = "AIRLOCK_"
_NAMES = """
    ACCEPTED_BUCKET ADDRESSING ADVISORIES ALLOW_ANONYMOUS_REMOTE BODY_SECONDS CLAMD CLAMD_DESCRIPTORS
    CLAMD_MAX_AGE CONCURRENCY CONNECTIONS CORS_HEADERS CORS_ORIGINS DEAD_LETTER_QUEUE DELIVERY_QUEUE DEMO_PAGE
    DRAIN_SECONDS ENDPOINT_URL HEADER_SECONDS HEALTH_HOST HEALTH_PORT HOST INCOMING_BUCKET INCOMING_DAYS
    INCOMING_PREFIX KEEP_ALIVE_SECONDS MAX_ATTEMPTS MAX_RECEIVES MODE OIDC_ALGORITHMS OIDC_AUDIENCE OIDC_ISSUER
    OIDC_JWKS_URL OIDC_LEEWAY OIDC_OWNER_CLAIM OIDC_OWNER_PREFIX OIDC_SCOPE_CLAIM OIDC_SESSION_SCOPE
    OIDC_TENANT_CLAIM OPERATOR_ROLE OWNER_WAITING_REQUESTS PARSERS PARSER_MEMORY POLL_SECONDS PORT PROFILES
    PUBLIC_S3_URL QUARANTINE_BUCKET QUARANTINE_DAYS QUEUE REGION RESPONSE_SECONDS SANDBOX SECRETS SERVICE
    SERVICE_ROLE SPOOL_FOLDER SPOOL_SIZE TABLE TOKEN TOKENS UNDELIVERED_QUEUE UNREADY_SECONDS VISIBILITY
    WAITING_REQUESTS WEB WEBHOOK_CONCURRENCY WEBHOOK_NETWORKS WEBHOOK_SECRETS WORKERS_ROLE YARA_RULES
"""
KNOWN = frozenset(PREFIX + name for name in _NAMES.split())
"""Every variable that a program of Airlock reads."""


def unknown(names: Iterable[str]) -> list[str]:
    """A line for each of `names`, those of the environment, that begins with AIRLOCK_ and that no program reads.

    It has the nearest name that is known, and never a value. An update or its rollback can leave a variable that this
    version does not know, so it is told and not refused.
    """
    ours = sorted(name for name in names if name.upper().startswith(PREFIX) and name.upper() not in KNOWN)
    links = tuple(_service_links(ours))
    return [_line(name) for name in ours if not name.startswith(links)]


def _service_links(names: Iterable[str]) -> Iterator[str]:
    """How the variables begin that Kubernetes sets for each Service, also for one whose name begins with `airlock`.

    https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
    """
    for name in names:
        if name.endswith("_SERVICE_HOST"):
            service = name.removesuffix("_SERVICE_HOST")
            yield from (f"{service}_SERVICE_", f"{service}_PORT")


def _line(name: str) -> str:
    near = difflib.get_close_matches(name.upper(), KNOWN, n=1, cutoff=0.8)
    return f"{ascii(name)[1:-1]}: no program of Airlock reads it{f'; is {near[0]} meant?' if near else ''}"
