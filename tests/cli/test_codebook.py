"""`ctdc codebook ...`: each command as a steward calls it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import tomli

WRONG = '[codebook]\ndsl = 1\nid = "x"\ntitel = "typo"\nversion = "1.0.0"\n\n[privacy]\nk = 10.9\n'


@pytest.fixture
def wrong(ctdc):
    Path("x.toml").write_text(WRONG, encoding="utf-8")
    return "x.toml"


def test_a_new_codebook_checks_clean_and_is_not_written_over(ctdc):
    assert ctdc("codebook", "new", "shelter", "--out", "shelter.toml").code == 0
    assert ctdc("codebook", "check", "shelter.toml", "--strict").code == 0

    again = ctdc("codebook", "new", "shelter", "--out", "shelter.toml")
    assert again.code == 1
    assert "is there already" in again.err


@pytest.mark.parametrize(
    ("format", "read"),
    [
        ("json", lambda text: [(one["code"], one["line"]) for one in json.loads(text)]),
        (
            "sarif",
            lambda text: [
                (
                    one["ruleId"],
                    one["locations"][0]["physicalLocation"].get("region", {}).get("startLine"),
                )
                for one in json.loads(text)["runs"][0]["results"]
            ],
        ),
    ],
)
def test_problems_can_be_read_by_programs(ctdc, wrong, format, read):
    said = ctdc("codebook", "check", wrong, "--format", format)

    assert said.code == 1
    found = read(said.out)
    assert ("CB010", 4) in found
    assert ("CB014", 8) in found


def test_problems_can_be_shown_beside_the_lines_on_github(ctdc, wrong):
    said = ctdc("codebook", "check", wrong, "--format", "github")

    assert said.code == 1
    assert "::error file=x.toml,line=4,col=1,title=CB010::" in said.out


def test_a_draft_is_made_of_a_data_file_and_says_what_it_guessed(ctdc):
    rows = "".join(f"{2000 + n % 3},{'Female' if n % 2 else 'Male'}\n" for n in range(60))
    Path("cases.csv").write_text("year,gender\n" + rows + "2001,Zed\n", encoding="utf-8")

    said = ctdc("codebook", "infer", "cases.csv", "--out", "cases.toml")

    assert said.code == 0
    draft = Path("cases.toml").read_text(encoding="utf-8")
    assert tomli.loads(draft)["codebook"]["id"] == "cases"
    assert "Zed" not in draft + said.out + said.err
    assert "gender" in said.err


def test_a_codebook_is_put_into_normal_form_and_then_is_in_it(ctdc):
    Path("a.toml").write_text("[a]\nb=1   # why\n\n\n\n[c]\nd = [1,2]\n", encoding="utf-8")

    assert ctdc("codebook", "fmt", "a.toml", "--check").code == 1
    assert ctdc("codebook", "fmt", "a.toml").code == 0
    assert ctdc("codebook", "fmt", "a.toml", "--check").code == 0
    assert "# why" in Path("a.toml").read_text(encoding="utf-8")


def test_a_difference_is_told_in_words_and_as_json(ctdc):
    said = ctdc("codebook", "diff", "minimal", "ctdc-2021")
    told = ctdc("codebook", "diff", "minimal", "minimal", "--json")

    assert said.code == told.code == 0
    assert "minimal 1.0.0 -> ctdc-2021 1.1.0" in said.out
    assert json.loads(told.out)["changes"] == []


@pytest.mark.parametrize("what", ["codebook", "plan"])
def test_a_schema_is_json_schema(ctdc, what):
    said = ctdc("codebook", "schema", what)

    assert said.code == 0
    assert json.loads(said.out)["$schema"].startswith("http://json-schema.org/draft-07")


@pytest.mark.parametrize("format", ["md", "html", "pdf"])
def test_a_codebook_is_printed(ctdc, format):
    assert ctdc("codebook", "render", "ctdc-2021", format, "--out", f"c.{format}").code == 0

    content = Path(f"c.{format}").read_bytes()
    wanted = b"%PDF" if format == "pdf" else b"meansOfControlThreatOfLawEnforce"
    assert wanted in content


@pytest.mark.parametrize("format", ["frictionless", "csvw", "ddi", "redcap", "record-schema"])
def test_a_codebook_is_handed_to_other_programs(ctdc, format):
    assert ctdc("codebook", "export", "minimal", format, "--out", "made").code == 0

    assert b"ageBroad" in Path("made").read_bytes() or b"agebroad" in Path("made").read_bytes()


def test_what_was_handed_over_comes_back_as_a_draft(ctdc):
    ctdc("codebook", "export", "minimal", "frictionless", "--out", "datapackage.json")

    said = ctdc("codebook", "import", "frictionless", "datapackage.json", "--out", "back.toml")

    assert said.code == 0
    back = tomli.loads(Path("back.toml").read_text(encoding="utf-8"))
    assert "ageBroad" in back["variables"]
    assert back["codebook"]["id"] == "datapackage"


def test_a_codebook_is_shown_with_the_place_of_each_line(ctdc):
    ctdc("codebook", "new", "shelter", "--out", "shelter.toml")

    shown = ctdc("codebook", "show", "shelter.toml")
    placed = ctdc("codebook", "show", "shelter.toml", "--origin")
    told = ctdc("codebook", "show", "shelter.toml", "--json")

    written = tomli.loads(Path("shelter.toml").read_text(encoding="utf-8"))
    assert tomli.loads(shown.out) == written
    assert "# shelter.toml:" in placed.out
    assert json.loads(told.out)["codebook"]["codebook"] == written["codebook"]


def test_a_code_is_explained_by_wrong_and_right(ctdc):
    said = ctdc("codebook", "explain", "cb013")

    assert said.code == 0
    assert said.out.startswith("CB013")
    assert "Wrong:" in said.out
    assert "Right:" in said.out
    assert ctdc("codebook", "explain", "CB999").code == 1


@pytest.mark.parametrize(
    "argv",
    [
        ("codebook", "import", "frictionless", "none.json"),
        ("codebook", "fmt", "none.toml"),
        ("codebook", "render", "no-such-codebook"),
        ("codebook", "export", "minimal", "arx-hierarchies", "--hierarchy", "none"),
        ("codebook", "new", "Not A Name"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_message(ctdc, argv):
    said = ctdc(*argv)

    assert said.code == 1
    assert said.err
    assert "Traceback" not in said.err


def test_an_overlay_goes_by_its_parents_name_and_checks_clean(ctdc):
    ctdc("codebook", "new", "shelter", "--out", "shelter.toml")
    overlay = '[codebook]\nextends = "shelter.toml"\nlang = "fr"\ntitle = "Le refuge"\n'
    Path("shelter.fr.toml").write_text(overlay, encoding="utf-8")

    said = ctdc("codebook", "check", "shelter.fr.toml", "--strict")

    assert (said.code, said.err) == (0, "")
    assert "no problems" in said.out


# ------------------------------------------------------------------------------- what check prints


def test_more_than_ten_mistakes_in_one_codebook_are_told_at_once_and_each_with_its_remedy(ctdc):
    there = Path(__file__).parent / "ten_mistakes"
    Path("shelter.toml").write_bytes((there / "shelter.toml").read_bytes())
    said = ctdc("codebook", "check", "shelter.toml")
    assert said.code == 1
    assert said.out == (there / "said.txt").read_text(encoding="utf-8")
    assert not said.err


def test_what_is_no_toml_goes_where_other_problems_go(ctdc):
    Path("x.toml").write_text("[codebook\n", encoding="utf-8")
    said = ctdc("codebook", "check", "x.toml")
    assert (said.code, said.err) == (1, "")
    assert said.out.startswith("x.toml:1:10: error[CB006]: the header of [codebook is not closed")


def test_of_ten_thousand_problems_a_hundred_are_printed_and_the_others_counted(ctdc):
    keys = "".join(f"a{number} = 1\n" for number in range(10_000))
    Path("x.toml").write_text(WRONG.replace("titel", "title") + keys, encoding="utf-8")
    said = ctdc("codebook", "check", "x.toml")
    assert said.out.count(": error[CB") == 101
    assert "error[CB000]: and 9,902 more problems" in said.out


def test_a_draft_that_nobody_has_read_fails_under_strict(ctdc):
    ctdc("codebook", "new", "shelter", "--out", "shelter.toml")
    text = Path("shelter.toml").read_text(encoding="utf-8")
    draft = text.replace("[codebook]\n", '[codebook]\nstatus = "draft"\n', 1)
    Path("shelter.toml").write_text(draft, encoding="utf-8")
    assert ctdc("codebook", "check", "shelter.toml").code == 0
    said = ctdc("codebook", "check", "--strict", "shelter.toml")
    assert said.code == 1
    assert "warning[CB034]: this is a draft" in said.out


def test_which_hierarchy_is_to_be_exported_is_asked_where_there_are_several(ctdc):
    said = ctdc("codebook", "export", "ctdc-2021", "arx-hierarchies")
    assert said.code == 1
    assert "ctdc-2021 has 4 hierarchies, and a file holds one" in said.err
    assert "say which: --hierarchy years, --hierarchy ages" in said.err
