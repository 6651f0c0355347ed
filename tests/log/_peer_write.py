"""Runs in the reference's environment: evaluations with everything that a log can hold.

    python -m tests.log._peer_write FOLDER

Writes `agent.eval`, `scored.eval`, `running.eval` (a copy made while it was written) and
`scored.json` into the folder.
"""

from __future__ import annotations

import logging
import math
import shutil
import sys
from collections import Counter
from pathlib import Path

from inspect_ai import Epochs, Task, eval, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.log import transcript
from inspect_ai.model import (
    ChatMessageSystem,
    ChatMessageUser,
    ContentImage,
    ContentText,
    ModelOutput,
    ModelUsage,
    get_model,
)
from inspect_ai.scorer import Score, Scorer, Target, includes, match, mean, scorer
from inspect_ai.solver import (
    Generate,
    Solver,
    TaskState,
    generate,
    solver,
    system_message,
    use_tools,
)
from inspect_ai.tool import Tool, ToolError, tool
from inspect_ai.util import sandbox, span, store, subtask

IMAGE = "data:image/png;base64," + "iVBORw0KGgo" * 40
LONG = "A text that is long enough for an attachment, which takes a hundred characters. " * 3
LOGGER = logging.getLogger("peer")


def _output(text: str = "", tool: str | None = None, **arguments: object) -> ModelOutput:
    if tool:
        output = ModelOutput.for_tool_call("mockllm/model", tool, arguments)
    else:
        output = ModelOutput.from_content("mockllm/model", text)
    output.usage = ModelUsage(
        input_tokens=12, output_tokens=5, total_tokens=17, total_cost=0.000625
    )
    return output


@tool  # type: ignore[untyped-decorator]
def add() -> Tool:
    async def execute(x: int, y: int) -> int:
        """Add two numbers.

        Args:
            x: One.
            y: The other.
        """
        return x + y

    return execute


@tool  # type: ignore[untyped-decorator]
def fail() -> Tool:
    async def execute(how: str) -> str:
        """Fail.

        Args:
            how: In which way.
        """
        if how == "permission":
            raise PermissionError("not yours")
        raise ToolError(f"failed: {how}, {LONG}")

    return execute


@solver  # type: ignore[untyped-decorator]
def everything() -> Solver:
    @subtask  # type: ignore[untyped-decorator]
    async def look(what: str) -> str:
        store().set("looked", what)
        return what.upper()

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        transcript().info({"a": [1, None, 0.5], "long": LONG}, source="peer")
        LOGGER.warning("A warning of the solver")
        store().set("list", [1, {"two": 2}])
        async with span("inner", type="mine"):
            store().set("list", [1, {"two": 3}, "four"])
            await look("here")
        await sandbox().write_file("a.txt", "hello")
        await sandbox().exec(["cat", "a.txt"])
        grader = get_model(role="grader")
        await grader.generate([ChatMessageUser(content="Is it right?")])
        state.metadata["changed"] = True
        return await generate(state)

    return solve


@scorer(metrics={"a": [mean()], "b": [mean()]})  # type: ignore[untyped-decorator]
def parts() -> Scorer:
    async def score(state: TaskState, target: Target) -> Score:
        value = {"a": 1.0, "b": math.nan if state.sample_id == "x/y" else 0.25}
        return Score(value=value, explanation=LONG, metadata={"why": ["because"]})

    return score


@task(name="agent", attribute="yes")  # type: ignore[untyped-decorator]
def agent(level: int = 3) -> Task:
    outputs = [
        _output(tool="add", x=1, y=2),
        _output(tool="fail", how="tool"),
        _output(tool="fail", how="permission"),
        _output(tool="add", x="no number"),
        _output(tool="nothing"),
        _output("The answer is 3."),
    ]
    question = [
        ChatMessageSystem(content=LONG),
        ChatMessageUser(content=[ContentText(text="What is this?"), ContentImage(image=IMAGE)]),
    ]
    return Task(
        dataset=MemoryDataset(
            [Sample(input=question, target="3", id=1, metadata={"image": IMAGE, "none": None})],
            name="pictures",
        ),
        solver=[
            system_message("Use {tool}.", tool="tools"),
            use_tools(add(), fail()),
            everything(),
        ],
        scorer=includes(),
        sandbox="local",
        setup=generate(),
        model=get_model("mockllm/model", custom_outputs=[_output("Ready."), *outputs]),
        model_roles={"grader": get_model("mockllm/grader", custom_outputs=[_output("Yes.")])},
        approval="tests/log/_peer_approval.yaml",
        version="1-a",
        metadata={"of": "task", "level": level},
    )


def _copy_log(log_dir: str, target: str) -> None:
    shutil.copy(next(Path(log_dir).glob("*.eval")), target)


TRIES: Counter[tuple[int | str, int]] = Counter()


@solver  # type: ignore[untyped-decorator]
def troubled(log_dir: str, copy_to: str) -> Solver:
    async def solve(state: TaskState, generate: Generate) -> TaskState:
        key = (state.sample_id, state.epoch)
        TRIES[key] += 1
        if state.sample_id == "broken":
            raise ValueError(f"this sample never works: {LONG}")
        if state.sample_id == "shaky" and TRIES[key] % 2:
            await generate(state)
            raise RuntimeError("only the second try works")
        if state.sample_id == "endless":
            for _ in range(20):
                state = await generate(state)
                state.messages.append(ChatMessageUser(content="Go on."))
        if key == ("last", 1) and copy_to:
            _copy_log(log_dir, copy_to)
        return await generate(state)

    return solve


@task(name="scored")  # type: ignore[untyped-decorator]
def scored(log_dir: str, copy_to: str = "") -> Task:
    ids: list[int | str] = [7, "x/y", "..", "broken", "shaky", "endless", "last"]
    return Task(
        dataset=MemoryDataset(
            [
                Sample(input=f"Question {i}", target=["3", "three"], id=i, choices=["3", "4"])
                for i in ids
            ]
        ),
        solver=[troubled(log_dir, copy_to), generate()],
        scorer=[match(location="any"), includes(), parts()],
        epochs=Epochs(2, ["mean", "max"]),
        model=get_model("mockllm/model", custom_outputs=lambda *_: _output("Surely 3.")),
        fail_on_error=False,
        message_limit=8,
    )


def main(folder: Path) -> None:
    """Run the evaluations and put their logs where they are expected."""
    for task_of, name in (
        (lambda _: agent(level=4), "agent.eval"),
        (lambda d: scored(d, str(folder / "running.eval")), "scored.eval"),
        (scored, "scored.json"),
    ):
        log_dir = folder / f"{name}.logs"
        [log] = eval(
            task_of(str(log_dir)),
            log_dir=str(log_dir),
            log_format=name.rpartition(".")[2],
            log_buffer=1,
            max_samples=1,
            retry_on_error=1,
            temperature=0.5,
            tags=["one", "two"],
            metadata={"by": "peer"},
            display="none",
        )
        Path(log.location).rename(folder / name)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
