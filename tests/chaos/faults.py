"""The faults of the network and the services, and their rates: drawn for each request, from a seed."""

import json
import random
from collections.abc import Mapping
from enum import StrEnum
from typing import Literal, get_args

Service = Literal["s3", "dynamodb", "sqs"]
SERVICES: tuple[Service, ...] = get_args(Service)


class Fault(StrEnum):
    """One fault of a request, as the report names it."""

    LATENCY = "latency"
    RESET_BEFORE = "reset before the request"
    RESET_AFTER = "reset after it was done"
    RESET_WITHIN = "reset within the response"
    TRUNCATED = "truncated body"
    HALF_OPEN = "half-open connection"
    ERROR = "500"
    UNAVAILABLE = "503"
    THROTTLED = "throttled"
    ERROR_IN_200 = "error in a 200"


_ANYWHERE = {
    Fault.LATENCY: 0.03,
    Fault.RESET_BEFORE: 0.005,
    Fault.RESET_AFTER: 0.005,
    Fault.RESET_WITHIN: 0.004,
    Fault.TRUNCATED: 0.006,
    Fault.HALF_OPEN: 0.001,
    Fault.ERROR: 0.005,
}
RATES: Mapping[Service, Mapping[Fault, float]] = {
    # "503 Slow Down" and "200 OK with an error in the body" (of a copy) are S3's own:
    # https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
    "s3": {**_ANYWHERE, Fault.UNAVAILABLE: 0.01, Fault.ERROR_IN_200: 0.01},
    "dynamodb": {**_ANYWHERE, Fault.THROTTLED: 0.015},
    "sqs": {**_ANYWHERE, Fault.UNAVAILABLE: 0.01},
}


class FaultSource:
    """Draws faults at random, for each service in a sequence of its own: requests to the others do not change it.

    `times` multiplies every rate; 0 is a network without faults.
    """

    def __init__(self, seed: int, times: float = 1.0) -> None:
        self._random = {service: random.Random(f"{seed} {service}") for service in SERVICES}
        self._times = times

    def draw(self, service: Service) -> Fault | None:
        """The fault of the next request to `service`; None for no fault."""
        drawn = self._random[service].random()
        for fault, rate in RATES[service].items():
            drawn -= rate * self._times
            if drawn < 0:
                return fault
        return None

    def between(self, service: Service, low: float, high: float) -> float:
        """A random number, such as a pause or a share."""
        return self._random[service].uniform(low, high)


def service_of(authorization: str) -> Service | None:
    """The service that a request is signed for, from its Authorization header."""
    # The credential is KEY/DATE/REGION/SERVICE/aws4_request.
    scope = authorization.partition("Credential=")[2].partition(",")[0].split("/")
    return next((service for service in SERVICES if service in scope[3:4]), None)


def refusal(service: Service, fault: Fault, target: str) -> tuple[int, str, bytes]:
    """Status, content type and body of an error of `service`; `target` is X-Amz-Target, or empty."""
    if fault is Fault.ERROR_IN_200:
        return 200, "application/xml", _s3("InternalError")
    if service == "s3":
        return (503, "application/xml", _s3("SlowDown")) if fault is Fault.UNAVAILABLE else _internal_s3()
    status, code = {
        Fault.ERROR: (500, "InternalServerError" if service == "dynamodb" else "InternalError"),
        Fault.UNAVAILABLE: (503, "ServiceUnavailable"),
        Fault.THROTTLED: (400, "ProvisionedThroughputExceededException"),
    }[fault]
    if not target:
        return status, "text/xml", _query(code)
    shape = f"com.amazonaws.{service}.v20120810#{code}" if service == "dynamodb" else f"com.amazonaws.sqs#{code}"
    return status, "application/x-amz-json-1.0", json.dumps({"__type": shape, "message": "injected"}).encode()


def _internal_s3() -> tuple[int, str, bytes]:
    return 500, "application/xml", _s3("InternalError")


def _s3(code: str) -> bytes:
    error = f"<Error><Code>{code}</Code><Message>injected</Message></Error>"
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{error}'.encode()


def _query(code: str) -> bytes:
    error = f"<Error><Type>Receiver</Type><Code>{code}</Code><Message>injected</Message></Error>"
    return f'<ErrorResponse xmlns="http://queue.amazonaws.com/doc/2012-11-05/">{error}</ErrorResponse>'.encode()
