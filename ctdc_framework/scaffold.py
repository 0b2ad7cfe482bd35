"""A new plugin, as the files of its distribution: the template under another name."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from ctdc_framework.errors import CtdcError

SHIPPED = Path(__file__).parent / "template"
BESIDE = Path(__file__).parent.parent / "plugins" / "template"
"""Where the template lies in a wheel, and in a checkout."""

FILES = ("pyproject.toml", "README.md", "src/ctdc_example/__init__.py", "tests/test_contract.py")

NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")


def distribution(name: str) -> Mapping[PurePosixPath, str]:
    """Give the files of a new plugin, by their paths below its folder `ctdc-NAME`.

    Raises `CtdcError` where the name is none that a strategy can have.

    >>> [str(path) for path in distribution("two-way")][2]
    'src/ctdc_two_way/__init__.py'
    """
    words = name.split("-")
    camel = "".join(map(str.capitalize, words))
    if not NAME.fullmatch(name) or len(name) > 40 or keyword.iskeyword(camel):
        raise CtdcError(
            f"`{name[:60]}` cannot be a plugin's name",
            help="write small letters and digits, with - between words, such as two-way-swapping",
        )
    forms = {
        "ctdc_example": "_".join(["ctdc", *words]),
        "EXAMPLE": "_".join(words).upper(),
        "Example": camel,
        "example": name,
    }
    every = re.compile("|".join(forms))

    def renamed(text: str) -> str:
        return every.sub(lambda found: forms[found[0]], text)

    folder = SHIPPED if SHIPPED.is_dir() else BESIDE
    return {
        PurePosixPath(renamed(file)): renamed((folder / file).read_text(encoding="utf-8"))
        for file in FILES
    }
