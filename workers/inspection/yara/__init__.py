"""YARA: the rules, the children that scan with them, and the check."""
