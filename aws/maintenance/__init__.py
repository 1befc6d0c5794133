"""What only an operator's commands ask of S3, SQS and DynamoDB: listings, scans, bulk sending."""
