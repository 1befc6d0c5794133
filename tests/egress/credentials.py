"""Makes the clients that both pods use and, once there are credentials, asks AWS for something with each of them."""

import asyncio
from contextlib import suppress

from airlock.errors import Unavailable
from aws.clients import connect
from aws.settings import AwsSettings


async def main() -> None:
    """Nobody answers, so that every call fails."""
    settings = AwsSettings()
    with suppress(Unavailable):
        async with connect(settings, services=("s3", "dynamodb", "sqs", "sns", "events")) as clients:
            clients.credentials.current()
            calls = (
                clients.s3.head_bucket(Bucket=settings.incoming_bucket),
                clients.dynamodb.describe_table(TableName=settings.table),
                clients.sqs.get_queue_url(QueueName=settings.queue),
                clients.sns.list_topics(),
                clients.events.list_rules(),
            )
            await asyncio.gather(*calls, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main())
