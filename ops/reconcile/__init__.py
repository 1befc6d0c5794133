"""`airlock reconcile`: finds what events missed and sends it through the same path."""
