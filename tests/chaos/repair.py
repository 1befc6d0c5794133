"""What is done for objects whose notification never came."""

import json

from tests.chaos.listing import versions
from tests.chaos.place import Place


async def repair(place: Place) -> int:
    """Send every version that is left in incoming down the same path again; returns how many there were."""
    settings = place.site.settings
    left = await versions(place.site.clients.s3, settings.incoming_bucket)
    for version in left:
        item = {"key": version.key, "size": version.size, "eTag": version.etag, "versionId": version.id}
        entity = {"bucket": {"name": settings.incoming_bucket}, "object": item}
        await place.site.send(json.dumps({"Records": [{"eventName": "ObjectCreated:Put", "s3": entity}]}))
    return len(left)
