"""Parsers of hostile formats: plain synchronous code that runs in a child process only, never in the worker."""
