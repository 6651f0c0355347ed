"""What a task accepts as its arguments, and what it makes of them."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import cast

from tasks_lib._errors import DatasetError, ParameterError, PrerequisiteError
from tasks_lib._util._registry import (
    is_registered,
    registry_info,
    registry_lookup,
)
from tasks_lib.dataset import Dataset, MemoryDataset
from tasks_lib.model import Model
from tasks_lib.schema import Sample
from tasks_lib.task._protocols import AnySolver, MetricsSpec, Scorer, Solver
from tasks_lib.task._solver_list import SolverList
from tasks_lib.task._state import TaskState


def as_dataset(dataset: Dataset | Sequence[Sample] | None) -> Dataset:
    """Return a dataset; None is one with the single input "prompt".

    Raises:
        DatasetError: It is empty, or holds something else than samples.
    """
    if dataset is None:
        return MemoryDataset([Sample(input="prompt")])
    if not isinstance(dataset, Sequence) or isinstance(dataset, str):
        raise ParameterError("Task", "dataset", dataset, "a Dataset or a list of Sample objects")
    if len(dataset) == 0:
        raise DatasetError(
            "The dataset of the task is empty: it needs at least one sample. Was all left out by a "
            "filter, a limit or the function that makes samples?",
            location=dataset.location if isinstance(dataset, Dataset) else None,
        )
    if isinstance(dataset, Dataset):
        return dataset
    for position, sample in enumerate(dataset, start=1):
        if not isinstance(sample, Sample):
            raise DatasetError(f"Item {position} of the dataset is {sample!r}, expected a Sample.")
    return MemoryDataset(dataset)


def as_solver(parameter: str, solver: AnySolver | Sequence[AnySolver] | None) -> Solver | None:
    """Return one solver for one or several; None for None or none at all.

    Agents stay what they are: what runs the task makes solvers of them.

    Raises:
        PrerequisiteError: One is not registered: a log could not say what ran.
    """
    if solver is None:
        return None
    if isinstance(solver, list | tuple):
        steps = [step for item in solver if (step := as_solver(parameter, item)) is not None]
        return steps[0] if len(steps) == 1 else SolverList(steps) if steps else None
    if is_registered(solver, "agent"):
        _refuse_factory(parameter, solver)
        return cast(Solver, solver)
    if not isinstance(solver, Solver):
        raise ParameterError("Task", parameter, solver, "a solver or a list of solvers")
    if isinstance(solver, Sequence):
        as_solver(parameter, list(solver))
    else:
        _check_registered(parameter, solver, "solver")
    return solver


def as_scorers(scorer: Scorer | Sequence[Scorer] | None) -> list[Scorer] | None:
    """Return one or more scorers as a list; None for None or none at all.

    Raises:
        PrerequisiteError: One is not registered: its scores would have no name.
    """
    if scorer is None:
        return None
    scorers = list(scorer) if isinstance(scorer, Sequence) else [scorer]
    for one in scorers:
        if not callable(one):
            raise ParameterError("Task", "scorer", one, "a scorer or a list of scorers")
        _check_registered("scorer", one, "scorer")
    return scorers or None


def check_metrics(metrics: MetricsSpec | None) -> MetricsSpec | None:
    """Raise ParameterError unless `metrics` is a list, a dict of lists, or a list of both."""
    groups = [metrics] if isinstance(metrics, Mapping) else metrics or []
    expected = "a list of metrics, or a dict from score keys to lists of metrics"
    if isinstance(groups, str) or not isinstance(groups, Sequence):
        raise ParameterError("Task", "metrics", metrics, expected)
    for group in groups:
        members = (
            [m for ms in group.values() for m in ms] if isinstance(group, Mapping) else [group]
        )
        for metric in members:
            if not callable(metric):
                raise ParameterError("Task", "metrics", metric, expected)
            _refuse_factory("metrics", metric)
    return metrics


def check_model(model: str | Model | None) -> str | Model | None:
    """Raise ParameterError unless `model` is a model, its name, or None."""
    if model is not None and (not model or not isinstance(model, str | Model)):
        raise ParameterError("Task", "model", model, 'a name such as "openai/gpt-4o", or a Model')
    return model


def check_limit(parameter: str, limit: int | None) -> int | None:
    """Raise ParameterError unless `limit` is None or a number, 0 or more."""
    if limit is not None and (
        isinstance(limit, bool) or not isinstance(limit, int | float) or not limit >= 0
    ):
        raise ParameterError("Task", parameter, limit, "a number, 0 or more, or None")
    return limit


def check_fail_on_error(value: bool | float | None) -> bool | float | None:
    """Raise ParameterError unless `value` is a switch, a share or count of samples, or None."""
    if value is None or isinstance(value, bool):
        return value
    if not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        expected = "True, False, a share of the samples (below 1) or a number of them"
        raise ParameterError("Task", "fail_on_error", value, expected)
    return value


def check_cleanup(
    cleanup: Callable[[TaskState], Awaitable[None]] | None,
) -> Callable[[TaskState], Awaitable[None]] | None:
    """Raise ParameterError unless `cleanup` can be called, or is None."""
    if cleanup is not None and not callable(cleanup):
        raise ParameterError("Task", "cleanup", cleanup, "an async function of a TaskState")
    return cleanup


def _check_registered(parameter: str, value: object, kind: str) -> None:
    if not is_registered(value):
        name = getattr(value, "__qualname__", None) or repr(value)
        raise PrerequisiteError(
            f"Task: {parameter} {name} is not registered, so a log could not name it: "
            f"decorate the function that makes it with @{kind}."
        )
    _refuse_factory(parameter, value)


def _refuse_factory(parameter: str, value: object) -> None:
    """Raise ParameterError for `match` where `match()` was meant."""
    if is_registered(value):
        info = registry_info(value)
        if registry_lookup(info.type, info.name) is value:
            raise ParameterError("Task", parameter, value, f"a call of it: {info.name}()")
