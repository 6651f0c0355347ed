"""A sample's way, one file a step: load, prepare, solve, score, record."""

from tasks_lib.steps._generate import generate_with
from tasks_lib.steps._load import SampleKey, load
from tasks_lib.steps._prepare import prepare, set_up
from tasks_lib.steps._record import record
from tasks_lib.steps._rescore import Rescored, Rescoring, rescore, scorers_failed, state_of
from tasks_lib.steps._run import SampleRun
from tasks_lib.steps._sample import (
    SCORER,
    SETUP,
    SOLVER,
    Stage,
    StageCall,
    call_stage,
    failed_attempt,
    run_sample,
)
from tasks_lib.steps._sandbox import prepare_sandboxes
from tasks_lib.steps._score import score
from tasks_lib.steps._solve import clean_up, run_limited, solve
from tasks_lib.steps._summarize import summarize

__all__ = [
    "SCORER",
    "SETUP",
    "SOLVER",
    "Rescored",
    "Rescoring",
    "SampleKey",
    "SampleRun",
    "Stage",
    "StageCall",
    "call_stage",
    "clean_up",
    "failed_attempt",
    "generate_with",
    "load",
    "prepare",
    "prepare_sandboxes",
    "record",
    "rescore",
    "run_limited",
    "run_sample",
    "score",
    "scorers_failed",
    "set_up",
    "solve",
    "state_of",
    "summarize",
]
