"""Where an image of each format ends and how large it says it is, from its structure, before anything decodes it."""
