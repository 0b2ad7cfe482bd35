"""Rules that replace texts as the file holds them, before they are held against a domain.

They are no writers of a column. Where a rule says `file_has`, it is for files of one kind only,
told by a column that other files lack: what a 0 means in one data set says nothing of another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

from attrs import frozen, validators

from ctdc_framework.codebook import countries
from ctdc_framework.codebook.domains import CountryDomain, FlagDomain
from ctdc_framework.codebook.model import Codebook
from ctdc_framework.errors import did_you_mean
from ctdc_framework.problems.faults import Fault, Path
from ctdc_framework.toml.convert import entry

FILE_HAS = "columns that tell the kind of file: the rule is skipped where the file lacks one"


@frozen(kw_only=True)
class Recode:
    """Replace texts as the file holds them, before they are held against the domain."""

    on: tuple[str, ...] = entry(
        "the variables and inputs it applies to", validator=validators.min_len(1)
    )
    map: Mapping[str, str] = entry(
        'old text = new text, in one pass; "" makes it missing', validator=validators.min_len(1)
    )
    file_has: tuple[str, ...] = entry(FILE_HAS, default=())


@frozen(kw_only=True)
class Alpha3:
    """Read the two-letter codes of ISO 3166-1 as its three-letter ones.

    The codes are those assigned today; the domain then judges the outcome as of its own date.

    >>> rule = Alpha3(on=("citizenship",))
    >>> rule.map["NA"], rule.map["DE"], "ZR" in rule.map
    ('NAM', 'DEU', False)
    """

    on: tuple[str, ...] = entry(
        "the variables and inputs it applies to, all of countries", validator=validators.min_len(1)
    )
    file_has: tuple[str, ...] = entry(FILE_HAS, default=())

    @property
    def map(self) -> Mapping[str, str]:
        """Each two-letter code with the three-letter one."""
        known = (countries.country(code) for code in countries.current(date.max))
        return {one.alpha2: one.alpha3 for one in known if one}


def recode_faults(params: Recode, codebook: Codebook) -> Iterator[Fault]:
    """List texts that are missing codes already, and new texts outside a column's domain."""
    for old, new in params.map.items():
        if old in codebook.missing_codes:
            message = f"`{old}` is a missing code, which is read before any recode"
            help = "remove it here, or from [missing]"
            yield Fault(path=("map", old), kind="112", message=message, help=help, at_key=True)
        for name in params.on:
            domain = codebook.domain_of(name)
            read = domain.read(new)
            if isinstance(domain, FlagDomain) and new == "0":
                yield no_zero(("map", old), name, 'write ""')
                break
            if new not in codebook.missing_codes and not isinstance(read, str | int):
                message = f"maps `{old}` to `{new}`, which is not in the domain of `{name}`"
                help = did_you_mean(new, domain.codes) or 'write "" to make it missing'
                yield Fault(path=("map", old), kind="202", message=message, help=help)
                break


def alpha3_faults(params: Alpha3, codebook: Codebook) -> Iterator[Fault]:
    """List the columns that hold no countries."""
    for number, name in enumerate(params.on):
        if not isinstance(codebook.domain_of(name), CountryDomain):
            message = f"`{name}` holds no countries"
            help = 'give it a domain of kind = "country", or take it out'
            yield Fault(path=("on", number), kind="202", message=message, help=help)


def no_zero(path: Path, name: str, help: str) -> Fault:
    """Say that a flag cannot be 0."""
    message = f"flag `{name}` has no 0: a flag is 1 or missing, and missing means no or unknown"
    help += "; where No is recorded, give it an enum and not std/flag"
    return Fault(path=path, kind="113", message=message, help=help)
