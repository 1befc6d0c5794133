"""The types of what is passed in, so that no code has to ask for the time, wait or draw numbers by itself."""

from collections.abc import Awaitable, Callable

Clock = Callable[[], float]
"""The time now, in seconds since the epoch, UTC."""
Sleep = Callable[[float], Awaitable[object]]
"""Waits that many seconds."""
Uniform = Callable[[float, float], float]
"""A random number between two bounds."""
