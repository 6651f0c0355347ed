from __future__ import annotations

import pytest

from tasks_lib._util._models import build
from tasks_lib.schema import ContentText, EvalSampleLimit, Score


def test_built_models_equal_validated_ones() -> None:
    score = build(Score, value="C", answer="a")

    assert score == Score(value="C", answer="a")
    assert score.model_dump_json() == Score(value="C", answer="a").model_dump_json()
    assert score.model_fields_set == {"value", "answer"}
    assert build(EvalSampleLimit, type="token").limit == -1
    assert build(ContentText, text="x").model_copy(update={"text": "y"}).text == "y"


def test_nothing_required_can_be_left_out() -> None:
    with pytest.raises(TypeError, match=r"Score lacks \['value'\]"):
        build(Score, answer="a")
