"""Intake: receives messages, admits what they name, keeps them hidden while they are worked on, and acknowledges them.

The lowest of the worker's rooms: it calls the others through the protocols in `executor`.
"""
