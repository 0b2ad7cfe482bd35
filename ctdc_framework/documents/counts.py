"""Counts of a release, as a document may show them: rounded down, and never below k."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from attrs import field, frozen

from ctdc_framework.codebook.domains import FlagDomain
from ctdc_framework.codebook.model import Codebook
from ctdc_framework.errors import CtdcError, DataError, did_you_mean

GROUP = "group:"
"""Begins the name under which counts hold how many records have any flag of a group."""

Counts = Mapping[str, Mapping[str, int]]
"""Records of a release by variable and code; those with none under the code ''."""


Generalised = Mapping[str, Sequence[str]]
"""The generalised values that a release holds, by variable."""


@frozen
class Shown:
    """What a codebook's document shows of a release: counts, generalised values, or nothing."""

    codebook: Codebook
    counts: Counts = field(factory=dict)
    generalised: Generalised = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        known = [*self.codebook.variables, *(GROUP + one for one in self.codebook.groups)]
        for name in self.counts:
            if name not in known:
                message = f"counts are given for `{name}`, which is no variable of the codebook"
                raise CtdcError(message, help=did_you_mean(name, known))

    @property
    def least(self) -> int:
        """The smallest number that is shown."""
        return max(self.codebook.k, self.codebook.privacy.round_to)

    def rounded(self, name: str, code: str) -> int:
        """Give a count rounded down, 0 where it is not shown."""
        count = self.counts.get(name, {}).get(code, 0)
        return count - count % self.codebook.privacy.round_to if count >= self.least else 0

    def words(self, name: str, code: str) -> str:
        """Write a count; none and few read alike."""
        rounded = self.rounded(name, code)
        return f"{rounded:,}" if rounded else f"fewer than {self.least}"

    def share(self, name: str, code: str) -> str:
        """Write a share of what `base` names, from the rounded counts; empty where it has none.

        A flag by itself has none: its blanks are no or unknown. A cell that lists several values
        has none either, as nobody knows how many it leaves out.
        """
        whole, part = self._whole(name), self.rounded(name, code)
        if not (code and part and whole):
            return ""
        return f"{100 * part / whole:.0f} %" if part * 200 >= whole else "<1 %"

    def base(self, name: str) -> str:
        """Say what shares of a variable are shares of; empty where there are none."""
        if not self._whole(name):
            return ""
        if group := self.codebook.group_of(name):
            return f"records with any flag of “{self.codebook.groups[group].title}”"
        return "records in which it is known"

    def _whole(self, name: str) -> int:
        variable = self.codebook.variables[name]
        if isinstance(self.codebook.domain_of(name), FlagDomain):
            group = self.codebook.group_of(name)
            return self.rounded(GROUP + group, "1") if group else 0
        if variable.list:
            return 0
        return sum(self.rounded(name, code) for code in self.counts.get(name, {}) if code)


def counts_of(path: Path, codebook: Codebook) -> dict[str, dict[str, int]]:
    """Count each value of each variable in a release's file, and each group's records.

    A cell that lists several values counts for each. Raises `DataError` where the file is no
    release of this codebook: a raw file must not be counted by mistake.
    """
    import numpy as np

    from ctdc_framework.records.files import read_raw

    raw = read_raw(path)
    counts: dict[str, dict[str, int]] = {}
    for name, column in raw.columns.items():
        if name not in codebook.variables:
            raise DataError(
                f"{path.name} has a column that is no variable of {codebook.id}",
                help="give the data.csv of a release made with this codebook",
            )
        separator = codebook.separator_of(name)
        held = np.bincount(column.index[column.index >= 0], minlength=len(column.cells))
        found = dict.fromkeys(known_codes(codebook, name), 0)
        for cell, number in zip(column.cells, held.tolist(), strict=True):
            for code in cell.split(separator) if separator else [cell]:
                if code not in found:
                    raise DataError(
                        f"{path.name}: column {name} holds what is no value of it",
                        help="give the data.csv of a release made with this codebook",
                    )
                found[code] += number
        counts[name] = {"": raw.rows - sum(held.tolist())} | found
    for group, one in codebook.groups.items():
        known = [raw.columns[name].known() for name in one.variables if name in raw.columns]
        if len(known) == len(one.variables):
            counts[GROUP + group] = {"1": int(np.logical_or.reduce(known).sum())}
    return counts


def known_codes(codebook: Codebook, name: str) -> Iterable[str]:
    """List the codes that a release may hold: the variable's own, then the generalised ones."""
    hierarchy = codebook.hierarchies.get(codebook.variables[name].hierarchy)
    return (*codebook.domain_of(name).codes, *(hierarchy.codes if hierarchy else ()))
