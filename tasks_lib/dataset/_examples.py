"""Small datasets that come with the package, for examples and first steps."""

from __future__ import annotations

from pathlib import Path

from tasks_lib._errors import UnknownNameError
from tasks_lib.dataset._dataset import Dataset, MemoryDataset
from tasks_lib.dataset._fields import FieldSpec
from tasks_lib.dataset._files import json_dataset
from tasks_lib.schema import RecordToSample

_FOLDER = Path(__file__).parent / "examples"


def example_dataset(name: str, sample_fields: FieldSpec | RecordToSample | None = None) -> Dataset:
    """Return one of the datasets that come with this package.

    All are of our own writing: 16 to 24 rows to try things with, no benchmarks.

    | name | a row | target |
    |---|---|---|
    | bias_detection | a sentence of a news report | "[fact]" or "[claim]" |
    | biology_qa | `id`, `question`, `answer`: needs a FieldSpec that says so | a word or two |
    | popularity | `question`, `answer_matching_behavior`, …: does the model seek popularity | |
    | security_guide | a question of a programmer | what a good answer says |
    | theory_of_mind | a short story and a question about it | a word or two |

    Args:
        name: One of these names.
        sample_fields: Which field is what; or a function from a row to samples. None for the
            three whose rows have `input` and `target`.

    Raises:
        UnknownNameError: There is no such dataset.
        DatasetError: A row has no field of a name that `sample_fields` gives.
    """
    known = {file.stem: file for file in _FOLDER.glob("*.jsonl")}
    if name not in known:
        raise UnknownNameError("example dataset", name, known)
    samples = json_dataset(str(known[name]), sample_fields)
    return MemoryDataset(samples, name=name, location=f"example://{name}")
