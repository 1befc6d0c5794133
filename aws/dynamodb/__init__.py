"""DynamoDB: records of uploads, what upload sessions have spent, and the counters of quotas."""
