"""Repairs what lost notifications left behind, with `airlock reconcile`."""

from ops.reconcile.options import Options
from ops.reconcile.run import reconcile
from tests.chaos.deployment import ChaosDeployment


async def repair(deployment: ChaosDeployment) -> int:
    """One run of reconcile; returns how many repairs it made. Nothing is uploaded meanwhile, so no grace is needed."""
    summary = await reconcile(deployment.harness.clients, deployment.harness.settings, Options(stuck=0, grace=0))
    return summary.repairs
