"""Webhooks: verdict events that wait on a queue of their own until their receiver takes them."""
