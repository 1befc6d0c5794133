"""Errors of botocore and aiohttp become ours here, and go no further than `aws/`."""

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

from airlock.errors import AirlockError, Conflict, Outage, Unavailable, VersionGone

VERSION_OPERATIONS = frozenset({"GetObject", "HeadObject", "CopyObject", "UploadPartCopy", "DeleteObject"})

# 404, 405 (the version is a delete marker) and 412 (another ETag). An answer to HEAD has no other code than its status.
# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
GONE_CODES = frozenset({"NoSuchKey", "NoSuchVersion", "MethodNotAllowed", "PreconditionFailed", "404", "405", "412"})

# Codes whose message is shown, since it helps an operator. The messages of other codes can hold secrets: that of
# DynamoDB's InvalidSignatureException quotes the canonical request with the session token.
SHOWN_CODES = frozenset(
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
MAX_MESSAGE_LENGTH = 300

# Codes that are about what was asked. Every other refusal (no permission, no such table, a throttle, an error of the
# service) meets whatever is asked.
ABOUT_THE_REQUEST = frozenset(
    {
        "BatchRequestTooLong",
        "EntityTooLarge",
        "EntityTooSmall",
        "InvalidArgument",
        "InvalidMessageContents",
        "InvalidObjectState",
        "InvalidParameter",
        "InvalidParameterValue",
        "InvalidPart",
        "InvalidPartOrder",
        "InvalidRange",
        "InvalidRequest",
        "KeyTooLongError",
        "MetadataTooLarge",
        "NoSuchUpload",
        "ValidationException",
    }
)


@contextlib.contextmanager
def translate(dependency: str) -> Iterator[None]:
    """Raise our errors in place of a vendor's.

    VersionGone: a pinned version does not exist, was replaced, or is a delete marker. Conflict: the condition of a
    write does not hold. AirlockError: botocore refused to send the request. Unavailable(dependency, detail): what was
    asked is refused, or an answer has no expected member (a KeyError in the block). Outage(dependency, detail): every
    other failure, also a missing permission.
    """
    try:
        yield
    except ClientError as error:
        raise from_response(dependency, error) from error
    except ParamValidationError as error:
        raise AirlockError(f"{dependency}: the request is not valid") from error
    except (NoCredentialsError, CredentialRetrievalError) as error:
        raise Outage(dependency, f"no AWS credentials ({type(error).__name__})") from error
    except (BotoCoreError, aiohttp.ClientError, OSError) as error:
        raise Outage(dependency, _network_detail(error)) from error
    except KeyError as error:
        raise Unavailable(dependency, f"the answer has no {error}") from error
    except RuntimeError as error:
        # botocore raises it when refreshed credentials have expired already, which means that a clock is wrong.
        if "credentials" not in str(error):
            raise
        raise Outage(dependency, "the refreshed AWS credentials have expired") from error


def from_response(dependency: str, error: ClientError) -> AirlockError:
    """Our error for an error that the service answered."""
    answer: Any = error.response.get("Error", {})
    code, message = str(answer.get("Code", "")), str(answer.get("Message", ""))
    if code == "ConditionalCheckFailedException":
        return Conflict(f"{error.operation_name}: the condition does not hold")
    if error.operation_name in VERSION_OPERATIONS and _is_gone(code, message):
        return VersionGone(f"{error.operation_name}: {code}")
    kind = Unavailable if code in ABOUT_THE_REQUEST else Outage
    return kind(dependency, _refusal_detail(error.operation_name, code, message))


def _is_gone(code: str, message: str) -> bool:
    # CopyObject answers 400 for a source that is a delete marker, and GetObject for a version id of another form.
    lowered = message.lower()
    return (
        code in GONE_CODES
        or (code == "InvalidRequest" and "delete marker" in lowered)
        or (code == "InvalidArgument" and "version id" in lowered)
    )


def _refusal_detail(operation: str, code: str, message: str) -> str:
    if code in SHOWN_CODES and message:
        return f"{operation}: {code}: {message[:MAX_MESSAGE_LENGTH]}"
    return f"{operation}: {code or 'an error without a code'}"


def _network_detail(error: Exception) -> str:
    endpoint = getattr(error, "kwargs", {}).get("endpoint_url")
    # Only the host: the rest of the address can hold a signature.
    address = f" at {urlsplit(str(endpoint)).netloc}" if endpoint else ""
    return f"{type(error).__name__}{address}"
