"""The readers of the office formats, for `workers.inspection.parsers.office`."""
