"""Pod one: the HTTP API. It signs policies and reports the state of uploads. No byte of a file passes through it."""
