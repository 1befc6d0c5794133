"""Multipart uploads that nobody ended: their parts are paid for and cannot be seen."""

from functools import partial

from ops.reconcile.report import Kind
from ops.reconcile.tour import Tour


async def look(tour: Tour) -> None:
    """Abort what was begun too long ago in the three buckets, below our prefix of incoming."""
    settings = tour.settings
    places = (
        (settings.incoming_bucket, f"{settings.incoming_prefix}/"),
        (settings.accepted_bucket, ""),
        (settings.quarantine_bucket, ""),
    )
    for bucket, prefix in places:
        async for page in tour.pages("multipart uploads", partial(tour.buckets.open_uploads, bucket, prefix)):
            for upload in page:
                if tour.old(upload.began_at, tour.how.multipart):
                    action = partial(tour.buckets.abort, bucket, upload)
                    await tour.repairs.do(Kind.MULTIPART, f"{bucket}/{upload.key}", action)
