"""How fast models are asked, beside inspect_ai and bare loops over the SDK.

    python -m tests.benchmarks.models [--samples N] [--repeat N] [--peer-env FOLDER]

One call per sample against an OpenAI server on loopback that answers after 50 ms, over 100
connections, with full transcripts in the logs; each measurement in a process of its own,
after a warm-up in it; they take turns, and medians are printed. Only ratios within one run
mean anything. For connections that processes share, see `tests.benchmarks.slots`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.benchmarks._peer_env import prepare_peer
from tests.benchmarks._report import throughput_table
from tests.benchmarks.throughput import HTTP_SETTING, Bench, http_cases, openai_server, setting


def main() -> int:
    """Measure, print the table, and return the exit status: 1 if something failed to run."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.models",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--samples", type=int, default=200, help="of the peer; others: ten times")
    parser.add_argument("--repeat", type=int, default=5, help="of which medians are taken")
    parser.add_argument("--peer-env", type=Path, help="folder of the peer's environment, kept")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="models-") as folder, openai_server() as url:
        peer_python = prepare_peer(args.peer_env or Path(folder, "peer-env"))
        bench = Bench(Path(folder), peer_python, url)
        rows = bench.rows(http_cases(args.samples), args.repeat)
        print(f"\n{setting(peer_python, args.repeat)}\n\n{HTTP_SETTING}:\n")
        print(throughput_table(rows))
    return int(bench.failed)


if __name__ == "__main__":
    sys.exit(main())
