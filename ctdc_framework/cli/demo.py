"""`ctdc demo`: the whole job on fabricated records."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ctdc_framework.cli import common

SEED = 2021
"""A demonstration hides nothing, so that everybody gets the same one."""


def demo(
    out: Annotated[
        Path, typer.Option(help="the directory to write; an earlier run there is replaced")
    ] = Path("ctdc-demo"),
    rows: Annotated[int, typer.Option(help="how many records to fabricate", min=100)] = 10_000,
    seed: Annotated[int, typer.Option(help="another seed, other records", min=0)] = SEED,
    as_json: common.AsJson = False,
) -> None:
    """Fabricate case records, protect them in five ways, and compare the ways.

    The records are made up. They hold names and case numbers, to show that none gets out.
    """
    from ctdc_framework import api
    from ctdc_framework.demo import plan as demo_plan
    from ctdc_framework.runs.compare import ANCHORS

    registry = api.load_registry()
    with common.progress() as tell:
        tell("fabricating records", 0, None)
        plan, raw = demo_plan.make(rows, seed, registry)
        outcome = api.execute(
            plan,
            out,
            registry,
            releases="each",
            command=f"ctdc demo --rows {rows} --seed {seed}",
            seed=seed,
            raw=raw,
            force=True,
            controls=ANCHORS,
            tell=tell,
        )
    common.show(
        outcome,
        as_json=as_json,
        what=[
            f"fabricated records:   {out / 'private' / 'raw.csv'}",
            f"could be published:   {out / 'release'}",
            "Open in a browser, to see what each way keeps and costs:",
            f"  {out / 'private' / 'report.html'}",
        ],
    )
