"""Object stores for tests, on this machine: moto (in the process) and SeaweedFS (a real one)."""

from __future__ import annotations

import os
import socket
import subprocess
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import fsspec
from moto.server import ThreadedMotoServer

_KEY, _SECRET = "key", "secret"
_START_SECONDS = 60
_STARTS = 3


class Store:
    """A place for logs, and how to reach it."""

    def __init__(self, url: str, endpoint_url: str = "") -> None:
        self.url = url
        self._endpoint_url = endpoint_url

    @property
    def fs_options(self) -> dict[str, Any] | None:
        """How this process reaches it; None: nothing needs to be said."""
        if not self._endpoint_url:
            return None
        return {
            "key": _KEY,
            "secret": _SECRET,
            "endpoint_url": self._endpoint_url,
            # The library of S3 tries five times by default; here a failure is final.
            "config_kwargs": {"retries": {"max_attempts": 0}},
        }

    @property
    def environment(self) -> dict[str, str]:
        """How another process reaches it."""
        if not self._endpoint_url:
            return {}
        return {
            "FSSPEC_S3_ENDPOINT_URL": self._endpoint_url,
            "AWS_ACCESS_KEY_ID": _KEY,
            "AWS_SECRET_ACCESS_KEY": _SECRET,
            "AWS_DEFAULT_REGION": "us-east-1",
        }


class MotoStore(Store):
    """moto's S3. It can be stopped and started again with all that it holds."""

    def __init__(self) -> None:
        self._port = free_port()
        # What moto holds is shared by all its servers in a process.
        super().__init__(f"s3://moto-{self._port}", f"http://127.0.0.1:{self._port}")
        self._server = ThreadedMotoServer("127.0.0.1", self._port, verbose=False)

    def start(self) -> None:
        """Start the server, or start it again."""
        self._server = ThreadedMotoServer("127.0.0.1", self._port, verbose=False)
        self._server.start()

    def stop(self) -> None:
        """Stop the server: connections are refused from now on."""
        self._server.stop()


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def moto_store() -> Iterator[MotoStore]:
    """Run moto's S3 with an empty bucket."""
    store = MotoStore()
    store.start()
    try:
        make_bucket(store)
        yield store
    finally:
        store.stop()


@contextmanager
def seaweed_store(folder: Path) -> Iterator[Store]:
    """Run SeaweedFS with an empty bucket; its files are in `folder`."""
    for _ in range(_STARTS):
        store, process = _start_seaweed(folder)
        with process:
            try:
                is_up = make_bucket(store, process)
                if is_up:
                    yield store
                    return
            finally:
                process.kill()
        # A port that was free may be somebody else's by now.
    raise RuntimeError(f"SeaweedFS did not start:\n{(folder / 'weed.log').read_text()}")


def _start_seaweed(folder: Path) -> tuple[Store, subprocess.Popen[bytes]]:
    ports = {name: free_port() for name in ("master", "volume", "filer", "s3")}
    command = [
        str(Path(sysconfig.get_path("scripts")) / "weed"),
        "server",
        f"-dir={folder}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        "-volume.max=8",
        "-master.volumeSizeLimitMB=64",
        "-filer",
        "-s3",
        # Off: their ports would always be the same, and nothing leaves this machine.
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-master.telemetry=false",
        *(f"-{name}.port={port}" for name, port in ports.items()),
        *(f"-{name}.port.grpc={free_port()}" for name in ports),
    ]
    store = Store("s3://seaweed-logs", f"http://127.0.0.1:{ports['s3']}")
    with (folder / "weed.log").open("ab") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, cwd=folder)
    return store, process


def make_bucket(store: Store, process: subprocess.Popen[bytes] | None = None) -> bool:
    """Make the bucket as soon as the server lets us; False: its `process` does not get there."""
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    fs = fsspec.filesystem("s3", **(store.fs_options or {}))
    deadline = time.monotonic() + _START_SECONDS
    while process is None or process.poll() is None:
        try:
            fs.mkdir(store.url)
        except Exception:  # whatever it says before it is up
            if time.monotonic() > deadline:
                if process is not None:
                    return False
                raise
            time.sleep(0.1)
        else:
            return True
    return False
