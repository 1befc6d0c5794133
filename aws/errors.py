"""Vendor errors become ours at this line: botocore's, aiohttp's and timeouts go no further than `aws/`."""

import contextlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    ParamValidationError,
)

from airlock.errors import AirlockError, Conflict, Unavailable, VersionGone

OF_ONE_VERSION = frozenset({"GetObject", "HeadObject", "CopyObject", "UploadPartCopy", "DeleteObject"})

# A 404 or 405 (the version is a delete marker) or 412 (another ETag), by code because HEAD has no other.
# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
GONE = frozenset({"NoSuchKey", "NoSuchVersion", "MethodNotAllowed", "PreconditionFailed", "404", "405", "412"})

# Codes whose sentence helps whoever deployed this. The sentences of others can hold what was signed and with what:
# DynamoDB's InvalidSignatureException quotes the canonical request, session token and all.
TELLING = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "AccessDenied.KMS",
        "InvalidArgument",
        "InvalidRequest",
        "NoSuchBucket",
        "AWS.SimpleQueueService.NonExistentQueue",
        "QueueDoesNotExist",
        "ResourceNotFoundException",
        "ValidationException",
    }
)
DETAIL_LENGTH = 300


@contextlib.contextmanager
def translate(dependency: str) -> Iterator[None]:
    """Raise errors of ours in place of a vendor's.

    VersionGone: a pinned version is away, replaced or a delete marker. Conflict: a conditional write found another
    state. AirlockError: a request that the vendor's client would not send. Unavailable(dependency, detail): all else
    that the vendor or the network did; a refused permission too, since only the deployment can repair it, and an
    answer without what it must have (a KeyError in this block).
    """
    try:
        yield
    except ClientError as error:
        raise of_response(dependency, error) from error
    except ParamValidationError as error:
        raise AirlockError(f"{dependency}: the request is not a valid one") from error
    except (NoCredentialsError, CredentialRetrievalError) as error:
        raise Unavailable(dependency, f"no AWS credentials ({type(error).__name__})") from error
    except (BotoCoreError, aiohttp.ClientError, OSError) as error:
        raise Unavailable(dependency, _network_detail(error)) from error
    except KeyError as error:
        raise Unavailable(dependency, f"the answer has no {error}") from error
    except RuntimeError as error:
        # What botocore raises when a refresh brings credentials that have expired already: a clock is wrong.
        if "credentials" not in str(error):
            raise
        raise Unavailable(dependency, "the refreshed AWS credentials have expired") from error


def of_response(dependency: str, error: ClientError) -> AirlockError:
    """The error of ours that an answered refusal stands for."""
    answer: Any = error.response.get("Error", {})
    code, message = str(answer.get("Code", "")), str(answer.get("Message", ""))
    if code == "ConditionalCheckFailedException":
        return Conflict(f"{error.operation_name}: the condition does not hold")
    if error.operation_name in OF_ONE_VERSION and _is_gone(code, message):
        return VersionGone(f"{error.operation_name}: {code}")
    return Unavailable(dependency, _refusal_detail(error.operation_name, code, message))


def _is_gone(code: str, message: str) -> bool:
    # CopyObject says 400 of a source that is a delete marker, and GetObject of a version id that S3 never gave.
    said = message.lower()
    return (
        code in GONE
        or (code == "InvalidRequest" and "delete marker" in said)
        or (code == "InvalidArgument" and "version id" in said)
    )


def _refusal_detail(operation: str, code: str, message: str) -> str:
    if code in TELLING and message:
        return f"{operation}: {code}: {message[:DETAIL_LENGTH]}"
    return f"{operation}: {code or 'an error without a code'}"


def _network_detail(error: Exception) -> str:
    endpoint = getattr(error, "kwargs", {}).get("endpoint_url")
    # The origin only: what follows it can be a signed query.
    where = f" at {urlsplit(str(endpoint)).netloc}" if endpoint else ""
    return f"{type(error).__name__}{where}"
