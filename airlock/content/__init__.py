"""What files may be: their formats, types and names, what a profile lets in, and the codes of what is found in them."""
