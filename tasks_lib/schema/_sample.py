"""What a dataset is made of, and what a sample is scored against."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from random import Random
from string import ascii_uppercase
from typing import Annotated, Any, TypeAlias, TypeVar, overload

from pydantic import BaseModel, ConfigDict, Field

from tasks_lib.schema._message import ChatMessage
from tasks_lib.schema._sandbox import SandboxEnvironmentType

M = TypeVar("M", bound=BaseModel)


class Sample(BaseModel):
    """A question with the answer that is expected."""

    model_config = ConfigDict(extra="forbid")

    def __init__(
        self,
        input: str | list[ChatMessage],
        choices: list[str] | None = None,
        target: str | list[str] = "",
        id: int | str | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            input=input, choices=choices, target=target, id=id, metadata=metadata, **kwargs
        )

    input: str | list[ChatMessage]
    """The question, or the conversation that leads to it."""
    choices: list[str] | None = None
    """The answers to choose from."""
    target: str | list[str] = ""
    """The right answer or answers; a letter per right choice; or a grader's criterion."""
    id: int | str | None = None
    """Unique in the dataset; None: its position, counted from 1."""
    metadata: dict[str, Any] | None = None
    """Whatever solvers and scorers want to know besides."""
    sandbox: SandboxEnvironmentType | None = None
    """Type of sandbox, or type and config file, or a `SandboxEnvironmentSpec`."""
    files: dict[str, str] | None = None
    """Files that the sandbox gets: path there to path here, URL, data URI or text."""
    setup: str | None = None
    """Script (path, data URI or text) that runs in the sandbox before the solver."""

    def metadata_as(self, metadata_cls: type[M]) -> M:
        """Return the metadata as a frozen pydantic model. Raises ValueError if it can't be."""
        return metadata_as(self.metadata or {}, metadata_cls)


class LoggedSample(Sample):
    """A sample that a log holds, with fields that this version does not know."""

    model_config = ConfigDict(extra="allow")

    sandbox: Any = None
    """As JSON."""


AnySample: TypeAlias = Annotated[Sample | LoggedSample, Field(union_mode="left_to_right")]
"""A sample as a log holds it; a `LoggedSample` only where it must be."""


def metadata_as(metadata: dict[str, Any], metadata_cls: type[M]) -> M:
    """Return the fields of `metadata` that `metadata_cls` has as an instance of it.

    Raises:
        ValueError: The class is not frozen (changes to it would be lost) or does not fit.
    """
    if not metadata_cls.model_config.get("frozen", False):
        raise ValueError(
            f"{metadata_cls.__name__} must be frozen (ConfigDict(frozen=True)): changes to it "
            "would not reach the sample's metadata."
        )
    fields = {key: metadata[key] for key in metadata_cls.model_fields if key in metadata}
    return metadata_cls.model_validate(fields)


class Target(Sequence[str]):
    """The right answer or answers of a sample."""

    __slots__ = ("target",)

    def __init__(self, target: str | list[str]) -> None:
        self.target = [target] if isinstance(target, str) else list(target)

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[str]: ...

    def __getitem__(self, index: int | slice) -> str | Sequence[str]:
        return self.target[index]

    def __len__(self) -> int:
        return len(self.target)

    def __repr__(self) -> str:
        return f"Target({self.target!r})"

    def __eq__(self, other: object) -> bool:
        return self.target == other.target if isinstance(other, Target) else NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(self.target))

    @property
    def text(self) -> str:
        """All targets, put together without a separator."""
        return "".join(self.target)


@dataclass
class Choice:
    """One of the answers to choose from."""

    value: str
    """Its text."""
    correct: bool | None
    """Whether the model chose it; None: it has not answered yet."""
    original_position: int
    """Where it stood in the sample, from 0; choices can be shuffled."""


class Choices(Sequence[Choice]):
    """The answers that a model chooses from."""

    __slots__ = ("_choices",)

    def __init__(self, choices: Iterable[str | Choice]) -> None:
        self._choices = [
            Choice(choice, None, position) if isinstance(choice, str) else choice
            for position, choice in enumerate(choices)
        ]

    @overload
    def __getitem__(self, index: int) -> Choice: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Choice]: ...

    def __getitem__(self, index: int | slice) -> Choice | Sequence[Choice]:
        return self._choices[index]

    def __len__(self) -> int:
        return len(self._choices)

    def __repr__(self) -> str:
        return f"Choices({self._choices!r})"

    def mark_choice(self, index: int, correct: bool) -> None:
        """Note whether the model chose the choice at `index`."""
        self._choices[index].correct = correct

    def shuffle(self, rand: Random | None = None) -> None:
        """Put the choices in random order, in place; each keeps its original position."""
        (rand or Random()).shuffle(self._choices)

    def prompt(self, question: str, template: str) -> str:
        """Fill `{question}`, `{choices}` and `{letters}` into `template`.

        `{choices}` is a line `A) text` for each choice, `{letters}` is "A,B,C".
        """
        labels = [choice_label(index) for index in range(len(self._choices))]
        lines = [f"{label}) {choice.value}" for label, choice in zip(labels, self, strict=True)]
        return template.format(
            question=question, choices="\n".join(lines), letters=",".join(labels)
        )


def choice_label(index: int) -> str:
    """Return what the choice at `index` is called: A to Z, then numbers from 1."""
    return ascii_uppercase[index] if index < 26 else str(index - 25)


def choice_index(label: str) -> int:
    """Return the position of the choice called `label`; the inverse of `choice_label`.

    Raises:
        ValueError: `label` is neither a letter nor a positive number.
    """
    if len(label) == 1 and label.upper() in ascii_uppercase:
        return ascii_uppercase.index(label.upper())
    if label.isdecimal() and int(label) > 0:
        return int(label) + 25
    raise ValueError(f"{label!r} does not name a choice, expected A to Z or 1, 2, …")


RecordToSample = Callable[[dict[str, Any]], Sample | list[Sample]]
"""Makes one or more samples of a raw record."""
