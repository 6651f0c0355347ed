"""Typed access to the store."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from tasks_lib.context._sample import store as current_store
from tasks_lib.context._store import Store


class StoreModel(BaseModel):
    """A model whose fields live in a store, under `Class:field` or `Class:instance:field`.

    Fields are read from and written to the store; assigning one validates the whole model.
    Fields need defaults unless the store has them.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    store: Store = Field(default_factory=current_store, exclude=True)
    """The store; by default that of the running sample."""
    instance: str | None = Field(default=None, exclude=True)
    """Keeps several models of one class apart."""

    def __init__(self, **data: Any) -> None:
        target = data.get("store") or current_store()
        for name in self._stored_fields():
            key = self._key(name, data.get("instance"))
            if name not in data and key in target:
                data[name] = target.get(key)
        super().__init__(**data)
        for name in self._stored_fields():
            value = self.__dict__[name]
            if isinstance(value, StoreModel):
                raise TypeError(f"{type(self).__name__}.{name} is a StoreModel: they don't nest.")
            self.store.set(self._key(name, self.instance), value)

    def __getattribute__(self, name: str) -> Any:
        fields = object.__getattribute__(self, "__dict__")
        if name in fields and name in type(self)._stored_fields() and "store" in fields:
            key = type(self)._key(name, fields["instance"])
            if key in fields["store"]:
                return fields["store"].get(key)
        return super().__getattribute__(name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self._stored_fields():
            super().__setattr__(name, value)
            return
        current = {field: getattr(self, field) for field in self._stored_fields()}
        checked = type(self).model_validate(
            {**current, name: value, "store": Store(), "instance": self.instance}
        )
        super().__setattr__(name, checked.__dict__[name])
        self.store.set(self._key(name, self.instance), checked.__dict__[name])

    @classmethod
    def _stored_fields(cls) -> list[str]:
        return [name for name in cls.model_fields if name not in ("store", "instance")]

    @classmethod
    def _key(cls, name: str, instance: str | None) -> str:
        middle = f"{instance}:" if instance else ""
        return f"{cls.__name__}:{middle}{name}"


SM = TypeVar("SM", bound=StoreModel)


def store_as(model_cls: type[SM], instance: str | None = None) -> SM:
    """Return the store of the running sample as a `StoreModel`."""
    return model_cls(store=current_store(), instance=instance)
