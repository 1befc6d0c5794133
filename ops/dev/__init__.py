"""`airlock dev`: runs all of Airlock on this machine."""
