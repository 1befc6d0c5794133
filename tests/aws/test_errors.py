"""The adapters raise only our errors, with no text that could be a secret."""

from typing import Any

import aiohttp
import pytest
from botocore.exceptions import (
    ClientError,
    CredentialRetrievalError,
    EndpointConnectionError,
    IncompleteReadError,
    NoCredentialsError,
    ParamValidationError,
)

from airlock.errors import AirlockError, Conflict, Unavailable, VersionGone
from aws.errors import translate


def refusal(operation: str, code: str, message: str = "") -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": message}}
    return ClientError(answer, operation)


def translated(error: Exception) -> AirlockError:
    with pytest.raises(AirlockError) as caught, translate("s3"):
        raise error
    assert caught.value.__cause__ is error
    return caught.value


@pytest.mark.parametrize(
    "error",
    [
        refusal("GetObject", "NoSuchKey"),
        refusal("GetObject", "NoSuchVersion"),
        refusal("GetObject", "PreconditionFailed"),
        refusal("GetObject", "MethodNotAllowed"),
        refusal("HeadObject", "404"),
        refusal("CopyObject", "PreconditionFailed"),
        refusal("UploadPartCopy", "412"),
        refusal(
            "CopyObject",
            "InvalidRequest",
            "The source of a copy request may not specifically refer to a delete marker by version id.",
        ),
        refusal("GetObject", "InvalidArgument", "Invalid version id specified"),
    ],
)
def test_a_pinned_version_that_does_not_exist_is_gone(error: ClientError) -> None:
    assert type(translated(error)) is VersionGone


@pytest.mark.parametrize(
    "error",
    [
        refusal("HeadBucket", "404"),
        refusal("GetObject", "NoSuchBucket"),
        refusal("GetObject", "AccessDenied"),
        refusal("GetObject", "SlowDown"),
        refusal("CopyObject", "InvalidRequest", "The specified copy source is larger than 5368709120"),
        refusal("GetObject", "InvalidArgument", "Range"),
        refusal("UpdateItem", "ProvisionedThroughputExceededException"),
        refusal("GetItem", ""),
        EndpointConnectionError(endpoint_url="http://host:1/bucket/key?X-Amz-Signature=secret"),
        IncompleteReadError(actual_bytes=1, expected_bytes=2),
        NoCredentialsError(),
        CredentialRetrievalError(provider="process", error_msg="secret"),
        aiohttp.ClientPayloadError("secret"),
        TimeoutError(),
        ConnectionResetError(),
        RuntimeError("Credentials were refreshed, but the refreshed credentials are still expired."),
    ],
)
def test_every_other_error_of_the_vendor_is_unavailable(error: Exception) -> None:
    ours = translated(error)
    assert isinstance(ours, Unavailable)
    assert ours.dependency == "s3"
    assert "secret" not in ours.detail


def test_a_failed_condition_is_a_conflict() -> None:
    assert type(translated(refusal("UpdateItem", "ConditionalCheckFailedException"))) is Conflict


def test_a_missing_permission_is_named() -> None:
    message = "User: arn:aws:iam::1:role/worker is not authorized to perform: s3:GetObject"
    assert message in str(translated(refusal("GetObject", "AccessDenied", message)))


@pytest.mark.parametrize("code", ["InvalidSignatureException", "SignatureDoesNotMatch", "IncompleteSignature"])
def test_a_message_that_can_quote_a_signed_request_is_left_out(code: str) -> None:
    ours = translated(refusal("GetItem", code, "x-amz-security-token:THETOKEN"))
    assert str(ours) == f"s3: GetItem: {code}"


def test_an_address_is_shown_without_its_query() -> None:
    assert str(translated(EndpointConnectionError(endpoint_url="http://host:1/?secret"))).endswith("at host:1")


def test_a_request_that_botocore_refuses_is_our_error() -> None:
    ours = translated(ParamValidationError(report="Key: ''"))
    assert type(ours) is AirlockError


@pytest.mark.parametrize("error", [ValueError("ours"), RuntimeError("ours"), Unavailable("dynamodb", "x")])
def test_other_errors_are_left_as_they_are(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, translate("s3"):
        raise error
    assert caught.value is error
