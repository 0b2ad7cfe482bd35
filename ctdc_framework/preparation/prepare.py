"""From a raw file to a `Table`: names, missing codes, recodes, domains, rules, checks.

Nothing is coerced in silence. Whatever does not fit stops the run with every problem at once, or
was allowed by an explicit choice, which is noted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from attrs import field, frozen

from ctdc_framework.codebook.columns import Column
from ctdc_framework.codebook.domains import Domain, FlagDomain
from ctdc_framework.codebook.model import Codebook, RuleEntry
from ctdc_framework.codebook.rules import BUILT_IN, Rows, Rule, flow_of, holds
from ctdc_framework.contract.results import Json, Note, Severity
from ctdc_framework.errors import DataError, Place, Problem, did_you_mean, one_of, tell_rows
from ctdc_framework.preparation import outside
from ctdc_framework.preparation.cell_reader import CellReader
from ctdc_framework.records.files import RawFile
from ctdc_framework.records.tables import Table, table_of_codes

OnUnknown = Literal["stop", "missing"]


@frozen(kw_only=True, eq=False)
class Prepared:
    """The prepared original, and what had to be said on the way."""

    table: Table
    notes: Sequence[Note] = ()
    details: Mapping[str, Json] = field(factory=dict)


def prepare(
    raw: RawFile,
    codebook: Codebook,
    rules: Mapping[str, Rule[Any]] = BUILT_IN,
    *,
    on_unknown: OnUnknown = "stop",
    drop_unknown: bool = False,
    tell: int = 0,
) -> Prepared:
    """Turn a raw file into a table by a codebook.

    `on_unknown="missing"` takes values outside their domain for missing, and `drop_unknown` leaves
    out columns that the codebook does not know; both are noted. Messages show no value, and no
    number of rows, below `tell` or the codebook's k, whichever is larger. Raises `DataError` with
    every problem found.
    """
    work = _Work(
        raw=raw, codebook=codebook, rules=rules, tell=max(tell, codebook.k), on_unknown=on_unknown
    )
    texts = work.match_columns(drop_unknown)
    work.stop()
    columns = work.read_cells(texts)
    work.stop()
    columns = work.apply_rules(columns)
    columns = work.require(columns)
    work.stop()
    work.run_checks(columns)
    work.stop()
    table = _table(codebook, columns, raw.rows)
    return Prepared(table=table, notes=tuple(work.notes), details=work.details)


@frozen(kw_only=True, eq=False)
class _Work:
    """One preparation: the file, the codebook, and what has been found so far."""

    raw: RawFile
    codebook: Codebook
    rules: Mapping[str, Rule[Any]]
    tell: int
    on_unknown: OnUnknown
    problems: list[Problem] = field(factory=list)
    notes: list[Note] = field(factory=list)
    skipped: list[str] = field(factory=list)
    details: dict[str, Json] = field(factory=dict)
    labels: dict[str, Mapping[str, str]] = field(factory=dict)
    """By variable or input, the labels that the file gives to its texts."""

    def stop(self) -> None:
        if self.problems:
            raise DataError(problems=self.problems)

    def problem(self, code: str, message: str, help: str = "", column: str = "") -> None:
        place = Place(file=self.raw.name, data_column=column)
        self.problems.append(Problem(code=code, message=message, help=help, place=place))

    def note(self, code: str, message: str, severity: Severity = Severity.INFO) -> None:
        self.notes.append(Note(code=code, message=message, severity=severity))

    def match_columns(self, drop_unknown: bool) -> dict[str, Column]:
        """Give each column the name that the codebook knows it by; drop identifiers."""
        names, found, unknown = self._names(), {}, []
        used: dict[str, str] = {}
        for header, column in self.raw.columns.items():
            name = names.get(header)
            if name is None:
                unknown.append(header)
            elif name in used:
                message = f"columns `{used[name]}` and `{header}` are both `{name}`"
                self.problem("CB301", message, "keep one of them")
            else:
                used[name] = header
                found[name] = column
                self.labels[name] = self.raw.labels.get(header, {})
        self._tell_unknown(unknown, drop_unknown, bool(found))
        self._look_at_subjects(found)
        dropped = [name for name in self.codebook.identifiers if found.pop(name, None) is not None]
        if dropped:
            self.note("identifiers-dropped", f"identifiers dropped: {', '.join(dropped)}")
        self.details["identifiers_dropped"] = dropped
        return found

    def _names(self) -> Mapping[str, str]:
        """Give the names that the file may use, cut ones too where its kind cuts them."""
        cut: dict[str, str] = {}
        for most in self.raw.cuts:
            long = {one: name for one, name in self.codebook.names.items() if len(one) > most}
            times = Counter(one[:most] for one in long)
            cut |= {one[:most]: name for one, name in long.items() if times[one[:most]] == 1}
        return cut | dict(self.codebook.names)

    def _look_at_subjects(self, found: Mapping[str, Column]) -> None:
        """Whose a record is has to be known of each, if k is to count subjects."""
        name = self.codebook.privacy.subject
        if not name:
            return
        if name not in found:
            message = f"there is no column `{name}`, by which subjects are told apart"
            self.problem("CB301", message, "add it, or leave `subject` out of [privacy]")
            return
        reader = CellReader(
            domain=self.codebook.domain_of(name), missing=self.codebook.missing_codes
        )
        subjects = found[name].map(reader.read)
        if lacking := int((~subjects.known()).sum()):
            message = f"`{name}` tells whose a record is, and is missing in "
            self.problem("CB306", message + tell_rows(lacking, self.tell), "add it", name)
        shared = sum(rows for rows in subjects.sizes().values() if rows > 1)
        if shared:
            message = f"subjects have several records, by `{name}`: {tell_rows(shared, self.tell)}"
            self.note("subjects-repeated", message)

    def _tell_unknown(self, unknown: Sequence[str], drop: bool, any_known: bool) -> None:
        if not unknown:
            return
        if not any_known:
            # The first line may then be a record, so nothing of it is shown.
            message = f"none of its {len(unknown)} columns is known to {self.codebook.id}"
            help = "is the first line a header? Is this the right codebook and delimiter?"
            self.problem("CB301", message, help)
        elif drop:
            message = f"{len(unknown)} column(s) that the codebook does not know were left out"
            self.note("columns-dropped", message, Severity.WARNING)
            self.details["columns_dropped"] = list(unknown)
        else:
            for header in unknown:
                help = did_you_mean(header, self.codebook.names)
                help = (help + " else " if help else "") + "leave it out with --drop-unknown"
                message = (
                    f"column `{outside.shown(header)}` is not in the codebook {self.codebook.id}"
                )
                self.problem("CB301", message, help)

    def read_cells(self, texts: Mapping[str, Column]) -> dict[str, Column]:
        """Read each distinct text once: missing codes, recodes, then the domain."""
        maps: dict[str, dict[str, str]] = {}
        for one in flow_of(self.codebook.rules, self.rules).rewriting:
            if not texts.keys() >= set(self.rules[one.op].reads(one.params)):
                self.skipped.append(one.id)
                continue
            names, mapping = self._rewriting(one)
            for name in names:
                maps.setdefault(name, {}).update(mapping)
        columns: dict[str, Column] = {}
        for name, column in texts.items():
            reader = CellReader(
                domain=self.codebook.domain_of(name),
                separator=self.codebook.separator_of(name),
                missing=self.codebook.missing_codes,
                recodes=maps.get(name, {}),
                labels=self.labels.get(name, {}),
            )
            columns[name] = column.map(reader.read)
            self._tell_fractions(name, column)
            if reader.outside:
                self._tell_outside(name, column, reader)
            if reader.unlike:
                message = (
                    f"`{name}`: the file labels {len(reader.unlike)} value(s) otherwise than the "
                    "codebook; they were read by what they are"
                )
                self.note("labels-differ", message, Severity.WARNING)
        return columns

    def _rewriting(self, one: RuleEntry) -> tuple[Sequence[str], Mapping[str, str]]:
        rewrites = self.rules[one.op].rewrites
        assert rewrites is not None
        return rewrites(one.params)

    def _tell_outside(self, name: str, column: Column, reader: CellReader) -> None:
        size = column.sizes()
        if self.on_unknown == "missing":
            total = sum(size[cell] for cell in reader.outside)
            rows = tell_rows(total, self.tell)
            message = f"`{name}`: values outside the domain in {rows} were taken for missing"
            self._take_for_missing(name, total, message)
            return
        by_text: dict[str, int] = {}
        for cell, texts in reader.outside.items():
            for text in dict.fromkeys(texts):  # a cell may list it twice
                by_text[text] = by_text.get(text, 0) + size[cell]
        common = sorted(text for text, count in by_text.items() if count >= self.tell)
        codes = {text: outside.code_of(text, reader.domain) for text in common}
        for text in (text for text, code in codes.items() if code == "CB304"):
            message = f"`{name}` holds `{text}`, which is no missing code here, in "
            message += tell_rows(by_text[text], self.tell)
            self.problem("CB304", message, outside.as_missing(text), name)
        others = {text for text in by_text if codes.get(text) != "CB304"}
        if not others:
            return
        total = sum(size[cell] for cell, texts in reader.outside.items() if others & set(texts))
        told = [text for text in common if text in others]
        listed = [f"`{outside.shown(t)}` ({tell_rows(by_text[t], self.tell)})" for t in told]
        message = f"`{name}` holds values outside its domain in {tell_rows(total, self.tell)}"
        message += f": {one_of(listed, most=5)}" if listed else ""
        if len(others) > len(told):
            message += f"; values in fewer than {self.tell} rows are not shown"
        help = next(filter(None, (outside.advice(text, reader.domain) for text in told)), "")
        help = help or "add them to the domain, map them with a recode rule, or give "
        help += "--on-unknown missing" if help.endswith("give ") else ""
        self.problem("CB331" if "CB331" in codes.values() else "CB302", message, help, name)

    def _tell_fractions(self, name: str, column: Column) -> None:
        """Note flags that pandas wrote as numbers with a point."""
        if "1.0" in column.cells and isinstance(self.codebook.domain_of(name), FlagDomain):
            rows = tell_rows(column.sizes()["1.0"], self.tell)
            self.note("CB303", f"`{name}` holds `1.0`, read as 1, in {rows}")

    def _take_for_missing(self, name: str, rows: int, message: str) -> None:
        self.note("outside-taken-for-missing", message, Severity.WARNING)
        counts = self.details.setdefault("outside_taken_for_missing", {})
        counts[name] = counts.get(name, 0) + rows

    def apply_rules(self, columns: dict[str, Column]) -> dict[str, Column]:
        """Run the rules in data-flow order; skip those whose inputs the file lacks."""
        columns = dict(columns)
        from_file = set(columns)
        for one in flow_of(self.codebook.rules, self.rules).ordered:
            rule = self.rules[one.op]
            present = {name: columns[name] for name in rule.reads(one.params) if name in columns}
            if not present or rule.apply is None:
                self.skipped.append(one.id)
                continue
            made = rule.apply(
                one.params, Rows(columns=present, rows=self.raw.rows, codebook=self.codebook)
            )
            (target,) = rule.writes(one.params)
            made = self._within_domain(one, target, made, present)
            if target not in columns:
                columns[target] = made
            elif rule.shares_target:
                columns[target] = columns[target].filled_from(made)
            elif target in from_file:
                columns[target] = self._meet(one, target, columns[target], made)
        self.details["rules_skipped"] = list(self.skipped)
        if self.skipped:
            message = f"rules skipped, as the file lacks what they read: {', '.join(self.skipped)}"
            self.note("rules-skipped", message)
        return columns

    def _within_domain(
        self, one: RuleEntry, target: str, made: Column, present: Mapping[str, Column]
    ) -> Column:
        """Hold a rule's output against the target's domain, and tell what fell through it."""
        import numpy as np

        domain = self.codebook.domain_of(target)
        held = made if domain.is_open else made.map(lambda cell: _inside(cell, domain))
        bad = made.differs_from(held)
        if bad.any():
            rows = tell_rows(int(bad.sum()), self.tell)
            message = f"rule `{one.id}` gives values outside the domain of `{target}` in {rows}"
            if self.on_unknown == "missing":
                message += ", which were taken for missing"
                self._take_for_missing(target, int(bad.sum()), message)
            else:
                self.problem("CB302", message, "", target)
        if self.rules[one.op].total:
            known = [source.known() for source in present.values()]
            lost = np.logical_or.reduce(known) & ~made.known()
            if lost.any():
                rows = tell_rows(int(lost.sum()), self.tell)
                message = f"rule `{one.id}` finds no place in `{target}` for the values of {rows}"
                if self.on_unknown == "missing":
                    message += ", which were taken for missing"
                    self._take_for_missing(target, int(lost.sum()), message)
                else:
                    help = (
                        "correct the file, widen the target's domain, name the texts that mean "
                        "missing (such as -99) in [missing], or give --on-unknown missing"
                    )
                    self.problem("CB212", message, help, target)
        return held

    def _meet(self, one: RuleEntry, target: str, held: Column, made: Column) -> Column:
        """Join what the file holds with what a rule gives, in the way that the rule says."""
        mode = one.params.mode
        if mode == "fill":
            return held.filled_from(made)
        if mode == "overwrite":
            return made.filled_from(held)
        differs = int(made.differs_from(held).sum())
        if differs:
            message = (
                f"rule `{one.id}` gives `{target}` another value than the file in "
                f"{tell_rows(differs, self.tell)}"
            )
            help = 'correct the file, or say mode = "fill" or mode = "overwrite" in the rule'
            self.problem("CB302", message, help, target)
        return held

    def require(self, columns: Mapping[str, Column]) -> dict[str, Column]:
        """Every variable is there, and where it may not be missing it is not.

        What the file may lack becomes a column without a value.
        """
        columns, absent = dict(columns), []
        for name, variable in self.codebook.variables.items():
            if name not in columns and not variable.required:
                columns[name] = Column.missing(self.raw.rows)
                absent.append(name)
            if name in columns:
                lacking = int((~columns[name].known()).sum())
                if lacking and not variable.nullable:
                    rows = tell_rows(lacking, self.tell)
                    message = f"`{name}` may not be missing, and is in {rows}"
                    self.problem("CB306", message, "correct the file, or drop nullable", name)
                continue
            makers = [
                f"rule `{one.id}` makes it from {one_of(self.rules[one.op].reads(one.params))}"
                for one in self.codebook.rules
                if name in self.rules[one.op].writes(one.params)
            ]
            message = f"there is no column `{name}`"
            if makers:
                message += f", nor anything it is made from ({'; '.join(makers)})"
            unknown = [one for one in self.raw.columns if one not in self.codebook.names]
            help = did_you_mean(name, unknown) or "add the column, empty if need be"
            self.problem("CB301", message, help)
        if absent:
            message = f"missing throughout, as the file has no such column: {', '.join(absent)}"
            self.note("variables-absent", message, Severity.WARNING)
            self.details["variables_absent"] = list(absent)
        return columns

    def run_checks(self, columns: Mapping[str, Column]) -> None:
        """Look for what can never be."""
        for check in self.codebook.checks:
            masks = [holds(c, columns[c.var]) for c in check.never if c.var in columns]
            if len(masks) < len(check.never):
                continue
            broken = masks[0]
            for mask in masks[1:]:
                broken = broken & mask
            count = int(broken.sum())
            if not count:
                continue
            message = f"check `{check.id}` does not hold in {tell_rows(count, self.tell)}"
            message += f": {check.because}" if check.because else ""
            if check.severity == "error":
                self.problem("CB305", message, "correct the file")
            else:
                self.note("check-broken", message, Severity.WARNING)
                self.details.setdefault("checks_broken", {})[check.id] = count


def _inside(cell: object, domain: Domain) -> object | None:
    """Keep of what a rule gave that which is in the domain."""
    if isinstance(cell, tuple):
        return tuple(one for one in cell if one in domain.known) or None
    return cell if cell in domain.known else None


def _table(codebook: Codebook, columns: Mapping[str, Column], rows: int) -> Table:
    import numpy as np

    codes = np.full((rows, len(codebook.columns)), -1, dtype=np.int16)
    for number, one in enumerate(codebook.columns):
        column = columns[one.variable]
        if one.value:
            codes[:, number] = np.where(column.mask(lambda cell, v=one.value: v in cell), 0, -1)  # type: ignore[misc]
        else:
            place = {code: number for number, code in enumerate(one.codes)}
            lookup = np.array([*(place[cell] for cell in column.cells), -1], dtype=np.int16)
            codes[:, number] = lookup[column.index]
    return table_of_codes(codebook, codebook.columns, codes)
