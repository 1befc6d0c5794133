"""Settlement: makes a verdict true, changes it, or removes what a withdrawn upload left."""
