"""Build hierarchies from what a codebook says of them, and prove them before any data are read.

Proved are: every value has its place, each level only joins groups of the level below, the last
level is one group, and one code means one set of values throughout.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from functools import cache
from typing import Literal

from attrs import field, frozen, validators

from ctdc_framework.codebook import countries
from ctdc_framework.codebook.domains import Band, BandsDomain, CountryDomain, Domain, RangeDomain
from ctdc_framework.codebook.hierarchies import Group, Hierarchy, Level
from ctdc_framework.errors import did_you_mean, one_of
from ctdc_framework.problems.faults import Fault, Path
from ctdc_framework.toml.convert import entry

M49_LEVELS = ("country", "intermediate", "subregion", "region", "world")
"""What a level of countries may be, from fine to coarse."""

WORLD = "World"


@frozen(kw_only=True)
class GroupEntry:
    """A group of values: its code in a release and what it joins."""

    code: str = entry("what a cell of the release holds for it")
    members: tuple[str, ...] = entry(
        "values of the domain, or codes of groups of the level below",
        validator=validators.min_len(1),
    )
    label: str = entry("how it is printed; the code itself if left out", default="")


@frozen(kw_only=True)
class LevelEntry:
    """A level: its groups, as bands of numbers or listed."""

    name: str = entry("the level's name")
    bands: tuple[Band, ...] = entry("its groups, over bands or a range of numbers", default=())
    groups: tuple[GroupEntry, ...] = entry("its groups, listed", default=())

    def __attrs_post_init__(self) -> None:
        if bool(self.bands) == bool(self.groups):
            raise ValueError("a level says either `bands` or `groups`: write one of them")


@frozen(kw_only=True)
class HierarchyEntry:
    """How the values of a domain may be joined, level by level, up to one group of all."""

    domain: str = entry("name of the domain whose values it joins")
    levels: tuple[str | LevelEntry, ...] = entry(
        "levels from fine to coarse; over countries the names of those of the source",
        validator=validators.min_len(1),
    )
    source: Literal["", "un-m49"] = entry(
        "un-m49: regions of the United Nations, for countries", default=""
    )
    place: Mapping[str, str] = entry(
        "country = M49 code or name of its region, where the source has none", factory=dict
    )


@frozen(kw_only=True)
class Built:
    """A hierarchy, if it could be built, and what is wrong with it."""

    hierarchy: Hierarchy | None
    faults: tuple[Fault, ...]


def build(asked: HierarchyEntry, domain: Domain) -> Built:
    """Build a hierarchy over a domain; paths of faults start inside the hierarchy's own table."""
    if not domain.codes:
        message = f"domain `{asked.domain}` has no list of values to join"
        help = "make a hierarchy over an enum, bands, a range or countries"
        fault = Fault(path=("domain",), kind="020", message=message, help=help)
        return Built(hierarchy=None, faults=(fault,))
    work = _Work(asked=asked, domain=domain)
    levels: list[Level] = []
    for number, one in enumerate(asked.levels):
        level = work.level(number, one, levels[-1] if levels else None)
        if level is not None:
            levels.append(level)
            work.places.append(number)
        if work.faults:
            break  # levels above may speak of what is wrong here
    faults = [*work.faults]
    if not faults:
        hierarchy = Hierarchy(domain=asked.domain, levels=tuple(levels))
        faults = [*_proof(hierarchy, domain, asked, work.places)]
        if all(fault.level == "warning" for fault in faults):
            return Built(hierarchy=hierarchy, faults=tuple(faults))
    return Built(hierarchy=None, faults=tuple(faults))


