"""The checks that need no engine, the check that runs a parser, and the port that all checks have."""
