"""How a sample's output is judged, and what is computed from the verdicts."""

from scorers._choice import choice
from scorers._match import includes, match
from scorers._pattern import AnswerPattern, answer, pattern
from scorers._reducers import (
    NamedReducer,
    create_reducers,
    max_score,
    mean_score,
    median_score,
    mode_score,
)
from scorers._scorer import metric, score_reducer, scorer
from scorers.metrics import accuracy, mean, std, stderr, var
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
    "choice",
    "create_reducers",
    "includes",
    "match",
    "max_score",
    "mean",
    "mean_score",
    "median_score",
    "metric",
    "mode_score",
    "pattern",
    "score",
    "score_reducer",
    "scorer",
    "std",
    "stderr",
    "value_to_float",
    "var",
]
