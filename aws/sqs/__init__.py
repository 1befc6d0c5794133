"""SQS: the queue's hot loop over aiosqs, all else over aiobotocore."""
