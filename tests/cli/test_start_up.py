"""Commands that need no data start quickly: nothing heavy is imported for them."""

import os
import resource
import subprocess
import sys

import pytest

RUNS = 5


def cpu(*code):
    """CPU seconds of a Python process with some code, its own start included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", *code], stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.skipif(os.name != "posix", reason="resource usage of POSIX")
def test_help_takes_at_most_thrice_the_time_of_importing_typer():
    ours, theirs = [], []
    for _ in range(RUNS):  # in turns, so that a busy machine slows both
        ours.append(cpu("from ctdc_framework.cli import main; main()", "--help"))
        theirs.append(cpu("import typer"))

    assert min(ours) <= 3 * min(theirs) + 0.02


@pytest.mark.skipif(os.name != "posix", reason="resource usage of POSIX")
def test_checking_a_codebook_takes_at_most_five_times_as_long_as_importing_typer():
    ours, theirs = [], []
    for _ in range(RUNS):
        check = "from ctdc_framework.cli import main; main()", "codebook", "check", "ctdc-2021"
        ours.append(cpu(*check))
        theirs.append(cpu("import typer"))

    assert min(ours) <= 5 * min(theirs)


@pytest.mark.parametrize("arguments", [["--help"], ["codebook", "check", "ctdc-2021"]])
def test_nothing_heavy_and_no_plugin_is_imported(arguments):
    code = (
        "import sys\n"
        "from ctdc_framework.cli import main\n"
        "try:\n"
        "    main()\n"
        "except SystemExit as stop:\n"
        "    assert not stop.code\n"
        "heavy = {'pandas', 'numpy', 'numba', 'altair', 'pyarrow', 'jinja2'}\n"
        "heavy |= {'ctdc_framework.loading.registry', 'ctdc_measures'}\n"
        "heavy &= set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )

    subprocess.run([sys.executable, "-c", code, *arguments], stdout=subprocess.DEVNULL, check=True)
