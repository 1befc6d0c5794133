"""Models of requests and responses, and problem details. No other room of the service is imported here."""
