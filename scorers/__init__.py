"""How a sample's output is judged, and what is computed from the verdicts."""

from scorers._choice import choice
from scorers._match import includes, match
from scorers._math._scorer import math
from scorers._model_graded import model_graded_fact, model_graded_qa
from scorers._multi import multi_scorer
from scorers._pattern import AnswerPattern, answer, pattern
from scorers._reducer_names import NamedReducer, create_reducers
from scorers._reducers import (
    at_least,
    max_score,
    mean_score,
    median_score,
    mode_score,
    pass_at,
)
from scorers._scorer import metric, score_reducer, scorer
from scorers._words import exact, f1
from scorers.metrics import (
    accuracy,
    bootstrap_stderr,
    ci,
    grouped,
    mean,
    std,
    stderr,
    var,
)
from tasks_lib.schema import (
    CORRECT,
    INCORRECT,
    NOANSWER,
    PARTIAL,
    SampleScore,
    Score,
    Target,
    Value,
    ValueToFloat,
    value_to_float,
)
from tasks_lib.task import Metric, MetricProtocol, Scorer, ScoreReducer, ScoreReducers, score

__all__ = [
    "CORRECT",
    "INCORRECT",
    "NOANSWER",
    "PARTIAL",
    "AnswerPattern",
    "Metric",
    "MetricProtocol",
    "NamedReducer",
    "SampleScore",
    "Score",
    "ScoreReducer",
    "ScoreReducers",
    "Scorer",
    "Target",
    "Value",
    "ValueToFloat",
    "accuracy",
    "answer",
    "at_least",
    "bootstrap_stderr",
    "choice",
    "ci",
    "create_reducers",
    "exact",
    "f1",
    "grouped",
    "includes",
    "match",
    "math",
    "max_score",
    "mean",
    "mean_score",
    "median_score",
    "metric",
    "mode_score",
    "model_graded_fact",
    "model_graded_qa",
    "multi_scorer",
    "pass_at",
    "pattern",
    "score",
    "score_reducer",
    "scorer",
    "std",
    "stderr",
    "value_to_float",
    "var",
]