@frozen(kw_only=True, eq=False)
class _Work:
    asked: HierarchyEntry
    domain: Domain
    faults: list[Fault] = field(factory=list)
    places: list[int] = field(factory=list)
    """Where in `levels` each built level is written."""

    def add(self, path: Path, kind: str, message: str, help: str) -> None:
        self.faults.append(Fault(path=path, kind=kind, message=message, help=help))

    def level(self, number: int, one: str | LevelEntry, below: Level | None) -> Level | None:
        path: Path = ("levels", number)
        if isinstance(one, str):
            return self.m49(path, one)
        if one.bands:
            return Level(name=one.name, groups=tuple(self.bands(path, one)))
        return Level(name=one.name, groups=tuple(self.listed(path, one, below)))

    def m49(self, path: Path, name: str) -> Level | None:
        if not self.asked.source or not isinstance(self.domain, CountryDomain):
            message = f"level `{name}` is a name only"
            help = "write [[hierarchies.x.levels]] with `name`, and `bands` or `groups`"
            if isinstance(self.domain, CountryDomain):
                help = 'say where it comes from: source = "un-m49"'
            self.add(path, "011", message, help)
            return None
        if name not in M49_LEVELS:
            near = did_you_mean(name, M49_LEVELS)
            help = near or f"they are {one_of(M49_LEVELS, most=9)}"
            self.add(path, "013", f"`{name}` is no level of UN M49", help)
            return None
        if path[1] == 0:
            self.placed()
        if name == "country":
            if path[1] != 0:
                self.add(path, "221", "`country` comes after another level", "put it first")
            return None
        found: dict[str, list[str]] = {}
        for code in self.domain.codes:
            region = _region_of(code, name, self.asked.place)
            if region:
                found.setdefault(region, []).append(code)
        groups = [Group(code=c, label=c, members=tuple(each)) for c, each in sorted(found.items())]
        return Level(name=name, groups=tuple(groups))

    def placed(self) -> None:
        """See that `place` speaks of countries of the domain, and of regions that there are."""
        names = [name for _, name in _regions()]
        for code, where in self.asked.place.items():
            if code not in self.domain.known:
                message = f"`place` speaks of `{code}`, which is not in `{self.asked.domain}`"
                help = did_you_mean(code, self.domain.codes) or "remove it"
                path: Path = ("place", code)
                self.faults.append(
                    Fault(path=path, kind="224", message=message, help=help, at_key=True)
                )
            if _chain(where) is None:
                help = did_you_mean(where, names) or 'write its three digits, such as "030"'
                self.add(("place", code), "224", f"`{where}` is no region of UN M49", help)

    def bands(self, path: Path, one: LevelEntry) -> Iterator[Group]:
        if not isinstance(self.domain, BandsDomain | RangeDomain):
            message = f"level `{one.name}` has bands, and domain `{self.asked.domain}` no numbers"
            self.add((*path, "bands"), "012", message, "list its groups: groups = [...]")
            return
        finer = _numbers(self.domain)
        for number, band in enumerate(one.bands):
            where = (*path, "bands", number)
            code, label = _written(band, self.domain)
            if band.to is not None and band.to < band.from_:
                help = f"write {{ from = {band.to}, to = {band.from_} }}"
                self.add(where, "103", f"band {code} is inverted", help)
                continue
            if isinstance(self.domain, BandsDomain) and not band.gloss:
                template = self.domain.code_open if band.to is None else self.domain.code
                if "{gloss}" in template:
                    message = "a band's `gloss` is missing, which its code repeats"
                    self.add(where, "011", message, 'add gloss = "..."')
                    continue
            members = []
            for value, part in zip(self.domain.codes, finer, strict=True):
                if _within(part, band):
                    members.append(value)
                elif _meets(part, band):
                    message = f"level `{one.name}`: {code} cuts {value} in two"
                    help = "start and end groups where values start and end"
                    self.add(where, "221", message, help)
            if members:
                yield Group(code=code, label=label, members=tuple(members))
            elif not self.faults:
                message = f"level `{one.name}`: {code} holds no value of `{self.asked.domain}`"
                self.add(where, "224", message, "remove it, or correct its ends")

    def listed(self, path: Path, one: LevelEntry, below: Level | None) -> Iterator[Group]:
        finer = {group.code: group.members for group in below.groups} if below else {}
        for number, group in enumerate(one.groups):
            members: list[str] = []
            for place, name in enumerate(group.members):
                if name in finer:
                    members += finer[name]
                elif name in self.domain.known:
                    members.append(name)
                else:
                    where = (*path, "groups", number, "members", place)
                    message = f"`{name}` is no value of domain `{self.asked.domain}`"
                    message += " and no group of the level below" if below else ""
                    near = did_you_mean(name, [*finer, *self.domain.codes])
                    self.add(where, "224", message, near or "declare it, or remove it")
            label = group.label or group.code
            yield Group(code=group.code, label=label, members=tuple(dict.fromkeys(members)))


