"""From the text of a cell to what it means: missing codes, recodes, then the domain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cached_property

from attrs import field, frozen

from ctdc_framework.codebook.domains import OUTSIDE, Domain


@frozen(kw_only=True, eq=False, slots=False)
class CellReader:
    """Reads a cell's text into a code, a number, or a tuple of codes.

    Where the file itself labels a text, as Stata and SPSS files do, the label is read first: it
    says what the number meant to who wrote the file. A label may be a code, or the label that the
    codebook gives to one code alone; where it is neither, the text is read.

    >>> from ctdc_framework.codebook.domains import EnumDomain, Value
    >>> sex = EnumDomain(kind="enum", listed=(Value(code="F", label="Female"), Value(code="2")))
    >>> labels = {"1": "Female", "2": "Male", "3": "F"}
    >>> reader = CellReader(domain=sex, labels=labels)
    >>> [reader.read(cell) for cell in ("1", "2", "3", "4")], reader.outside
    (['F', '2', 'F', None], {'4': ['4']})
    """

    domain: Domain
    separator: str = ""
    missing: frozenset[str] = frozenset()
    recodes: Mapping[str, str] = field(factory=dict)
    labels: Mapping[str, str] = field(factory=dict)
    outside: dict[str, list[str]] = field(factory=dict)
    """Cells with something outside the domain, and what of them is."""
    unlike: list[str] = field(factory=list)
    """Cells that the file labels otherwise than the codebook, and that were read all the same."""

    def read(self, cell: str) -> object | None:
        """Read a cell; None where it is missing. What is outside the domain is noted, and left out.

        Of a cell that lists several values, those inside the domain stay.
        """
        label = self.labels.get(cell, "")
        if label:
            by_label = list(self._parts(label, self._labelled))
            if all(value is not OUTSIDE for _, value in by_label):
                return self._joined(by_label)
        parts = list(self._parts(cell, {}))
        if wrong := [text for text, value in parts if value is OUTSIDE]:
            self.outside[cell] = [label] if label else wrong
        elif label and any(value in self._printed for _, value in parts):
            self.unlike.append(cell)
        return self._joined(parts)

    def _joined(self, parts: list[tuple[str, object]]) -> object | None:
        values = [value for _, value in parts if value is not OUTSIDE]
        if not self.separator:
            return values[0] if values else None
        return tuple(dict.fromkeys(values)) or None

    def _parts(self, cell: str, labelled: Mapping[str, str]) -> Iterator[tuple[str, object]]:
        if cell in self.missing:
            return
        texts = cell.split(self.separator) if self.separator else [cell]
        for text in texts:
            read = text.strip() if self.separator else text
            if read in self.missing:
                continue
            read = self.recodes.get(read, read)
            if read not in self.missing:
                value = self.domain.read(read)
                yield text, labelled.get(read, OUTSIDE) if value is OUTSIDE else value

    @cached_property
    def _printed(self) -> Mapping[object, str]:
        """The codes that the codebook prints otherwise than they are, and how."""
        values = self.domain.values
        return {v.code: v.label for v in values if v.label and v.label != v.code}

    @cached_property
    def _labelled(self) -> Mapping[str, str]:
        """The labels that one code alone has, and that code."""
        times = Counter(self._printed.values())
        return {label: str(code) for code, label in self._printed.items() if times[label] == 1}
