"""S3: objects, each pinned to one version."""
