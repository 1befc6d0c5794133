"""SQS: receiving with aiosqs, everything else with aiobotocore."""
