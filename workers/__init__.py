"""Pod two: takes notifications from the queue, inspects what they name, and settles the verdict."""
