"""Authentication: static tokens, upload sessions and OIDC tokens."""
