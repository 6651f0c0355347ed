"""A flow beneath another one, whose work is done whatever becomes of Prefect's server."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, cast

from prefect import Flow
from prefect.exceptions import Abort

from flows._link import UNTOLD, ServerLink
from tasks_lib._errors import EvalsError
from tasks_lib._util._blot import blotted
from tasks_lib.task import RunSpec

logger = logging.getLogger(__name__)


async def run_subflow(
    link: ServerLink, flow: Flow[..., Any], spec: RunSpec, is_done: Callable[[], bool]
) -> Exception | None:
    """Run `flow` on what `spec` names; return what kept it from its work.

    None if the work is done, or was stopped. While Prefect's server is gone the same is done
    without a flow run.

    Args:
        link: The way to the server.
        flow: Is called with `spec` only, and keeps its outcome itself.
        spec: What Prefect stores of it.
        is_done: Tells whether there is an outcome.
    """
    if await link.answers():
        try:
            state = await cast(Any, flow)(spec, return_state=True)
        except Abort as error:  # somebody has ended the run in Prefect
            logger.warning("Prefect ended the flow run of %s: %s", spec.task, blotted(str(error)))
            return None
        except UNTOLD as error:
            link.tell(error)
        else:
            if is_done() or state.is_cancelled():
                return None
            raised = await state.aresult(raise_on_failure=False)
            if isinstance(raised, Exception):
                return raised
            return EvalsError(f"The flow run of {spec.task} ended as {state.name} ({raised!r}).")
    if is_done():
        return None
    try:
        await flow.fn(spec)
    except Exception as error:  # as a flow's: the others go on
        return error
    return None
