"""What model calls cost: a table of prices, applied to what calls used.

    # US dollars for a million tokens
    openai/gpt-4o-mini: {input: 0.15, output: 0.60, input_cache_read: 0.075}
    my-finetune: {input: 0.30, output: 1.20}

A model's prices are those under its full name (`provider/name`), else those under its name
without the provider. Nothing is guessed beyond that: a model that is not in the table, and a
call that used tokens of a kind without a price, has no known cost.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from reprlib import repr as shortened
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tasks_lib._errors import MissingFileError, PriceTableError, nearest_hint
from tasks_lib._util._yaml import LocatedYaml, read_settings
from tasks_lib.schema import ModelUsage

logger = logging.getLogger(__name__)

_Dollars = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class ModelCost(BaseModel):
    """What a model's tokens cost, in US dollars for a million of them.

    The prices are the same for every call: surcharges for long conversations, times of day or
    other service tiers, and prices of what is no token (searches, images), are not known here.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    input: _Dollars
    """Of tokens sent that have nothing to do with the provider's cache."""
    output: _Dollars
    """Of tokens generated, reasoning tokens included."""
    input_cache_write: _Dollars | None = None
    """Of tokens sent that the provider put into its cache; None: not known."""
    input_cache_read: _Dollars | None = None
    """Of tokens sent that the provider had in its cache; None: not known."""


class PriceTable:
    """The prices of models, by name. Made by `load_prices`.

    A plain class on purpose: Prefect walks dataclasses and pydantic models field by field
    whenever they are passed to a Prefect task.
    """

    __slots__ = ("_prices", "_told")

    def __init__(self, prices: Mapping[str, ModelCost]) -> None:
        """Take prices by full name (`provider/name`), or by name for all providers."""
        self._prices = dict(prices)
        self._told: set[str] = set()

    def __contains__(self, model: object) -> bool:
        """Whether calls of a model (`provider/name`) have a price."""
        name = str(model)
        return name in self._prices or name.partition("/")[2] in self._prices

    def cost(self, model: str, usage: ModelUsage) -> float | None:
        """Return what calls of a model (`provider/name`) cost in US dollars.

        None, if the model is not in the table, or a price that is needed is not, or the
        counts contradict each other; which of them is logged, once for each model.
        """
        cost = self._cost(model, usage)
        if not isinstance(cost, str):
            return cost
        message = f"The cost of {model!r} is not known: {cost}."
        if message not in self._told:
            self._told.add(message)
            logger.warning(message)
        return None

    def _cost(self, model: str, usage: ModelUsage) -> float | str:
        """Return the cost, or why it is not known."""
        price = self._prices.get(model) or self._prices.get(model.partition("/")[2])
        if price is None:
            return "the price table does not have this model"
        read, written = usage.input_tokens_cache_read or 0, usage.input_tokens_cache_write or 0
        if read and price.input_cache_read is None:
            return "the price table has no 'input_cache_read' for it"
        if written and price.input_cache_write is None:
            return "the price table has no 'input_cache_write' for it"
        uncached = usage.input_tokens - read - written
        if uncached < 0:
            return "its provider counts more cached tokens than were sent"
        dollars = uncached * price.input + usage.output_tokens * price.output
        dollars += read * (price.input_cache_read or 0) + written * (price.input_cache_write or 0)
        return dollars / 1_000_000


def load_prices(source: str | Path | Mapping[str, ModelCost | Mapping[str, Any]]) -> PriceTable:
    """Return the table of prices in a YAML or JSON file, or of a mapping.

    Args:
        source: Path of the file (JSON if it ends in .json), or its content: the prices of
            each model, with the fields of `ModelCost`.

    Raises:
        MissingFileError: There is no such file.
        PriceTableError: It cannot be read, or has a wrong key or value; the message names the
            line and the field.
    """
    if isinstance(source, Mapping):
        return _Reader(None, LocatedYaml(source, {})).table()
    name = str(source)
    try:
        content = read_settings(Path(source).expanduser(), name, PriceTableError)
    except FileNotFoundError as error:
        raise MissingFileError("price table", name) from error
    return _Reader(name, content).table()


_prices: ContextVar[PriceTable | None] = ContextVar("prices", default=None)


@contextmanager
def use_prices(table: PriceTable | None) -> Iterator[None]:
    """Let model calls of this context say what they cost; None: they don't."""
    token = _prices.set(table)
    try:
        yield
    finally:
        _prices.reset(token)


def with_cost(model: str, usage: ModelUsage) -> ModelUsage:
    """Return the usage of a call with its cost, by the table of this context.

    It is the same object if there is no table, if the provider has said the cost itself, or
    if the cost is not known.
    """
    table = _prices.get()
    if table is None or usage.total_cost is not None:
        return usage
    cost = table.cost(model, usage)
    return usage if cost is None else usage.model_copy(update={"total_cost": cost})


class _Reader:
    """Checks the content of a price table."""

    def __init__(self, path: str | None, content: LocatedYaml) -> None:
        self._path = path
        self._content = content

    def table(self) -> PriceTable:
        models = self._mapping(self._content.content, None)
        return PriceTable({name: self._price(name, value) for name, value in models.items()})

    def _price(self, model: str, value: object) -> ModelCost:
        if isinstance(value, ModelCost):
            return value
        try:
            return ModelCost.model_validate(self._mapping(value, model))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            name = str(first["loc"][0])
            raise self._error(_problem(name, first["type"], first["input"]), model, name) from None

    def _mapping(self, value: object, model: str | None) -> Mapping[str, Any]:
        what = "models with their prices" if model is None else "prices by kind of token"
        if not isinstance(value, Mapping):
            got = "nothing" if value is None else shortened(value)
            raise self._error(f"expected {what}, got {got}.", model)
        for key in value:
            if not isinstance(key, str):
                raise self._error(f"the key {key!r} is no text: put it in quotes.", model)
        return value

    def _error(self, message: str, model: str | None, name: str = "") -> PriceTableError:
        field = f"{model}.{name}" if name else model
        line = self._content.line(field or "")
        return PriceTableError(message, path=self._path, line=line, field=field)


def _problem(name: str, kind: str, value: object) -> str:
    if kind == "extra_forbidden":
        return f"unknown. {nearest_hint(name, ModelCost.model_fields)}"
    if kind == "missing":
        return "missing. A model needs 'input' and 'output'; 0 is a price."
    return f"expected US dollars for a million tokens, 0 or more, got {shortened(value)}."
