"""An evaluation whose answers a model grades, with a real server as the grader's provider."""

from __future__ import annotations

from typing import Any

import pytest

from scorers import model_graded_qa
from tasks_lib import Task
from tasks_lib.log import read_eval_log
from tasks_lib.model import get_model
from tasks_lib.schema import ChatMessage, EvalSample, ModelEvent, ModelOutput, Sample, Score
from tests.flows._fault_server import SOON, FaultServer, Reply, answer, failure

pytestmark = pytest.mark.usefixtures("prefect_harness")

REPLIES = {
    "right": [answer("It has it.\n\n**Grade: c**, sure.")],
    "wrong": [answer("GRADE: I")],
    "busy": [failure(429, "slow down", headers=SOON), answer("GRADE: C")],
    "refused": [failure(400, "not this")],
    "unclear": [answer("It could be C.")],
}
"""What the grader's server does, by the answer that is to be graded."""


def grade(prompt: str, earlier: int) -> Reply:
    [replies] = [replies for said, replies in REPLIES.items() if f"I am {said}." in prompt]
    return replies[min(earlier, len(replies) - 1)]


def repeated(input: list[ChatMessage], *_: object) -> ModelOutput:
    return ModelOutput.from_content("mockllm/m", f"I am {input[-1].text}. GRADE: C")


def score_of(sample: EvalSample) -> Score:
    return (sample.scores or {})["model_graded_qa"]


def verdict(sample: EvalSample) -> tuple[str, str]:
    score = score_of(sample)
    return ("unscored" if score.is_unscored else score.text, score.explanation or "")


def test_graded_by_a_role(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "key-of-this-test")
    samples = [Sample(id=said, input=said, target="To be right.") for said in REPLIES]
    task = Task(dataset=samples, scorer=model_graded_qa(), name="graded")

    with FaultServer(grade) as server:
        log = run(
            task,
            get_model("mockllm/m", custom_outputs=repeated),
            model_roles={"grader": {"model": "openai/judge", "base_url": server.url}},
        )

    log = read_eval_log(log.location)
    scored, results = log.samples or [], log.results
    assert {sample.id: verdict(sample) for sample in scored} == {
        "right": ("C", "It has it.\n\n**Grade: c**, sure."),
        "wrong": ("I", "GRADE: I"),
        "busy": ("C", "GRADE: C"),
        "refused": (
            "unscored",
            "Not scored: the grader openai/judge failed: RequestError: openai/judge: "
            "status 400: not this",
        ),
        "unclear": (
            "unscored",
            "Not scored: the grader openai/judge gave no grade: It could be C.",
        ),
    }
    assert results is not None
    [score] = results.scores
    assert (log.status, score.scored_samples, score.unscored_samples) == ("success", 3, 2)
    assert score.metrics["accuracy"].value == pytest.approx(2 / 3, abs=1e-12)
    assert sorted(server.requests.values()) == [1, 1, 1, 1, 2]
    assert log.stats.model_usage["openai/judge"].total_tokens == 4 * 4
    right = scored[0]
    calls = [event for event in right.events if isinstance(event, ModelEvent)]
    assert [(call.model, call.role) for call in calls] == [
        ("mockllm/m", None),
        ("openai/judge", "grader"),
    ]
    kept = (score_of(right).metadata or {})["grading"]
    assert [(message["role"], message["content"]) for message in kept] == [
        ("user", calls[1].input[0].text),
        ("assistant", calls[1].output.completion),
    ]
