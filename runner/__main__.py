"""Run the command line, as ``python -m runner`` and as the script."""

import gc


def main() -> None:
    """Run it and exit.

    A run is short and leaves no cycles. To look for them takes a tenth of the time with many files, and a
    tenth of what the modules take to load.
    """
    gc.disable()
    from runner.cli import main as run  # noqa: PLC0415 - behind the line above

    run()


if __name__ == "__main__":
    main()
