"""Providers of installed packages."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

ROOT = Path(__file__).parents[2]

PROVIDER = '''
    """Models of Acme."""

    from tasks_lib.model import ModelAPI, modelapi
    from tasks_lib.schema import ModelOutput


    @modelapi("acme")
    class AcmeAPI(ModelAPI):
        """Says what it was told, louder."""

        def __init__(self, model_name, base_url=None, api_key=None, config=None, *, marks=1):
            super().__init__(model_name, base_url, api_key, config=config)
            self.marks = marks

        async def generate(self, input, tools, tool_choice, config):
            return ModelOutput.from_content(self.model_name, input[-1].text + "!" * self.marks)
'''

EVALUATION = """
    import asyncio
    from tasks_lib.context import SampleContext, use_sample
    from tasks_lib.model import get_model

    with use_sample(SampleContext()) as context:
        output = asyncio.run(get_model("acme/big", marks=2).generate("Hello"))
    print(output.completion, context.transcript.events[0].model)
"""

WRONG_NAME = """
    from tasks_lib._errors import UnknownNameError
    from tasks_lib.model import get_model

    try:
        get_model("{name}/big")
    except UnknownNameError as error:
        print(error)
"""


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder of packages in which acme-models 1.0 is installed."""
    info = tmp_path / "acme_models-1.0.dist-info"
    info.mkdir()
    (tmp_path / "acme_models.py").write_text(dedent(PROVIDER))
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-models\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[prefect_evals]\nacme = acme_models\n")
    (info / "RECORD").write_text("acme_models.py,,\n")
    return tmp_path


def run(program: str, packages: Path) -> str:
    """Return what a program prints in a Python of its own that finds `packages`."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{packages}"}
    done = subprocess.run(
        [sys.executable, "-c", dedent(program)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_provider_of_a_package_answers(installed: Path) -> None:
    assert run(EVALUATION, installed) == "Hello!! acme/big"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        pytest.param("acne", "No model provider is named 'acne'. Did you mean 'acme'?", id="near"),
        pytest.param("xyzzyx", "Known: 'acme', 'anthropic', 'azureai'", id="far"),
    ],
)
def test_an_unknown_provider_offers_those_of_packages(
    installed: Path, name: str, said: str
) -> None:
    assert said in run(WRONG_NAME.format(name=name), installed)


def test_without_the_package(tmp_path: Path) -> None:
    assert run(WRONG_NAME.format(name="acme"), tmp_path).startswith(
        "No model provider is named 'acme'."
    )
