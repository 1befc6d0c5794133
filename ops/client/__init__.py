"""A client of the service's HTTP API, and how uploads and verdicts are shown in a terminal."""
