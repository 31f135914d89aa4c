"""Time the runner beside other migration tools, in one run: ``python -m benchmarks.runner``."""
