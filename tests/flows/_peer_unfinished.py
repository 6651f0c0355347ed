"""Runs in the reference's environment: an evaluation of which some samples fail.

    python -m tests.flows._peer_unfinished FOLDER LOG_FORMAT

The task file is in the folder; the log goes there, too. Prints the name of its file as JSON.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from inspect_ai import eval
from inspect_ai.model import ModelOutput, ModelUsage, get_model


def _output() -> ModelOutput:
    """Return what needs no tokenizer, which would be downloaded."""
    output = ModelOutput.from_content("mockllm/model", "Default output")
    output.usage = ModelUsage(input_tokens=12, output_tokens=5, total_tokens=17)
    return output


def main(folder: str, log_format: str) -> None:
    os.chdir(folder)
    [log] = eval(
        "questions.py@questions",
        model=get_model("mockllm/model", custom_outputs=[_output() for _ in range(6)]),
        task_args={"count": 3},
        epochs=2,
        fail_on_error=False,
        log_dir="logs",
        log_format=log_format,
        display="none",
        temperature=0.5,
    )
    print(json.dumps(Path(log.location).name))


if __name__ == "__main__":
    main(*sys.argv[1:])
