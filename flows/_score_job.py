"""What is to be scored, checked and made ready: a job for each log."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from flows._logged_model import logged_model
from flows._named import by_name, resolve_scorers
from flows._score_options import ScoreOptions
from flows._score_source import Source
from scorers import create_reducers
from tasks_lib._errors import ParameterError, PrerequisiteError
from tasks_lib.model import DeferredModel, Model, resolve_model_roles, resolve_models
from tasks_lib.schema import EvalLog, EvalModelConfig, EvalSample, EvalScore, EvalScorer
from tasks_lib.steps import Rescoring
from tasks_lib.task import (
    Scorer,
    ScoreReducer,
    ScoreReducers,
    ScorerPlan,
    eval_scorer,
    logged_metrics,
    logged_scorer,
    metric_definitions,
    plan_of_scorer,
    scorer_plans,
)

logger = logging.getLogger(__name__)


class ScoreJob:
    """All that scoring one log needs. A plain class on purpose, as `RunPlan` is."""

    def __init__(  # noqa: PLR0913 - stands in for a dataclass
        self,
        *,
        source: Source,
        header: EvalLog,
        rescoring: Rescoring,
        plans: Sequence[ScorerPlan],
        kept: Mapping[str, Sequence[EvalScore]],
        reducers: Mapping[str, ScoreReducer],
        model: Model,
        roles: Mapping[str, Model],
        options: ScoreOptions,
    ) -> None:
        self.source = source
        self.header = header
        """The scored log to be, without samples and results."""
        self.rescoring = rescoring
        self.plans = plans
        """What is computed of the scores of each scorer, those of the log first."""
        self.kept = kept
        """Results of the log, by scorer, that cannot be computed anew and stay as they are."""
        self.reducers = reducers
        self.model = model
        self.roles = roles
        self.options = options

    @property
    def models(self) -> list[Model]:
        """All models that scorers may ask."""
        return [self.model, *self.roles.values()]

    @property
    def folder(self) -> str | None:
        """Where the scored log is written, None if it only is in memory."""
        if self.source.is_memory and not self.options.overwrite and self.options.output is None:
            return None
        return self.options.output or self.source.folder

    @property
    def names(self) -> list[str]:
        """The names that the scored log has scores of, as far as they are known, old ones first."""
        old = _scores(self.source.header) if self.rescoring.keeps_scores else []
        names = [*(score.scorer for score in old), *(plan.name for plan in self.plans)]
        return list(dict.fromkeys(names))

    def samples(self) -> Iterator[EvalSample]:
        """Yield the samples of the log, few in memory at a time."""
        return self.source.samples()

    def label(self, sample: EvalSample) -> str:
        """Return how Prefect names a sample."""
        epochs = self.header.eval.config.epochs or 1
        return str(sample.id) if epochs == 1 else f"{sample.id}/{sample.epoch}"


def score_jobs(
    sources: Sequence[Source], scorers: Any, reducers: ScoreReducers | None, options: ScoreOptions
) -> list[ScoreJob]:
    """Return a job for each log.

    Raises:
        PrerequisiteError: Something is unknown, missing or contradictory.
    """
    given = None if scorers is None else _given_scorers(scorers)
    return [_job(source, given, reducers, options) for source in sources]


def _job(
    source: Source,
    given: Sequence[Scorer] | None,
    asked: ScoreReducers | None,
    options: ScoreOptions,
) -> ScoreJob:
    old = source.header
    if options.overwrite and not old.location:
        expected = "a log that was read from a file: this one has no location"
        raise ParameterError("score", "overwrite", options.overwrite, expected)
    header = old.model_copy(update={"samples": None, "reductions": None}).model_copy(deep=True)
    spec = header.eval
    scorers = _logged_scorers(source) if given is None else given
    reducers = _reducers(asked, old)
    appends = options.action == "append"
    if options.metrics is not None:
        spec.metrics = metric_definitions(options.metrics)
    logged, kept = _logged_plans(old, options, list(reducers)) if appends else ([], {})
    taken = {*source.score_names, *(plan.name for plan in logged)} if appends else set()
    new = _named_apart(_new_plans(scorers, header, options), taken)
    spec.scorers = [*((spec.scorers or []) if appends else []), *map(eval_scorer, new)]
    spec.config.epochs_reducer = list(reducers)
    if options.errors_as_incorrect is not None:
        spec.config.errors_as_incorrect = options.errors_as_incorrect
    if options.fail_on_error is not None:
        spec.config.fail_on_error = options.fail_on_error
    header.location = ""
    named = [(plan.name, scorer) for plan, scorer in zip(new, scorers, strict=True)]
    model, roles = _models(old, options)
    return ScoreJob(
        source=source,
        header=header,
        rescoring=Rescoring(header, named, keeps_scores=appends),
        plans=[*logged, *new],
        kept=kept,
        reducers=reducers,
        model=model,
        roles=roles,
        options=options,
    )


def _given_scorers(scorers: Any) -> list[Scorer]:
    several = (
        list(scorers)
        if isinstance(scorers, Sequence) and not isinstance(scorers, str)
        else [scorers]
    )
    named = by_name("scorers", several, "score")
    if not several:
        raise ParameterError("score", "scorers", scorers, "at least one; None: those of the log")
    return resolve_scorers(named, "score")


def _logged_scorers(source: Source) -> list[Scorer]:
    logged = source.header.eval.scorers
    if not logged:
        raise PrerequisiteError(
            f"score: {source.label} was not scored, so there is no scorer to repeat. "
            "Say which: scorers=… (--scorer)."
        )
    return [logged_scorer(scorer) for scorer in logged]


def _reducers(asked: ScoreReducers | None, log: EvalLog) -> dict[str, ScoreReducer]:
    config = log.eval.config
    named = create_reducers(asked or config.epochs_reducer, config.epochs or 1)
    return {reducer.name: reducer.reducer for reducer in named}


def _logged_plans(
    log: EvalLog, options: ScoreOptions, reducers: Sequence[str]
) -> tuple[list[ScorerPlan], dict[str, Sequence[EvalScore]]]:
    """Return what is computed of the scores that a log has, and the results that stay."""
    plans: list[ScorerPlan] = []
    kept: dict[str, Sequence[EvalScore]] = {}
    for scorer in log.eval.scorers or ():
        if options.metrics is not None:
            plans.append(_without_metrics(scorer, options.metrics))
            continue
        try:
            plans.append(plan_of_scorer(scorer, log))
        except PrerequisiteError as error:
            if list(reducers) != (log.eval.config.epochs_reducer or ["mean"]):
                raise
            logger.warning(
                "The metrics of %r stay as they are logged, they cannot be computed here: %s",
                scorer.name,
                error,
            )
            plans.append(_without_metrics(scorer, []))
            kept[scorer.name] = [old for old in _scores(log) if old.scorer == scorer.name]
    return plans, kept


def _without_metrics(scorer: EvalScorer, metrics: Any) -> ScorerPlan:
    return ScorerPlan(scorer.name, metrics, scorer.options or {}, scorer.metadata or {})


def _new_plans(
    scorers: Sequence[Scorer], header: EvalLog, options: ScoreOptions
) -> list[ScorerPlan]:
    """Return plans of the new scorers: with the log's metrics, if its task had some."""
    if options.metrics is not None or header.eval.metrics is None:
        return scorer_plans(scorers, options.metrics)
    return scorer_plans(scorers, logged_metrics(header.eval.metrics))


