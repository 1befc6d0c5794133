"""A bucket with existing objects, with and without versioning."""

import json
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from aws.settings import AwsSettings
from ops.dev.emulator import ACCOUNT
from tests.ops.backfill.source_bucket import SourceBucket
from tests.workers.harness import harness_in


@pytest.fixture(params=["", "Enabled"], ids=["unversioned", "versioned"])
def versioning(request: pytest.FixtureRequest) -> str:
    kind: str = request.param
    return kind


@pytest.fixture
async def source(deployment: AwsSettings, tmp_path: Path, versioning: str) -> AsyncIterator[SourceBucket]:
    async with harness_in(deployment, tmp_path) as harness:
        bucket = f"source-{secrets.token_hex(4)}"
        s3: Any = harness.clients.s3
        await s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": deployment.region})
        if versioning:
            await s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": versioning})
        await s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(_readable(bucket, deployment.incoming_bucket)))
        yield SourceBucket(harness, bucket)


def _readable(bucket: str, deployment: str) -> dict[str, Any]:
    """What the operator needs on the source, as docs/repair.md says."""
    who = {"AWS": f"arn:aws:iam::{ACCOUNT}:user/{deployment}-operator"}
    objects = {"Action": ["s3:GetObject", "s3:GetObjectVersion"], "Resource": f"arn:aws:s3:::{bucket}/*"}
    listing = {"Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{bucket}"}
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": who, **each} for each in (objects, listing)],
    }
