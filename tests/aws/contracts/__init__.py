"""One suite for each port, which runs on the fake of the tests and on the adapter: what holds for one holds for both.

A suite says what service and workers may rely on. What only the adapter does is tested beside it.
"""
