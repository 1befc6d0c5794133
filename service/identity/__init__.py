"""Who a request is from: static tokens, OIDC and upload sessions, side by side."""