def _proof(
    hierarchy: Hierarchy, domain: Domain, asked: HierarchyEntry, places: list[int]
) -> Iterator[Fault]:
    """Say where the levels do not part the domain, do not nest, or do not end in one group."""
    before: Level | None = None
    names: set[str] = set()
    meanings = {code: frozenset([code]) for code in domain.codes}
    for number, level in zip(places, hierarchy.levels, strict=True):
        path: Path = ("levels", number)
        if level.name in names:
            message = f"two levels are called `{level.name}`"
            yield Fault(path=path, kind="005", message=message, help="rename one")
        names.add(level.name)
        yield from _total(level, domain, asked, path)
        seen: dict[str, str] = {}
        for group in level.groups:
            other = next((seen[code] for code in group.members if code in seen), None)
            if other is not None:
                message = f"level `{level.name}`: groups `{other}` and `{group.code}` overlap"
                help = "a value is in one group of a level"
                yield Fault(path=path, kind="221", message=message, help=help)
            seen |= dict.fromkeys(group.members, group.code)
            meaning = frozenset(group.members)
            if meanings.setdefault(group.code, meaning) != meaning:
                what = "a value" if group.code in domain.known else "another group"
                message = f"level `{level.name}`: code `{group.code}` is that of {what} too"
                help = "one code means one set of values: rename the group"
                yield Fault(path=path, kind="223", message=message, help=help)
        yield from _nested(before, level, path)
        if len(level.groups) == (len(before.groups) if before else len(domain.codes)):
            message = f"level `{level.name}` joins nothing"
            yield Fault(path=path, kind="222", message=message, help="remove it", level="warning")
        before = level
    if before is None or len(before.groups) != 1:
        what = f"top level `{before.name}` has {len(before.groups)} groups" if before else (
            "there is no level above the values"
        )  # fmt: skip
        help = 'add a last level "world"' if asked.source else "add a last level with one group"
        yield Fault(path=("levels",), kind="222", message=f"{what}; the top is one", help=help)


def _total(level: Level, domain: Domain, asked: HierarchyEntry, path: Path) -> Iterator[Fault]:
    lacking = [code for code in domain.codes if code not in level.group_of]
    if not lacking:
        return
    message = f"level `{level.name}` places no {one_of(lacking, most=5)}"
    help = "put each value into a group of the level"
    if isinstance(asked.levels[int(path[1])], str):
        message += f": UN M49 names no {level.name} for {'it' if len(lacking) == 1 else 'them'}"
        help = f'add place = {{ {lacking[0]} = "030" }} with the M49 code of its {level.name}, '
        help += f'or minus = ["{lacking[0]}"] to the domain'
    yield Fault(path=path, kind="220", message=message, help=help)


def _nested(before: Level | None, level: Level, path: Path) -> Iterator[Fault]:
    for group in before.groups if before else ():
        above = {level.group_of[code]: code for code in group.members if code in level.group_of}
        if before and len(above) > 1:
            one, other, *_ = above.values()
            message = f"level `{before.name}` puts {one} and {other} together, "
            message += f"level `{level.name}` parts them"
            help = "each level only joins groups of the level before it"
            yield Fault(path=path, kind="221", message=message, help=help)
            return


