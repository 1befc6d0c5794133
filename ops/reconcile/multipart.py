"""Scans the open multipart uploads: their parts cost money and appear in no listing of objects."""

from functools import partial

from ops.reconcile.context import Context
from ops.reconcile.discrepancy import Discrepancy


async def scan(context: Context) -> None:
    """Abort those that are too old, below our prefix in incoming, and anywhere in accepted and quarantine."""
    settings = context.settings
    places = (
        (settings.incoming_bucket, f"{settings.incoming_prefix}/"),
        (settings.accepted_bucket, ""),
        (settings.quarantine_bucket, ""),
    )
    for bucket, prefix in places:
        async for page in context.pages("multipart uploads", partial(context.listing.open_uploads, bucket, prefix)):
            for upload in page:
                if context.old(upload.began_at, context.options.multipart):
                    action = partial(context.listing.abort, bucket, upload)
                    await context.repairs.do(Discrepancy.MULTIPART, f"{bucket}/{upload.key}", action)
