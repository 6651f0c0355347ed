"""`evals cache`: the commands about cached answers of models."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
from rich.box import SIMPLE_HEAD
from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

from flows.cli._log_text import log_errors, open_console, print_whole
from tasks_lib._errors import PrerequisiteError, nearest_hint
from tasks_lib._util._harmless import harmless, harmless_json, one_line
from tasks_lib.model import cache_clear, cache_list_expired, cache_path, cache_prune, cache_size

Sizes = list[tuple[str, int]]
"""Models with the bytes of their answers."""

_json = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")


def _models(help: str) -> Callable[[Any], Any]:
    return click.option("--model", "models", multiple=True, metavar="MODEL", help=help)


@click.group("cache", context_settings={"max_content_width": 100})
def cache_group() -> None:
    """See, measure and empty the cache of models' answers.

    It is in EVAL_CACHE_DIR, else where this system keeps the caches of users. MODEL is a
    model's full name, or its beginning up to a slash: `openai` stands for all of OpenAI's.
    """


@cache_group.command("path")
@click.option("--model", default="", metavar="MODEL", help="The folder of this model's answers.")
def path_command(model: str) -> None:
    """Print where the cache is; nothing may be there yet."""
    with log_errors():
        click.echo(_shown(cache_path(model)))


@cache_group.command("list")
@click.option("--pruneable", is_flag=True, help="Only what has expired, which `prune` removes.")
@_json
def list_command(pruneable: bool, as_json: bool) -> None:
    """List the models that have cached answers, with the size of these."""
    with log_errors():
        sizes = _expired_sizes(cache_list_expired()) if pruneable else cache_size()
        _print(sizes, as_json)
        if not (sizes or as_json):
            _note(f"Nothing is {'expired' if pruneable else 'cached'} in {_shown(cache_path())}.")


@cache_group.command("size")
@_models("Only this model; may be given several times.")
@_json
def size_command(models: tuple[str, ...], as_json: bool) -> None:
    """Print the size of all cached answers together."""
    with log_errors():
        sizes = _sizes(models)
        total = sum(size for _, size in sizes)
        if as_json:
            click.echo(json.dumps({"models": len(sizes), "bytes": total}))
        else:
            click.echo(f"{decimal(total)}, {len(sizes)} model{'s' if len(sizes) != 1 else ''}")


@cache_group.command("clear")
@click.option("--all", "everything", is_flag=True, help="All models.")
@_models("Only this model; may be given several times.")
@_json
def clear_command(everything: bool, models: tuple[str, ...], as_json: bool) -> None:
    """Remove cached answers, of all models or of each MODEL; print what was removed."""
    with log_errors():
        if everything == bool(models):
            raise PrerequisiteError("evals cache clear: pass either --all or --model MODEL.")
        sizes = _sizes(models)
        for model in models or ("",):
            cache_clear(model)
        _print(sizes, as_json)
        if everything and not (sizes or as_json):
            _note(f"Nothing is cached in {_shown(cache_path())}.")


@cache_group.command("prune")
@_models("Only this model; may be given several times.")
@_json
def prune_command(models: tuple[str, ...], as_json: bool) -> None:
    """Remove cached answers that have expired; print what was removed."""
    with log_errors():
        expired = cache_list_expired(models)
        sizes = _expired_sizes(expired)
        if expired:
            cache_prune(expired)
        _print(sizes, as_json)
        if not (sizes or as_json):
            _note(f"Nothing is expired in {_shown(cache_path())}.")


def _sizes(models: Sequence[str]) -> Sizes:
    """Return the sizes of these models, by default of all; a note says which are not there."""
    if not models:
        return cache_size()
    for model in models:
        if not cache_size([model]):
            known = [name for name, _ in cache_size()]
            hint = f" {nearest_hint(model, known)}" if known else ""
            _note(one_line(f"Nothing is cached for {model!r}.{hint}", 1000))
    return cache_size(models)


def _expired_sizes(expired: Sequence[Path]) -> Sizes:
    return cache_size(files=expired) if expired else []


def _print(sizes: Sizes, as_json: bool) -> None:
    if as_json:
        for model, size in sizes:
            click.echo(harmless_json(json.dumps({"model": model, "bytes": size})))
    elif sizes:
        table = Table(box=SIMPLE_HEAD, pad_edge=False)
        table.add_column("model")
        table.add_column("size", justify="right")
        for model, size in sizes:
            table.add_row(Text(one_line(model)), decimal(size))
        print_whole(table, open_console())


def _note(text: str) -> None:
    click.echo(text, err=True)


def _shown(path: Path) -> str:
    return harmless(os.fspath(path))
