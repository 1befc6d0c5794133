"""The `airlock` command: run everything on a laptop, provision an account, upload from a terminal."""
