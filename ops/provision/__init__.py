"""The buckets, queues, table and roles of a deployment, as settings that are read, compared and written."""
