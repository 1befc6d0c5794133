"""What only commands of an operator ask of S3, SQS and DynamoDB: listings, scans and sending in bulk."""
