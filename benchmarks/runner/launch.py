"""Start a program, wait for it, and write down what it took: OUTPUT PROGRAM ARGUMENTS...

A small process of its own: on Linux the peak resident size of a child begins with that of the process that
started it, and the benchmark itself is larger than some of the tools. Writes seconds, the peak as the system
counts it, and the exit code.
"""

import os
import sys
import time

if __name__ == "__main__":
    output, *command = sys.argv[1:]
    start = time.perf_counter()
    process = os.posix_spawn(command[0], command, os.environ)
    _, status, usage = os.wait4(process, 0)
    seconds = time.perf_counter() - start
    with open(output, "w") as file:  # noqa: PTH123 - pathlib alone would double this process
        file.write(f"{seconds} {usage.ru_maxrss} {os.waitstatus_to_exitcode(status)}")
