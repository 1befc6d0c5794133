"""The catalogue: what can be done to a form that our service issued, and how it is answered."""
