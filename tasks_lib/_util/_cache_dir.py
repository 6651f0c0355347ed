"""Where this machine keeps what may be fetched or computed again."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from tasks_lib._errors import ParameterError

_VARIABLES = ("EVAL_CACHE_DIR", "INSPECT_CACHE_DIR")
_APPLICATION = "prefect-evals"


def cache_dir() -> Path:
    """Return the folder of all our caches: EVAL_CACHE_DIR, else the system's for this user.

    It need not exist.

    Raises:
        ParameterError: The environment names a URL.
    """
    for variable in _VARIABLES:
        folder = os.environ.get(variable)
        if folder:
            if "://" in folder:
                raise ParameterError("environment", variable, folder, "a local folder")
            return Path(folder).expanduser()
    return _user_dir()


@cache
def _user_dir() -> Path:
    # 14 ms that every start would pay otherwise.
    from platformdirs import user_cache_path

    return user_cache_path(_APPLICATION, appauthor=False)
