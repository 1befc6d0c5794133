"""How office documents of each family are looked into: the parts of `workers.inspection.parsers.office`."""
