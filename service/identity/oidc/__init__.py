"""Bearer tokens of an OpenID provider."""
