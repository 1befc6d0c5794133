"""The two baselines of bench.issue, each an aiohttp server: `python -m bench.issue.servers bare|botocore`."""

import asyncio
import os
import sys
from pathlib import Path

import orjson
import uvloop
from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from aiohttp import web


async def bare(application: web.Application) -> None:
    """Parse the same JSON, as aiohttp does it, and return the same bytes as our service, and nothing more."""
    answer = Path(os.environ["BENCH_ANSWER"]).read_bytes()

    async def handle(request: web.Request) -> web.Response:
        await request.json()
        return web.Response(body=answer, status=201, content_type="application/json")

    application.router.add_post("/v1/uploads", handle)


async def botocore(application: web.Application) -> None:
    """Sign the same policy with aiobotocore's generate_presigned_post, the way most services do."""
    fields = orjson.loads(os.environ["BENCH_FIELDS"])
    conditions = [{name: value} for name, value in fields.items()] + [["content-length-range", 1, 104857600]]
    config = AioConfig(signature_version="s3v4", s3={"addressing_style": "virtual"})
    client = await get_session().create_client("s3", region_name="eu-central-1", config=config).__aenter__()

    async def handle(request: web.Request) -> web.Response:
        await request.json()
        key = f"incoming/{os.urandom(24).hex()}"
        policy = await client.generate_presigned_post(
            "bench-incoming", key, Fields=dict(fields), Conditions=list(conditions), ExpiresIn=900
        )
        return web.json_response(policy, status=201)

    application.router.add_post("/v1/uploads", handle)


async def serve(kind: str) -> None:
    application = web.Application()
    await {"bare": bare, "botocore": botocore}[kind](application)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(os.environ["BENCH_PORT"])).start()
    Path(os.environ["BENCH_READY"]).write_text("ready")
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1]))
