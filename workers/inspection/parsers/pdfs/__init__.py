"""What the objects of a PDF do, for `workers.inspection.parsers.pdf`."""
