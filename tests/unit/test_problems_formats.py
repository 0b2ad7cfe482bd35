"""Problems as JSON, GitHub annotations and SARIF."""

import json

from ctdc_framework.errors import Place, Problem
from ctdc_framework.problems.formats import as_github, as_json, as_sarif

PLACED = Problem(
    code="CB013",
    message="role `quazi` is unknown: 50 %",
    help="did you mean `quasi`?",
    place=Place(file="a,b.toml", line=3, column=9, width=7),
)
LOOSE = Problem(code="CB027", message="unused", level="warning")


def test_json_holds_place_and_remedy():
    placed, loose = as_json([PLACED, LOOSE])

    assert (placed["file"], placed["line"], placed["column"]) == ("a,b.toml", 3, 9)
    assert placed["help"] == "did you mean `quasi`?"
    assert (loose["file"], loose["line"], loose["level"]) == ("", 0, "warning")


def test_github_is_given_one_line_a_problem_with_everything_escaped():
    first, second = as_github([PLACED, LOOSE]).splitlines()

    assert first == (
        "::error file=a%2Cb.toml,line=3,col=9,title=CB013::role `quazi` is unknown: 50 %25"
        "%0Adid you mean `quasi`?"
    )
    assert second == "::warning title=CB027::unused"


def test_sarif_names_each_rule_once_and_points_at_the_text():
    log = as_sarif([PLACED, LOOSE, PLACED], "0.1.0")

    (run,) = json.loads(json.dumps(log))["runs"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["CB013", "CB027"]
    assert [result["ruleIndex"] for result in run["results"]] == [0, 1, 0]
    where = run["results"][0]["locations"][0]["physicalLocation"]
    assert where["region"] == {"startLine": 3, "startColumn": 9, "endColumn": 16}
    assert "locations" not in run["results"][1]
