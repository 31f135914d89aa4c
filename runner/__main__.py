"""Run the command line as ``python -m runner``."""

from runner.cli import main

main()
