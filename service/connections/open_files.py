"""The process's limit of open files: each connection is one."""

import resource

# Connections to S3, SQS, DynamoDB and the OpenID provider, files that are being read, and what Python has open.
OTHERS = 256


def most() -> float:
    """How many connections the process can have at most."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return float("inf") if hard == resource.RLIM_INFINITY else hard - OTHERS


def allow(connections: int) -> None:
    """Raise the limit that is in force, often 1,024, to what so many connections need."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if resource.RLIM_INFINITY != soft < connections + OTHERS:
        resource.setrlimit(resource.RLIMIT_NOFILE, (connections + OTHERS, hard))
