"""Step 1: the dataset as a stream of samples and epochs."""

from __future__ import annotations

from collections.abc import Container, Iterator

from tasks_lib.schema import Sample
from tasks_lib.task import RunPlan

SampleKey = tuple[int | str, int]
"""Id and epoch: what tells the samples of a log apart."""


def load(plan: RunPlan, done: Container[SampleKey] = ()) -> Iterator[tuple[Sample, int]]:
    """Yield each sample with its epoch, epoch by epoch, except those in `done`."""
    for epoch in range(1, plan.epochs + 1):
        for sample in plan.samples:
            if sample.id is not None and (sample.id, epoch) not in done:
                yield sample, epoch
