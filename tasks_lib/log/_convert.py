"""Logs from one format to another."""

from __future__ import annotations

import shutil
from pathlib import PurePath
from typing import NamedTuple, get_args

from tasks_lib._errors import LogError, MissingFileError, ParameterError, PrerequisiteError
from tasks_lib.log._documents import document_format, format_of_name
from tasks_lib.log._files import Place, open_place
from tasks_lib.log._listing import list_eval_logs
from tasks_lib.log._log_file import Document, FsOptions, find_any, read_log_header
from tasks_lib.log._paths import split_log_name
from tasks_lib.log._reader import stream_samples
from tasks_lib.log._whole_file import whole_file
from tasks_lib.log._write_log import scorers_of, write_log
from tasks_lib.schema import LogFormat


class _Conversion(NamedTuple):
    source: str
    target: Place


def convert_eval_logs(
    path: str | PurePath,
    to: LogFormat,
    output_dir: str | PurePath,
    overwrite: bool = False,
    fs_options: FsOptions = None,
) -> None:
    """Write logs again in another format, a few samples in memory at a time.

    A finished log that has the format already is copied. In `json` and `eval` logs long texts
    that events repeat become attachments. A log that is being written is converted with the
    samples that it has so far.

    Args:
        path: A log, or a folder whose logs, those in folders below included, keep their
            relative folders.
        to: Format to convert to.
        output_dir: Folder or URL that gets the logs, under their names with the extension
            of the format. It is created if need be.
        overwrite: Whether files that are there are replaced.
        fs_options: Options of the stores, as fsspec takes them.

    Raises:
        MissingFileError: There is nothing at `path`.
        PrerequisiteError: Two logs would become the same file.
        FileExistsError: A file is there already; nothing was written.
        LogError: Some logs could not be read or written; all the others are converted.
    """
    if to not in get_args(LogFormat):
        raise ParameterError("convert_eval_logs", "to", to, f"one of {get_args(LogFormat)}")
    conversions = _conversions(path, to, open_place(output_dir, fs_options), fs_options)
    if not overwrite:
        for conversion in conversions:
            if conversion.target.exists():
                raise FileExistsError(
                    f"{conversion.target.url!r} exists already. Pass overwrite=True, or another "
                    "output_dir."
                )
    failures: list[LogError] = []
    for source, target in conversions:
        try:
            write_copy(source, target, fs_options)
        except LogError as error:
            failures.append(error)
    if len(failures) == 1:
        raise failures[0]
    if failures:
        raise LogError(
            f"{len(failures)} of {len(conversions)} logs could not be converted: "
            + " ".join(map(str, failures))
        ) from failures[0]


def write_copy(source: str, target: Place, fs_options: FsOptions) -> None:
    """Write the log at `source` to `target`, in the format of its name.

    Raises:
        FileNotFoundError: There is no log at `source`.
        LogError: It could not be read or written.
    """
    header = read_log_header(source, fs_options=fs_options)
    found = find_any(source, "auto", fs_options)
    finished = isinstance(found, Document) or not found.live
    if finished and format_of_name(source) == format_of_name(target.name):
        _copy_file(open_place(source, fs_options), target)
        return
    samples = stream_samples(source, "auto", fs_options)
    write_log(target, document_format(target.name), header, samples, scorers_of(found))


def _conversions(
    path: str | PurePath, to: LogFormat, output: Place, fs_options: FsOptions
) -> list[_Conversion]:
    place = open_place(path, fs_options)
    try:
        find_any(place.url, "auto", fs_options)
    except FileNotFoundError:
        if not place.fs.isdir(place.path):
            raise MissingFileError("log or folder of logs", place.url) from None
    else:
        return [_Conversion(place.url, output / f"{split_log_name(place.name)[0]}.{to}")]
    sources: dict[str, str] = {}
    for info in list_eval_logs(place.url, fs_options=fs_options):
        relative = relative_name(info.name, place)
        target = f"{split_log_name(relative)[0]}.{to}"
        if target in sources:
            raise PrerequisiteError(
                f"The logs {sources[target]!r} and {info.name!r} would both become {target!r}. "
                "Convert them one by one, to different folders."
            )
        sources[target] = info.name
    return [_Conversion(source, output / target) for target, source in sources.items()]


def relative_name(name: str, folder: Place) -> str:
    """Return the name of a log in `folder`, or below it, relative to the folder."""
    return name.removeprefix(folder.url.rstrip("/") + "/")


def _copy_file(source: Place, target: Place) -> None:
    try:
        with source.fs.open(source.path, "rb") as content, whole_file(target) as sink:
            shutil.copyfileobj(content, sink, 1 << 20)
    except OSError as error:
        raise LogError(
            f"{source.url!r} could not be copied to {target.url!r} ({error})."
        ) from error
