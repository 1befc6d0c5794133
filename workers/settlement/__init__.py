"""Settlement: a verdict is made true, changed, published, or taken back."""
