"""What every codebook's document says, whatever the codebook: how not to misread the data."""

from __future__ import annotations

from ctdc_framework.codebook.model import Privacy
from ctdc_framework.documents import nodes as n

CAUTIONS = {
    "A blank is not a zero.": (
        "It means that nothing is known: for a flag, no or unknown. A share of all rows that takes "
        "blanks for zeros is wrong."
    ),
    "Synthetic rows are not victims.": (
        "Where a release is synthetic, no row is a person: never report the number of rows as a "
        "number of people."
    ),
    "Missing values follow the contributor.": (
        "Each organization asks for other things in other places: a difference between countries, "
        "years or groups may show no more than who works there."
    ),
}
"""What goes wrong when people count: each was seen in published analyses."""

DENOMINATOR = n.line(
    "The flags of a group share a denominator. A percentage is a share of the records in which at "
    "least one of them is ",
    n.Code("1"),
    ": there a blank counts as 0. All other records stay missing and are left out. As a record may "
    "have several, the shares can add up to more than 100 %.",
)

FLAGS = n.line(
    "A flag holds ",
    n.Code("1"),
    " or nothing, and nothing means no or unknown, never no. A value can also be missing because a "
    "privacy strategy took it out: the released file does not tell which it is.",
)


def cautions() -> n.Aside:
    """Say what everybody has to know who counts anything."""
    told = [n.line(n.Styled("strong", n.line(one)), f" {why}") for one, why in CAUTIONS.items()]
    return n.Aside("Before you count anything", (listed(told),))


def about_counts(privacy: Privacy, least: int) -> n.Aside:
    """Say how the counts of a release are shown."""
    words = (
        f"The counts are those of a release. They are rounded down to multiples of "
        f"{privacy.round_to}; one below {least}, none included, is shown as “fewer than {least}”. "
        "Shares are computed from the rounded counts, and stand only where it is known what they "
        "are shares of."
    )
    return n.Aside("Counts", (n.Paragraph(n.line(words)),))


def promises(privacy: Privacy) -> n.Blocks:
    """Say what the resolution promises of a release, and what it does not."""
    k, base = privacy.k, privacy.round_to
    least = max(k, base)
    kept = (
        f"k = {k}: nothing released may stand for a group of fewer than {k} {privacy.unit}.",
        f"Counts are multiples of {base}, rounded down: a count of {10 * base} stands for "
        f"{10 * base} to {11 * base - 1} records. One below {least} is not told, and not told "
        "apart from none.",
    )
    not_kept = (
        f"k counts subjects, told apart by {privacy.subject}: one who is there under two of them "
        "counts twice."
        if privacy.subject
        else f"k counts records. {k} records may be fewer than {k} people.",
        "If all records of a group share a sensitive value, whoever is known to be in the group is "
        f"known to have it, though there be {k} of them.",
        "Each release is safe by itself; two that are compared can tell more than either.",
        "A combination that is absent is rare or was lost: that does not make it impossible.",
    )
    where = n.line("What a certain release claims, and how that was checked, is in its ")
    return (
        n.Paragraph(n.line("A release made with this codebook keeps to this:")),
        listed([n.line(one) for one in kept]),
        n.Paragraph(n.line("And this it does not promise:")),
        listed([n.line(one) for one in not_kept]),
        n.Paragraph(n.line(where, n.Code("release.json"), ".")),
    )


def listed(told: list[n.Inlines]) -> n.Listed:
    """Give lines as a list."""
    return n.Listed(tuple((n.Paragraph(words),) for words in told))
