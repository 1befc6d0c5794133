"""YARA: the rules, the child process that scans with them, and the check."""
