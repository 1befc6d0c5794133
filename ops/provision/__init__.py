"""The buckets, queues and table of a deployment, as small things that can be read, compared and written."""
