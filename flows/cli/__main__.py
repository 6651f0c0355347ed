"""`python -m flows.cli` is `evals`."""

from flows.cli._app import main

main()
