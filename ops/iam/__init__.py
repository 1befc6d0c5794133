"""The IAM policy of each pod."""
