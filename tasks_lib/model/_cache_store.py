"""The cache of answers on disk.

```
<EVAL_CACHE_DIR>/generate/<provider>/<model>/<key>.json
```

An answer is one small JSON file that appears whole, so any number of processes may share a
cache. Only files of this form are ever read, counted or removed: a folder that holds other
things as well keeps them.
"""

from __future__ import annotations

import json
import logging
import os
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from pydantic import BaseModel

from tasks_lib._errors import ParameterError
from tasks_lib._util._cache_dir import cache_dir
from tasks_lib._util._ids import short_uuid
from tasks_lib.model._cache import CachePolicy
from tasks_lib.schema import ModelOutput

logger = logging.getLogger(__name__)

_VERSION = 1
"""Of the files; those of another version are misses."""
_ENTRY_NAME = re.compile(r"[0-9a-f]{64}\.json")
_PARTIAL_NAME = re.compile(r"[0-9a-f]{64}\.\w{22}\.partial", re.ASCII)
_PARTIAL_S = 3600
"""Seconds after which a file that is still not whole has lost its writer."""
_MOST_FOLDERS = 8
"""Folders that the name of a model may make: the rest of a longer one is the last."""
_MOST_CHARACTERS = 80
"""Of the name of a folder; longer ones are cut and end with a digest."""


class _Header(BaseModel):
    """What a file of the cache says beside the answer. Times are in Unix seconds."""

    version: Literal[1]
    model: str
    key: str
    created: float
    expires: float | None = None

    @property
    def is_expired(self) -> bool:
        return self.expires is not None and self.expires <= time.time()


class _Entry(_Header):
    """A file of the cache."""

    output: ModelOutput


def cache_path(model: str = "") -> Path:
    """Return the folder of all cached answers, or of those of `model`; it may not exist.

    It is in EVAL_CACHE_DIR or INSPECT_CACHE_DIR, else where the platform keeps the caches of
    users. `model` may also be a provider, or more of a name's beginning up to a slash. What
    cannot stand in a folder's name is escaped or shortened, so none leads elsewhere.

    Raises:
        ParameterError: The variable names a URL.
    """
    model = model.rstrip("/")
    return _folder(_root(), model) if model else _root()


def cache_fetch(model: str, key: str) -> ModelOutput | None:
    """Return the answer that is stored under `key`, None if there is none that can be used.

    One that has expired is removed. Files that are damaged, or of another version of this
    package, are as good as none. Ids of messages are new; usage and time are those of the
    request that was made.
    """
    path = _file(model, key)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        _warn_once("read", str(path.parent), error.strerror or str(error))
        return None
    try:
        entry = _Entry.model_validate(json.loads(content))
    except (ValueError, RecursionError):
        return None
    if (entry.model, entry.key) != (model, key):
        return None
    if entry.is_expired:
        with suppress(OSError):  # who may not remove it will find it expired again
            path.unlink()
        return None
    return entry.output


def cache_store(model: str, key: str, policy: CachePolicy, output: ModelOutput) -> bool:
    """Store an answer under `key` and return whether it is stored.

    An output without an answer (empty, with an error, or stopped by a filter) is not: asking
    again may bring one. When it cannot be written, or not as JSON, a warning says once why.
    """
    if output.empty or output.error or output.stop_reason == "content_filter":
        return False
    path = _file(model, key)
    now = time.time()
    entry: dict[str, object] = {"version": _VERSION, "model": model, "key": key, "created": now}
    if policy.expiry_s is not None:
        entry["expires"] = now + policy.expiry_s
    try:
        entry["output"] = _without_fresh(output)
        _write_whole(path, json.dumps(entry).encode())
    except OSError as error:
        _warn_once("written", str(path.parent), error.strerror or str(error))
        return False
    except (TypeError, ValueError, RecursionError) as error:
        _warn_once("written", str(path.parent), f"{type(error).__name__}: {error}")
        return False
    return True


def cache_clear(model: str = "") -> bool:
    """Remove all cached answers, or those of `model`; return whether there were any.

    `model` may also be a provider, or more of a name's beginning up to a slash. Folders stay:
    another process may be about to write to them.

    Raises:
        OSError: One could not be removed.
    """
    removed = False
    for path in _files(cache_path(model)):
        path.unlink(missing_ok=True)
        removed = True
    return removed


def cache_size(subdirs: Sequence[str] = (), files: Sequence[Path] = ()) -> list[tuple[str, int]]:
    """Return models with the bytes of their cached answers, in order of their names.

    Without arguments these are all models that have any.

    Args:
        subdirs: Models or providers, or more of a name's beginning up to a slash.
        files: Files of the cache to be counted, such as those of `cache_list_expired`. Those
            that are gone count nothing.

    Raises:
        ParameterError: One of `files` is none of the cache.
        OSError: A folder cannot be read.
    """
    found = _files_of(subdirs) if subdirs or not files else iter(())
    sizes: dict[Path, int] = {}
    for path in dict.fromkeys(chain(found, _checked("cache_size", files))):
        with suppress(FileNotFoundError):
            size = path.stat().st_size
            sizes[path.parent] = sizes.get(path.parent, 0) + size
    return sorted((_model_of(folder), size) for folder, size in sizes.items())


