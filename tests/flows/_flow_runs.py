"""Flow runs as Prefect's server has them."""

from __future__ import annotations

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterName
from prefect.client.schemas.objects import FlowRun


async def runs_named(client: PrefectClient, name: str) -> list[FlowRun]:
    """Return the flow runs of a name, 200 at most."""
    named = FlowRunFilterName(any_=[name])
    return await client.read_flow_runs(flow_run_filter=FlowRunFilter(name=named))
