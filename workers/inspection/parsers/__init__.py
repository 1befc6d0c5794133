"""Parsers of hostile formats: synchronous code that runs in a process of the sandbox, never in the worker."""
