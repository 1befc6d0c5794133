"""What is done for objects whose notification never came: `airlock reconcile`."""

from ops.reconcile import How, reconcile
from tests.chaos.deployment import ChaosDeployment


async def repair(deployment: ChaosDeployment) -> int:
    """One run; returns how many things it repaired. Nobody uploads or works meanwhile, so that nothing is too young."""
    report = await reconcile(deployment.harness.clients, deployment.harness.settings, How(stuck=0, grace=0))
    return report.repairs
