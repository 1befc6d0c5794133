"""Inspection: reads an object once and runs the checks of its profile over it and its members."""
