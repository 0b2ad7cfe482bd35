"""A new plugin is the template under another name, whole."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import tomli

from ctdc_framework import scaffold
from ctdc_framework.errors import CtdcError
from ctdc_framework.plugin import GROUP

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", ["sampling", "two-way-swapping", "v2"])
def test_no_trace_of_the_template_is_left(name):
    files = scaffold.distribution(name)

    for path, text in files.items():
        assert "example" not in f"{path}{text}".lower()
        if path.suffix == ".py":
            ast.parse(text)
    project = tomli.loads(next(text for path, text in files.items() if path.suffix == ".toml"))
    module = f"ctdc_{name.replace('-', '_')}"
    assert project["project"]["name"] == f"ctdc-{name}"
    assert project["project"]["entry-points"][GROUP] == {name: module}
    assert f"src/{module}/__init__.py" in {str(path) for path in files}


def test_every_file_of_the_template_is_copied():
    there = {
        str(path.relative_to(scaffold.BESIDE))
        for path in scaffold.BESIDE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }

    assert there == set(scaffold.FILES)


def test_the_template_asks_for_the_framework_that_it_comes_with():
    text = (scaffold.BESIDE / "pyproject.toml").read_text(encoding="utf-8")
    version = tomli.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    major, minor, _ = version.split(".")

    assert f"ctdc-framework>={major}.{minor},<{major}.{int(minor) + 1}" in text


@pytest.mark.parametrize(
    "name", ["", "Two", "two way", "-two", "two-", "2way", "none", "ü", "a" * 41]
)
def test_what_is_no_name_is_refused(name):
    with pytest.raises(CtdcError, match="cannot be a plugin's name"):
        scaffold.distribution(name)
