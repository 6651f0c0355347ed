"""Who decides whether a tool may be called."""

from tasks_lib.approval._active import approve_call, needs_approval, use_approval
from tasks_lib.approval._approval import Approval, ApprovalDecision
from tasks_lib.approval._approver import Approver, approver
from tasks_lib.approval._auto import auto_approver
from tasks_lib.approval._call_text import call_text, fenced
from tasks_lib.approval._human import human_approver, needs_person
from tasks_lib.approval._policy import ApprovalPolicy
from tasks_lib.approval._question import Ask, Question, Section, default_view, in_time, use_ask
from tasks_lib.approval._sources import ApprovalSource, approval_config, resolve_approval
from tasks_lib.approval._terminal import ask_on_terminal

__all__ = [
    "Approval",
    "ApprovalDecision",
    "ApprovalPolicy",
    "ApprovalSource",
    "Approver",
    "Ask",
    "Question",
    "Section",
    "approval_config",
    "approve_call",
    "approver",
    "ask_on_terminal",
    "auto_approver",
    "call_text",
    "default_view",
    "fenced",
    "human_approver",
    "in_time",
    "needs_approval",
    "needs_person",
    "resolve_approval",
    "use_approval",
    "use_ask",
]