def _named_apart(plans: Sequence[ScorerPlan], names: set[str]) -> list[ScorerPlan]:
    """Return the plans with names that nobody has: `match-1`, `match-2` for another `match`."""
    taken = set(names)
    apart: list[ScorerPlan] = []
    for plan in plans:
        name, number = plan.name, 0
        while name in taken:
            number += 1
            name = f"{plan.name}-{number}"
        taken.add(name)
        apart.append(replace(plan, name=name))
    return apart


def _models(log: EvalLog, options: ScoreOptions) -> tuple[Model, dict[str, Model]]:
    """Return the evaluated model and the roles; those of the log are made when they are asked."""
    spec = log.eval
    if options.model is not None:
        [model] = resolve_models(options.model)
    else:
        logged = EvalModelConfig(
            model=spec.model,
            config=spec.model_generate_config,
            base_url=spec.model_base_url,
            args=spec.model_args,
        )
        model = DeferredModel(spec.model, _making(logged))
    given = resolve_model_roles(options.model_roles)
    roles = {
        role: _logged_role(role, of)
        for role, of in (spec.model_roles or {}).items()
        if role not in given
    }
    return model, {**roles, **given}


def _logged_role(role: str, logged: EvalModelConfig | list[EvalModelConfig]) -> Model:
    if isinstance(logged, list):
        raise PrerequisiteError(
            f"score: the role {role!r} of the log has {len(logged)} models; pass one of them as "
            "model_roles."
        )
    return DeferredModel(logged.model, _making(logged, role), role)


def _making(logged: EvalModelConfig, role: str | None = None) -> Callable[[], Model]:
    return partial(logged_model, "score", logged, role)


def _scores(log: EvalLog) -> list[EvalScore]:
    return log.results.scores if log.results else []
