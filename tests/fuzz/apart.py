"""Read Stata and SPSS files by the thousand, each in a process of its own.

A process that starts afresh for each file spends its time on imports. This one imports once and
then makes a copy of itself for each file that a line of its standard input names: a copy may crash
or hang, and the next file gets another. Of each it writes a line, with what the copy ended with
and how many bytes it wrote, and those bytes.
"""

import os
import resource
import sys
from pathlib import Path

import pandas  # noqa: F401 - pyarrow's, before the copies are made
import pyarrow  # noqa: F401
import pyreadstat  # noqa: F401

from ctdc_framework.records.formats import statistics

LONGEST = 20
"""CPU seconds of one file; then the system ends the copy."""


def serve():
    """Answer for one file after the other."""
    for line in sys.stdin.buffer:
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            answer(Path(os.fsdecode(line[:-1])), writing)
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            content = pipe.read()
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        sys.stdout.buffer.write(b"%d %d\n%b" % (code, len(content), content))
        sys.stdout.buffer.flush()


def answer(path, writing):
    """End this copy as a process that starts afresh would."""
    code = 1
    try:
        resource.setrlimit(resource.RLIMIT_CPU, (LONGEST, LONGEST + 1))
        with os.fdopen(writing, "wb") as out:
            code = statistics.answer(path, out)
    finally:
        os._exit(code)


if __name__ == "__main__":
    serve()
