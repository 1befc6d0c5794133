"""What is done for objects whose notification never came: `airlock reconcile`."""

from ops.reconcile.options import Options
from ops.reconcile.run import reconcile
from tests.chaos.deployment import ChaosDeployment


async def repair(deployment: ChaosDeployment) -> int:
    """One run; returns how many things it repaired. Nobody uploads or works meanwhile, so that nothing is too young."""
    summary = await reconcile(deployment.harness.clients, deployment.harness.settings, Options(stuck=0, grace=0))
    return summary.repairs
