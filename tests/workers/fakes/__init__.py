"""S3, DynamoDB and SQS in memory. Each call waits until the test lets it go on."""
