"""Problems as other programs want them: plain JSON, GitHub's annotations, SARIF 2.1.0."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ctdc_framework.errors import Problem


def as_json(problems: Sequence[Problem]) -> list[dict[str, Any]]:
    """Give problems as plain values; line and column are 0 where a file as a whole is meant."""
    return [
        {
            "code": problem.code,
            "level": problem.level,
            "message": problem.message,
            "help": problem.help,
            "file": problem.place.file if problem.place else "",
            "line": problem.place.line if problem.place else 0,
            "column": problem.place.column if problem.place else 0,
        }
        for problem in problems
    ]


def as_github(problems: Sequence[Problem]) -> str:
    """Write problems as workflow commands, which GitHub shows beside the lines.

    >>> print(as_github([Problem(code="CB010", message="50 %\\nof it", help="mend it")]))
    ::error title=CB010::50 %25%0Aof it%0Amend it
    """
    lines = []
    for problem in problems:
        place = problem.place
        where = f"file={_property(place.file)}," if place else ""
        if place and place.line:
            where += f"line={place.line},col={place.column},"
        text = problem.message + (f"\n{problem.help}" if problem.help else "")
        lines.append(f"::{problem.level} {where}title={problem.code}::{_data(text)}")
    return "\n".join(lines)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def as_sarif(problems: Sequence[Problem], version: str) -> dict[str, Any]:
    """Give problems as a SARIF log of one run, for tools that collect findings."""
    codes = sorted({problem.code for problem in problems})
    return {
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "ctdc",
                        "version": version,
                        "rules": [{"id": code} for code in codes],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "results": [_result(problem, codes) for problem in problems],
            }
        ],
    }


def _result(problem: Problem, codes: Sequence[str]) -> dict[str, Any]:
    text = problem.message + (f" ({problem.help})" if problem.help else "")
    result: dict[str, Any] = {
        "ruleId": problem.code,
        "ruleIndex": codes.index(problem.code),
        "level": problem.level,
        "message": {"text": text},
    }
    place = problem.place
    if place:
        location: dict[str, Any] = {"artifactLocation": {"uri": place.file.replace("\\", "/")}}
        if place.line:
            location["region"] = {
                "startLine": place.line,
                "startColumn": place.column,
                "endColumn": place.column + place.width,
            }
        result["locations"] = [{"physicalLocation": location}]
    return result
