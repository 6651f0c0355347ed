"""What is decided on a call of a tool."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, model_validator

from tasks_lib.schema import ToolCall

ApprovalDecision = Literal["approve", "modify", "reject", "terminate", "escalate"]
"""What can be decided on a call:

- `approve`: it is done;
- `modify`: another one is done in its place;
- `reject`: it is not done, the model is told and may go on;
- `terminate`: it is not done and the sample ends; it is scored as it is;
- `escalate`: the next approver decides.
"""


class Approval(BaseModel):
    """A decision on a call, with its reason."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    decision: ApprovalDecision
    """What was decided."""

    modified: ToolCall | None = None
    """What is done in place of the call; needed for `modify`, otherwise of no meaning."""

    explanation: str | None = None
    """Why; the model is told why its call was rejected."""

    @model_validator(mode="after")
    def _check_modified(self) -> Approval:
        if self.decision == "modify" and self.modified is None:
            raise ValueError(
                "the decision 'modify' needs the call that is done instead: pass modified=…"
            )
        return self
