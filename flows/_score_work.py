"""What tells one scoring of a log from another, so that the same call goes on with it."""

from __future__ import annotations

import json
from hashlib import sha256

from flows._score_job import ScoreJob
from flows._score_source import Source
from tasks_lib._util._json import to_plain
from tasks_lib._util._params import plain_params
from tasks_lib.log import open_place, sample_row
from tasks_lib.model import Model
from tasks_lib.schema import EvalScorer
from tasks_lib.task import eval_scorer


def work_of(job: ScoreJob) -> str:
    """Return a digest of all that makes a difference to the scores of the samples.

    The log as it is now, the scorers with their arguments, what becomes of scores that there
    are, and the models that the call names. Not: what is computed of the scores (metrics,
    reducers), and what stops the scoring. What code does that has the same name is not seen.

    Raises:
        OSError: The store of the log does not answer.
    """
    old = job.source.header.model_dump(exclude={"samples", "reductions", "location"})
    new = job.plans[len(job.plans) - len(job.rescoring.scorers) :]
    content = {
        "log": [old, _content(job.source)],
        "scorers": [_scorer(eval_scorer(plan)) for plan in new],
        "keeps_scores": job.rescoring.keeps_scores,
        "names": job.names,
        "model": _model(job.model) if job.options.model is not None else None,
        "roles": {role: _model(job.roles[role]) for role in job.options.model_roles or ()},
    }
    return sha256(json.dumps(to_plain(content), sort_keys=True).encode("ascii")).hexdigest()


def _content(source: Source) -> str:
    """Return what changes with the samples of a log."""
    if not source.is_memory:
        place = open_place(source.header.location)
        place.fs.invalidate_cache(place.path)
        return str(place.fs.ukey(place.path))
    digest = sha256()
    for sample in source.header.samples or ():
        digest.update(repr(sample_row(sample)).encode("ascii", "backslashreplace"))
    return digest.hexdigest()


def _scorer(scorer: EvalScorer) -> dict[str, object]:
    return scorer.model_dump(exclude={"metrics"})


def _model(model: Model) -> list[object]:
    return [str(model), model.config, model.base_url, plain_params(model.log_args())]
