"""The providers that come with us."""

from tasks_lib.model._providers._builtin import BUILTIN_PROVIDERS

__all__ = ["BUILTIN_PROVIDERS"]
