"""What the kits of strategies, measures and rules share: the checks of what one says of itself."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from attrs import frozen

from ctdc_framework.codebook.model import Codebook
from ctdc_framework.plugin import CONTRACT
from ctdc_framework.problems.faults import Faults
from ctdc_framework.testing.checks import Broken, heard, must
from ctdc_framework.toml.convert import fields_of, key_of, structure, unstructure

NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")

SAYS = (
    "says-what-it-is",
    "parameters-come-back",
    "wrong-parameters-are-named",
    "imports-the-contract-alone",
)
"""The checks of every kind, by name."""

Made = TypeVar("Made")


@frozen(kw_only=True, eq=False)
class Kit:
    """Something that a plugin offers, with the parameters and codebook that it is tried with."""

    thing: Any
    params: Any
    codebook: Codebook
    seconds: float

    @property
    def name(self) -> str:
        """What users write."""
        return str(self.thing.name)

    @property
    def function(self) -> Callable[..., Any]:
        """What it does its work by."""
        raise NotImplementedError

    def says_what_it_is(self) -> None:
        """Its name, summary, parameters and contract are told, and in the form of all others."""
        summary: str = self.thing.summary
        params: type = self.thing.params
        name, contract = self.name, self.thing.contract
        must(NAME.fullmatch(name), f"`{name}` is no name: small letters, digits, - between them")
        must(contract == CONTRACT, f"it speaks contract {contract}, and this is {CONTRACT}")
        must(summary and "\n" not in summary, "its summary is one line")
        must(not summary.endswith("."), "its summary is a phrase without a full stop")
        must(not summary[0].isupper(), "its summary begins with a small letter: it follows a colon")
        for one in fields_of(params):
            has_help = one.metadata.get("help")
            must(has_help, f"parameter `{key_of(one)}` has no help: make it by `entry`")
        must(type(self.params) is params, "the parameters are of another class than it says")

    def parameters_come_back(self) -> None:
        """Parameters that are written down are read as the same."""
        again = structure(unstructure(self.params), type(self.params))
        must(again == self.params, "they come back as others")

    def wrong_parameters_are_named(self) -> None:
        """Whatever is wrong with a parameter is told of that parameter."""
        given = unstructure(self.params)
        for key in [key_of(one) for one in fields_of(type(self.params))]:
            _must_fault({**given, key: _Wrong()}, type(self.params), key)
        _must_fault({**given, "no-such-parameter": 1}, type(self.params), "no-such-parameter")

    def imports_the_contract_alone(self) -> None:
        """Its module imports of the framework nothing but `ctdc_framework.plugin`."""
        _check_imports(self.function)

    def must_be_quick(self, what: str, call: Callable[[], object]) -> None:
        """Time a call, of which what is compiled or loaded once is done already."""
        started = time.perf_counter()
        call()
        taken = time.perf_counter() - started
        must(taken <= self.seconds, f"{what} took {taken:.1f} s, and may take {self.seconds:g} s")


@frozen(kw_only=True, eq=False)
class Tried:
    """What came of one try: a result or an error, and what was printed."""

    result: Any = None
    error: Exception | None = None
    printed: str = ""


def tried(call: Callable[[], Any]) -> Tried:
    """Try something, and keep what comes of it whatever that is."""
    with heard() as said:
        try:
            return Tried(result=call(), printed=said.getvalue())
        except Exception as error:
            return Tried(error=error, printed=said.getvalue())


class _Wrong:
    """A value of no kind that TOML has."""


def _must_fault(given: Mapping[str, Any], params: type, key: str) -> None:
    try:
        structure(given, params)
    except Faults as found:
        must(
            any(fault.path[:1] == (key,) for fault in found.faults),
            f"what is wrong with `{key}` is told of something else",
        )
    except Exception as error:
        raise Broken(f"a wrong `{key}` ends in a {type(error).__name__}, not in a fault") from error
    else:
        raise Broken(f"a wrong `{key}` is taken")


def _check_imports(function: Callable[..., Any]) -> None:
    """Look through the module of a function for imports past the contract."""
    import ast
    import inspect

    module = sys.modules.get(function.__module__)
    try:
        tree = ast.parse(inspect.getsource(module)) if module else None
    except (OSError, TypeError):
        tree = None  # there is no source to look at
    for node in ast.walk(tree) if tree else ():
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "ctdc_framework":
            names = [f"ctdc_framework.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or ""]
        for name in names:
            inside = name.partition(".")[0] == "ctdc_framework"
            allowed = name in ("ctdc_framework.plugin", "ctdc_framework.testing")
            must(
                allowed or not inside,
                f"it imports {name}; only ctdc_framework.plugin stays as it is",
            )
