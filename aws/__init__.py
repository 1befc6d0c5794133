"""The adapters to S3, SQS and DynamoDB. A vendor's errors become ours here and go no further."""
