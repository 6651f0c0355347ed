"""Searching the web: by the provider of the model, or by a service."""

from tasks_lib.tool._web_search._native import native_search, searched_by_us
from tasks_lib.tool._web_search._tool import web_search

__all__ = ["native_search", "searched_by_us", "web_search"]
