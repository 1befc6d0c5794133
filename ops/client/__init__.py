"""A client of the service's HTTP API, and how uploads are shown in a terminal."""
