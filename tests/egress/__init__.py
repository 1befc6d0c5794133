"""Whom our programs speak to, seen from a network namespace in which every address is the test's own."""
