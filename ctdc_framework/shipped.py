"""What comes with the package: its codebooks, how one is named, and its own commands."""

from __future__ import annotations

from os.path import isfile
from pathlib import Path as FilePath

from ctdc_framework.errors import CodebookError, nearest, one_of

SHIPPED = FilePath(__file__).parent / "codebooks"
BESIDE = FilePath(__file__).parent.parent / "codebooks"
"""Where the shipped codebooks lie in a wheel, and beside the package in a checkout."""

OWN_COMMANDS = frozenset(
    {"demo", "run", "compare", "prepare", "verify", "codebook", "plan", "plugins"}
)
"""The words after `ctdc` that no plugin can take."""


def shipped_codebooks() -> dict[str, FilePath]:
    """List the codebooks that come with the package, by name."""
    folder = SHIPPED if SHIPPED.is_dir() else BESIDE
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def find_codebook(source: str | FilePath) -> FilePath:
    """Give the path of a codebook: a shipped one's by its name, else the path itself."""
    text = str(source)
    if "/" in text or "\\" in text or text.endswith(".toml"):
        return FilePath(source)
    shipped = shipped_codebooks()
    if text in shipped:
        return shipped[text]
    if isfile(text):  # which no text makes fail, unlike a Path's
        return FilePath(text)
    near = nearest(text, shipped)
    help = f"did you mean `{near[0]}`?" if near else "give a path that ends in .toml"
    raise CodebookError(
        f"no codebook is called `{text}`; shipped ones are {one_of(shipped)}", help=help
    )
