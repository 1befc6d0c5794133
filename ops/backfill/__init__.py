"""`airlock backfill`: objects that a bucket already holds are inspected."""
