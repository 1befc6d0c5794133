"""Quotas: what owners and tenants take, counted here and for all replicas."""
