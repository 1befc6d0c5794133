"""Intake: messages are received, read, admitted, kept hidden while worked on, and acknowledged."""
