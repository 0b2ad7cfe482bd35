"""What benchmarks share: `section` writes one's own part of docs/benchmarks.md, and no other."""

from __future__ import annotations

import os
import platform
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "benchmarks.md"


def with_section(page, name, body):
    """The page with a named section's body in it; a new section comes last.

    A section stands between `<!-- NAME: written by make bench -->` and `<!-- NAME: end -->`.
    """
    begin, end = f"<!-- {name}: written by make bench -->", f"<!-- {name}: end -->"
    section = f"{begin}\n\n{body}\n\n{end}"
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    if pattern.search(page):
        return pattern.sub(lambda _: section, page)
    return f"{page.rstrip()}\n\n## {name}\n\n{section}\n"


@pytest.fixture
def section(request):
    """Print a section of the page, and write it; skips where no benchmark is asked for."""
    if not request.config.getoption("benchmark_only"):
        pytest.skip("runs with make bench")

    def write(name, body):
        where = f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores"
        capture = request.config.pluginmanager.getplugin("capturemanager")
        with capture.global_and_fixture_disabled():
            sys.stdout.write(f"\n{body}\n")
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(with_section(page, name, f"{body}\n\n{where}."), encoding="utf-8")

    return write


@pytest.fixture
def in_page():
    """Give `with_section`, as test files cannot import from one another."""
    return with_section
