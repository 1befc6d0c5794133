"""DynamoDB: records of uploads, upload sessions, and usage counters, all in one table."""