def cache_list_expired(filter_by: Sequence[str] = ()) -> list[Path]:
    """Return the files whose answers have expired, and what killed processes left half written.

    Args:
        filter_by: Models or providers, or more of a name's beginning up to a slash; by
            default all.

    Raises:
        OSError: A folder cannot be read.
    """
    return [path for path in dict.fromkeys(_files_of(filter_by)) if _is_expired(path)]


def cache_prune(files: Sequence[Path] = ()) -> None:
    """Remove what has expired: of `files`, or by default of the whole cache.

    Raises:
        ParameterError: One of `files` is none of the cache.
        OSError: One could not be removed.
    """
    for path in _checked("cache_prune", files) or cache_list_expired():
        if _is_expired(path):
            path.unlink(missing_ok=True)


def _without_fresh(output: ModelOutput) -> dict[str, Any]:
    """Return an answer without ids, which are unique in a log, and prices, which change."""
    answer = output.model_dump(exclude_none=True)
    for choice in answer["choices"]:
        choice["message"].pop("id", None)
    answer.get("usage", {}).pop("total_cost", None)
    return answer


def _root() -> Path:
    return cache_dir() / "generate"


@lru_cache(maxsize=256)
def _folder(root: Path, model: str) -> Path:
    return root.joinpath(*map(_folder_name, model.split("/", _MOST_FOLDERS - 1)))


def _folder_name(part: str) -> str:
    """Return a name for part of a model's; no two parts have the same, none is `..`."""
    # `%` stands before two digits in what `quote` returns, and nowhere else.
    name = quote(part, safe="@+=,", errors="surrogatepass")
    if not name.strip("."):
        return name.replace(".", "%2E") or "%"
    if len(name) > _MOST_CHARACTERS:
        digest = sha256(part.encode(errors="surrogatepass")).hexdigest()
        return f"{name[: _MOST_CHARACTERS // 2]}%-{digest[:32]}"
    return name


def _file(model: str, key: str) -> Path:
    return _folder(_root(), model) / f"{key}.json"


def _write_whole(path: Path, content: bytes) -> None:
    partial = path.with_name(f"{path.stem}.{short_uuid()}.partial")
    try:
        _write(partial, path, content)
    except FileNotFoundError:  # a model's first answer, or somebody clears the cache
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(partial, path, content)


def _write(partial: Path, path: Path, content: bytes) -> None:
    try:
        partial.write_bytes(content)
        partial.replace(path)
    except OSError:
        with suppress(OSError):
            partial.unlink()
        raise


@lru_cache(maxsize=64)
def _warn_once(done: str, folder: str, reason: str) -> None:
    logger.warning("Answers cannot be %s in the cache %r: %s.", done, folder, reason)


def _files_of(models: Iterable[str]) -> Iterator[Path]:
    for model in models or ("",):
        yield from _files(cache_path(model))


def _files(folder: Path) -> Iterator[Path]:
    """Return all files below `folder` that are ours, partial ones included."""
    for place, _, names in os.walk(folder, onerror=_raise_unless_gone):
        for name in names:
            if _is_ours(name):
                yield Path(place, name)


def _raise_unless_gone(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


def _checked(function: str, files: Iterable[Path]) -> list[Path]:
    """Return `files` as paths below the folder of the cache, where all of them must be."""
    root = cache_path()
    checked = []
    for file in files:
        path = Path(file)
        try:
            if not _is_ours(path.name):
                raise ValueError
            inside = path.parent.resolve().relative_to(root.resolve())
        except ValueError:
            expected = f"a file of the cache in {os.fspath(root)!r}"
            raise ParameterError(function, "files", os.fspath(file), expected) from None
        checked.append(root / inside / path.name)
    return checked


def _is_ours(name: str) -> bool:
    return bool(_ENTRY_NAME.fullmatch(name) or _PARTIAL_NAME.fullmatch(name))


def _header(path: Path) -> _Header | None:
    try:
        return _Header.model_validate(json.loads(path.read_bytes()))
    except (OSError, ValueError, RecursionError):
        return None


def _is_expired(path: Path) -> bool:
    if path.suffix == ".json":
        header = _header(path)
        return header is not None and header.is_expired
    try:
        return path.stat().st_mtime + _PARTIAL_S < time.time()
    except FileNotFoundError:
        return False


def _model_of(folder: Path) -> str:
    """Return the model whose answers are in `folder`, by the first that says so."""
    headers = (_header(path) for path in folder.iterdir() if path.suffix == ".json")
    found = next((header.model for header in headers if header is not None), None)
    return found or folder.relative_to(cache_path()).as_posix()
