"""`airlock dev`: all of Airlock on this machine."""
