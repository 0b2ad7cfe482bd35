"""`ctdc verify`: check what lies before us, a release of ours or somebody else's file."""

from __future__ import annotations

import shutil
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ctdc_framework.cli import common
from ctdc_framework.errors import Exit, harmless

if TYPE_CHECKING:
    from ctdc_framework.releases.verify import Check, Verification


def verify(
    path: Annotated[Path, typer.Argument(help="a run's folder, its release/, or one data file")],
    data: Annotated[
        Path | None, typer.Option(help="the original records: every claim is then recounted")
    ] = None,
    previous: Annotated[
        Path | None,
        typer.Option(
            help="an earlier release of the same records: what do the two prove together?"
        ),
    ] = None,
    codebook: Annotated[
        str, typer.Option(help="a shipped codebook's name, or a path; for a data file, needed")
    ] = "",
    claim: Annotated[
        list[str],
        typer.Option(help="a claim to check besides, as 'k-anonymity(k=10, columns=all)'"),
    ] = [],  # noqa: B006 - typer's way to say: none
    manifest_hash: Annotated[
        str, typer.Option(help="the SHA-256 of release.json, as the run printed it")
    ] = "",
    on_unknown: common.OnUnknown = "stop",
    drop_unknown: common.DropUnknown = False,
    delimiter: common.Delimiter = "",
    without: common.Without = [],  # noqa: B006
    as_json: common.AsJson = False,
) -> None:
    """Check a release: its files, its domains, and every claim that what is given can show.

    Where the release has its private/ folder beside it, fills in release/checklist.md. What could
    not be checked is said, and never passes. Exit code 3 where something fails.
    """
    from ctdc_framework.loading import registry
    from ctdc_framework.verifying import Question, verify, write_checklists

    verified = verify(
        path,
        Question(
            registry=registry.load(without=without),
            codebook=codebook,
            data=data,
            previous=previous,
            claims=tuple(claim),
            manifest_hash=manifest_hash,
            reading=common.reading(on_unknown, drop_unknown, delimiter),
        ),
    )
    lists = write_checklists(path, verified)
    if as_json:
        common.print_json(
            {
                "holds": all(one.holds for one in verified),
                "releases": [
                    {
                        "name": one.name,
                        "holds": one.holds,
                        "checks": [
                            {"about": c.about, "result": c.result.value, "message": c.message}
                            for c in one.checks
                        ],
                    }
                    for one in verified
                ],
            }
        )
    else:
        width = min(shutil.get_terminal_size().columns, 100)
        typer.echo("\n\n".join(_as_text(one, width) for one in verified))
        for written in lists:
            typer.echo(f"for people to go through: {written}")
    if not all(one.holds for one in verified):
        raise typer.Exit(Exit.REFUSED)


def _as_text(one: Verification, width: int) -> str:
    from ctdc_framework.releases.verify import Result

    lines = [harmless(one.name)]
    for check in one.checks:
        lines += _lines(check, width)
    failing, open_ = len(one.having(Result.FAILS)), len(one.having(Result.NOT_CHECKED))
    passed = len(one.having(Result.HOLDS))
    lines.append(f"{passed} hold, {failing} fail, {open_} not checked")
    return "\n".join(lines)


def _lines(check: Check, width: int) -> list[str]:
    head = f"  {check.result.value:<12}"
    return textwrap.wrap(
        " ".join(harmless(f"{check.about}: {check.message}").split()),
        width=max(40, width),
        initial_indent=head,
        subsequent_indent=" " * len(head),
        break_on_hyphens=False,
    )
