"""Typed access to the store."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
)

from tasks_lib.context._store import Store
from tasks_lib.context._store import store as current_store


class _Unbound(Store):
    """What a model has for a store until its values are found valid."""

    __slots__ = ()


class StoreModel(BaseModel):
    """A model whose fields live in a store, under `Class:field` or `Class:instance:field`.

    Fields are read from and written to the store, so that all models of a class and instance
    show the same values. A model begins with what is stored; what is missing there is stored:
    the values that are passed, else the defaults.

    Raises:
        ValidationError: A field has a wrong value, or neither a default nor a stored value.
            Assigning a field validates the whole model, and changes nothing if that fails.
        TypeError: The value of a field is a StoreModel itself: they do not nest.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, populate_by_name=True)

    store: Store = Field(default_factory=current_store, exclude=True, repr=False)
    """The store; by default that of the running sample."""
    instance: str | None = Field(default=None, exclude=True)
    """Keeps several models of one class apart."""

    def __init__(self, **data: Any) -> None:
        target = data.pop("store", None)
        if target is None:
            target = current_store()
        for name in self._stored_fields():
            key = self._key(name, data.get("instance"))
            if name not in data and key in target:
                data[name] = target.get(key)
        # Validators see what they validate, not what is stored.
        super().__init__(**data, store=_Unbound())
        values = {name: self.__dict__[name] for name in self._stored_fields()}
        for name, value in values.items():
            if isinstance(value, StoreModel):
                raise TypeError(f"{type(self).__name__}.{name} is a StoreModel: they don't nest.")
        self.store = target
        for name, value in values.items():
            self._put(name, value)

    def __getattribute__(self, name: str) -> Any:
        fields = object.__getattribute__(self, "__dict__")
        if name in fields and name in type(self)._stored_fields() and "store" in fields:
            key = type(self)._key(name, fields["instance"])
            if key in fields["store"]:
                return fields["store"].get(key)
        return super().__getattribute__(name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self._stored_fields() or isinstance(self.store, _Unbound):
            super().__setattr__(name, value)
            return
        current = {field: getattr(self, field) for field in self._stored_fields()}
        changed = {**current, name: value}
        checked = type(self)(**changed, store=Store(), instance=self.instance)
        for field in self._stored_fields():
            self._put(field, checked.__dict__[field])

    @model_serializer(mode="wrap")
    def _serialize(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Write what is stored now: pydantic itself looks past `__getattribute__`."""
        for name in self._stored_fields():
            self.__dict__[name] = getattr(self, name)
        written: dict[str, Any] = handler(self)
        return written

    def _put(self, name: str, value: object) -> None:
        """Store a value, unless it is there: others may hold on to the object that is."""
        self.__dict__[name] = value
        key = self._key(name, self.instance)
        if key in self.store:
            stored = self.store.get(key)
            if type(stored) is type(value) and stored == value:
                return
        self.store.set(key, value)

    @classmethod
    def _stored_fields(cls) -> list[str]:
        return [name for name in cls.model_fields if name not in ("store", "instance")]

    @classmethod
    def _key(cls, name: str, instance: str | None) -> str:
        middle = f"{instance}:" if instance is not None else ""
        return f"{cls.__name__}:{middle}{name}"


SM = TypeVar("SM", bound=StoreModel)


def store_as(model_cls: type[SM], instance: str | None = None) -> SM:
    """Return the store of the running sample as a `StoreModel`."""
    return model_cls(store=current_store(), instance=instance)
