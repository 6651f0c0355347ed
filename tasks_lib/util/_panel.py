"""Panels of a full-screen display, which we do not have."""

from __future__ import annotations

from typing import TypeVar


class InputPanel:
    """What a full-screen display would show in a tab of its own; see `input_panel`."""


TP = TypeVar("TP", bound=InputPanel)


async def input_panel(panel: type[TP]) -> TP:
    """Raise NotImplementedError: panels need a full-screen display, and there is none.

    Args:
        panel: The kind of panel that would be shown.
    """
    raise NotImplementedError(
        f"input_panel({panel.__name__}): panels need a full-screen display, which does not exist. "
        "Ask on the terminal with input_screen()."
    )
