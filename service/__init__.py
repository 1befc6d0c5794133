"""Pod one: the HTTP API. It hands out policies and tells what became of each upload; no file byte passes through it."""
