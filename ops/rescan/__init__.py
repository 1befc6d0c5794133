"""`airlock rescan`: accepted objects are inspected again."""
