"""Print a codebook: as Markdown, as a page, as a book. The same content, the same bytes each time.

Nothing here looks at data but `counts_of`, which reads a release.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ctdc_framework.codebook.model import Codebook
from ctdc_framework.codebook.rules import BUILT_IN, Rule
from ctdc_framework.documents.book import document_of
from ctdc_framework.documents.counts import Counts as Counts
from ctdc_framework.documents.counts import Generalised as Generalised
from ctdc_framework.documents.counts import counts_of as counts_of


def as_markdown(
    codebook: Codebook,
    counts: Counts | None = None,
    rules: Mapping[str, Rule[Any]] = BUILT_IN,
    generalised: Generalised | None = None,
) -> str:
    """Print a codebook as Markdown, which can be compared line by line.

    `counts` are those of a release, as `counts_of` reads them: they are shown rounded down.
    `rules` holds the operations that the codebook uses, plugins' ones included. `generalised` names
    the coarser values that a release holds, by variable: each is told with what it stands for.
    """
    from ctdc_framework.documents import markdown

    return markdown.as_markdown(document_of(codebook, counts, rules, generalised))


def as_html(
    codebook: Codebook,
    counts: Counts | None = None,
    rules: Mapping[str, Rule[Any]] = BUILT_IN,
    generalised: Generalised | None = None,
) -> str:
    """Print a codebook as one page that needs nothing but itself; see `as_markdown`."""
    from ctdc_framework.documents import html

    return html.as_html(document_of(codebook, counts, rules, generalised))


def as_pdf(
    codebook: Codebook,
    counts: Counts | None = None,
    rules: Mapping[str, Rule[Any]] = BUILT_IN,
    generalised: Generalised | None = None,
) -> bytes:
    """Print a codebook as a book in PDF, which bears no date; see `as_markdown`.

    Raises `CtdcError` where the extra `pdf` is not installed.
    """
    from ctdc_framework.documents import pdf

    return pdf.as_pdf(document_of(codebook, counts, rules, generalised))
