"""Quotas: what owners and tenants may use, counted on each replica and on all together."""