def _numbers(domain: BandsDomain | RangeDomain) -> tuple[Band, ...]:
    if isinstance(domain, BandsDomain):
        return domain.bands
    return tuple(Band(from_=n, to=n) for n in range(domain.min, domain.max + 1))


def _within(part: Band, band: Band) -> bool:
    if part.from_ < band.from_:
        return False
    return band.to is None or (part.to is not None and part.to <= band.to)


def _meets(part: Band, band: Band) -> bool:
    starts_before = band.to is None or part.from_ <= band.to
    return starts_before and (part.to is None or band.from_ <= part.to)


def _written(band: Band, domain: BandsDomain | RangeDomain) -> tuple[str, str]:
    """Give the code and the label of a band, written as the domain writes its own."""
    if isinstance(domain, RangeDomain):
        if band.to == band.from_:
            return str(band.from_), str(band.from_)
        domain = BandsDomain(kind="bands", bands=(), label="{from}–{to}", label_open="{from}+")
    (value,) = BandsDomain(
        kind="bands",
        bands=(band,),
        code=domain.code,
        code_open=domain.code_open,
        label=domain.label,
        label_open=domain.label_open,
    ).values
    return value.code, value.label or value.code


_Chain = Mapping[str, str]
"""The name of a region of each level, where there is one."""


@cache
def _regions() -> Mapping[tuple[str, str], _Chain]:
    """Every region of M49 by code and name, with those that hold it."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for code in countries.current(date.max):
        land = countries.country(code)
        if land is None or land.region is None or land.subregion is None:
            continue
        region, sub, inner = land.region, land.subregion, land.intermediate
        found[region.code, region.name] = {"region": region.name}
        wide = {"region": region.name, "subregion": sub.name}
        # What is not divided further stands for itself.
        found.setdefault((sub.code, sub.name), wide)
        if inner:
            found[inner.code, inner.name] = {**wide, "intermediate": inner.name}
    return found


@cache
def _by_name() -> Mapping[str, _Chain]:
    return {key: chain for both, chain in _regions().items() for key in both}


def _chain(where: str) -> _Chain | None:
    return _by_name().get(where)


def _region_of(code: str, level: str, place: Mapping[str, str]) -> str:
    """Give the group of a country at a level; nothing where neither M49 nor `place` says it."""
    if level == "world":
        return WORLD
    land = countries.country(code)
    chain: _Chain = {}
    if code in place:
        chain = _chain(place[code]) or {}
    elif land:
        parts = {"region": land.region, "subregion": land.subregion,
                 "intermediate": land.intermediate}  # fmt: skip
        chain = {name: part.name for name, part in parts.items() if part}
    return chain.get(level) or (chain.get("subregion", "") if level == "intermediate" else "")


Finder = Callable[[str], Domain | None]
"""Gives a domain by its name."""


def build_all(
    asked: Mapping[str, HierarchyEntry], find: Finder, declared: Mapping[str, object]
) -> tuple[dict[str, Hierarchy], list[Fault]]:
    """Build every hierarchy; `declared` are the domains in the file, whether or not sound."""
    done: dict[str, Hierarchy] = {}
    faults: list[Fault] = []
    for name, one in asked.items():
        domain = find(one.domain)
        if domain is None:
            if one.domain not in declared:
                message = f"hierarchy `{name}` is over domain `{one.domain}`, which is not declared"
                help = did_you_mean(one.domain, declared) or f"there are {one_of(declared)}"
                path: Path = ("hierarchies", name, "domain")
                faults.append(Fault(path=path, kind="020", message=message, help=help))
            continue
        built = build(one, domain)
        faults += [fault.under("hierarchies", name) for fault in built.faults]
        if built.hierarchy is not None:
            done[name] = built.hierarchy
    return done, faults
