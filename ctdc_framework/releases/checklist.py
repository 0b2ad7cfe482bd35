"""What to go through before a release is published: what was checked, and what only people can."""

from __future__ import annotations

from ctdc_framework.errors import harmless
from ctdc_framework.releases.verify import Result, Verification

FOR_PEOPLE = (
    "Somebody who did not make the release has looked at `private/report.html`.",
    "Every point above that was not checked has been looked at by another way, or is not needed.",
    "The release was compared with earlier releases of the same records: their difference may show "
    "what neither shows alone.",
    "No group in it shares one sensitive value: whoever knows that a person is in the group would "
    "learn it.",
    "What others publish about the same people, in news or reports, was thought of.",
    "Ten records are ten people as far as you can tell: see the codebook on who is recorded twice.",
    "The codebook that goes with it says what readers must not conclude.",
    "`private/`, the seed and every key stay where the records themselves are kept.",
    "The SHA-256 of `release.json` is kept apart from the release: a changed one is then found.",
    "It is known whom readers, and people in the records, can write to, and how a release is "
    "withdrawn.",
)

_MARKS = {Result.HOLDS: "x", Result.FAILS: " ", Result.NOT_CHECKED: " "}
_WORDS = {Result.HOLDS: "", Result.FAILS: "**FAILS** ", Result.NOT_CHECKED: "*not checked* "}


def as_checklist(verification: Verification) -> str:
    """Write the checklist of one release as Markdown, with what `ctdc verify` found filled in.

    >>> from ctdc_framework.releases.verify import holds
    >>> done = Verification(name="a", checks=(holds("files", "all there"),))
    >>> print(as_checklist(done).splitlines()[4])
    - [x] files: all there
    """
    return "\n".join(
        [
            f"# Before `{_plain(verification.name)}` is published",
            "",
            "## Checked by `ctdc verify`",
            "",
            *(
                f"- [{_MARKS[check.result]}] {_WORDS[check.result]}{_plain(check.about)}: "
                f"{_plain(check.message)}"
                for check in verification.checks
            ),
            "",
            "## To be checked by people",
            "",
            *(f"- [ ] {sentence}" for sentence in FOR_PEOPLE),
            "",
        ]
    )


def _plain(text: str) -> str:
    """Keep a text on its line: names and notes may come from a file of somebody else."""
    return " ".join(harmless(text).split())
