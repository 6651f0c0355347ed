"""What `hf_dataset` loads with the package `datasets`, and what it keeps on disk."""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tasks_lib._errors import (
    DatasetError,
    MissingFileError,
    ParameterError,
    UnknownNameError,
)
from tasks_lib._util._cache_dir import cache_dir
from tasks_lib._util._urls import without_secrets

if TYPE_CHECKING:
    import datasets

logger = logging.getLogger(__name__)

_SAVED = ("state.json", "dataset_dict.json")
"""Files that say that `save_to_disk` wrote a folder: of one split, of several."""
_SECRET_OPTIONS = ("token",)
"""Who asks does not change what is answered."""


@dataclass(frozen=True)
class HubRequest:
    """What is to be loaded: arguments of `datasets.load_dataset`."""

    path: str
    split: str
    name: str | None
    data_dir: str | None
    revision: str | None
    options: dict[str, Any]

    @property
    def folder(self) -> Path | None:
        """The local folder or file that `path` is; None when it is a name."""
        folder = Path(self.path).expanduser()
        return folder.absolute() if folder.exists() else None

    @property
    def location(self) -> str:
        """The absolute path of a local folder, the name of what is on the hub."""
        return str(self.folder or self.path)


def load_split(request: HubRequest, *, cached: bool) -> datasets.Dataset:
    """Return one split, memory-mapped.

    What comes from the hub is kept below `cache_dir`, and with `cached` taken from there.

    Raises:
        DatasetError: It cannot be loaded.
        MissingFileError: The path is that of a local folder, and there is none.
        ParameterError: The arguments ask for a stream, or for several splits.
        UnknownNameError: The folder that was saved has no such split.
    """
    _check(request)
    folder = request.folder
    if folder is not None and any((folder / file).is_file() for file in _SAVED):
        return _saved_split(request, folder)
    kept = _kept_folder(request)
    if kept is not None and cached and kept.is_dir():
        return _from_disk(kept, "Remove the folder, or pass cached=False.")
    table = _downloaded(request)
    if kept is not None:
        _keep(table, kept)
    return table


def _check(request: HubRequest) -> None:
    if not isinstance(request.path, str) or not request.path:
        expected = "a name on the hub or a local folder"
        raise ParameterError("hf_dataset", "path", request.path, expected)
    if not isinstance(request.split, str) or not request.split:
        expected = 'the name of one split, such as "test" or "test[:100]"'
        raise ParameterError("hf_dataset", "split", request.split, expected)
    if request.options.get("streaming"):
        expected = "nothing: rows are read from disk when they are needed, not held in memory"
        raise ParameterError("hf_dataset", "streaming", True, expected)
    if request.folder is None and request.path.startswith((".", "/", "~")):
        raise MissingFileError("dataset", request.path)


def _downloaded(request: HubRequest) -> datasets.Dataset:
    import datasets

    with _loading(request.location):
        return datasets.load_dataset(
            os.path.expanduser(request.path),  # noqa: PTH111 - a Path would change URLs
            name=request.name,
            data_dir=request.data_dir,
            split=request.split,
            revision=request.revision,
            **request.options,
        )


def _saved_split(request: HubRequest, folder: Path) -> datasets.Dataset:
    """Return a split of a folder that `save_to_disk` wrote."""
    given = {
        "name": request.name,
        "data_dir": request.data_dir,
        "revision": request.revision,
        **request.options,
    }
    for parameter, value in given.items():
        if value is not None:
            expected = f"None: {str(folder)!r} was written by save_to_disk and holds only splits"
            raise ParameterError("hf_dataset", parameter, value, expected)
    saved = _from_disk(folder)
    splits = saved if isinstance(saved, dict) else {str(saved.split or request.split): saved}
    if request.split not in splits:
        raise UnknownNameError(f"split of {str(folder)!r}", request.split, splits)
    return splits[request.split]


def _from_disk(folder: Path, hint: str = "") -> Any:
    import datasets

    with _loading(str(folder), hint):
        return datasets.load_from_disk(str(folder))


@contextmanager
def _loading(location: str, hint: str = "") -> Iterator[None]:
    try:
        yield
    except Exception as error:  # each format and each store has exceptions of its own
        message = f"cannot be loaded: {_reason(error)}"
        raise DatasetError(f"{message} {hint}".rstrip(), location=location) from error


def _reason(error: Exception) -> str:
    """Return what failed, and why at bottom, on one line."""
    root: BaseException = error
    while root.__cause__ is not None:
        root = root.__cause__
    text = f"{type(error).__name__}: {error}"
    if root is not error:
        text += f" ({type(root).__name__}: {root})"
    return without_secrets(" ".join(text.split()))


def _kept_folder(request: HubRequest) -> Path | None:
    """Return where a split of the hub is kept, by everything that names it.

    None for what isn't kept: local files, which may change, and requests with options that
    have no JSON form.
    """
    if "/" not in request.path or request.folder is not None:
        return None
    options = {key: item for key, item in request.options.items() if key not in _SECRET_OPTIONS}
    asked = [request.path, request.name, request.data_dir, request.split, request.revision]
    try:
        key = json.dumps([*asked, options], sort_keys=True)
    except TypeError:
        return None
    digest = sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return cache_dir() / "datasets" / f"{quote(request.path[:80], safe='')}-{digest}"


def _keep(table: datasets.Dataset, folder: Path) -> None:
    """Write `table` as `folder`, which appears whole; an older one is replaced.

    That it cannot be written is worth a warning only: the data are there.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(mkdtemp(prefix=".", suffix=".partial", dir=folder.parent))
    except OSError as error:
        _warn_not_kept(folder, error)
        return
    old = partial / "old"
    try:
        table.save_to_disk(str(partial / "new"))
        if folder.exists():
            folder.rename(old)
        (partial / "new").rename(folder)
    except OSError as error:
        # Somebody else may have been faster: what is there then is as good.
        if not folder.exists():
            _warn_not_kept(folder, error)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _warn_not_kept(folder: Path, error: OSError) -> None:
    logger.warning(
        "The dataset cannot be kept in %r: %s. It is used all the same.", str(folder), error
    )
