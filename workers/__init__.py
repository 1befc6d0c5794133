"""Pod two: receives notifications from the queue, inspects the objects that they name, and settles the verdicts."""
