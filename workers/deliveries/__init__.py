"""Deliveries: a queue of its own holds the verdict events for webhooks until their receivers take them."""
