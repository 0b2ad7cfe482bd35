"""Damaged codebooks and plans: every problem has its place, and nothing else comes of them."""

from ctdc_framework.documents import as_html
from ctdc_framework.errors import CtdcError
from ctdc_framework.exchange import csvw, ddi, frictionless, record_schema
from ctdc_framework.language.load import check_codebook, find_codebook
from ctdc_framework.loading import registry
from ctdc_framework.plans.plan import load_plan

PLAN = """\
[plan]
codebook = "minimal"
seeds    = 2

[[candidates]]
name   = "synthesis"
stages = [{ id = "make", strategy = "k-synthesis", params = { k = [10, 20] } }]
tables = [{ id = "count", strategy = "tabulate" }, { id = "round", strategy = "rounding" }]

[[candidates]]
name   = "left-out"
stages = [{ id = "drop", strategy = "k-anonymization", params = { keys = ["gender"] } }]

[[measures]]
measure = "rare-combination-leakage"
params  = { length = 2 }

[[gates]]
measure = "rare-combination-leakage"
op      = "=="
value   = 0
"""

LARGE = ["ctdc-victim-perpetrator-2022", "adult", "ctdc-2021"]
"""Shipped codebooks that are damaged seldom, as they take long to read."""


def hold(problems, content, told="checked"):
    """Look at problems: each can be shown, and stands somewhere in the file."""
    assert told
    lines = content.count(b"\n") + 1
    for problem in problems:
        assert problem.code
        assert problem.message
        assert problem.render()
        assert problem.place is None or problem.place.line <= lines + 1


def use(book):
    """Do with a codebook what commands do."""
    as_html(book)
    ddi.export(book)
    csvw.export(book, "data.csv")
    record_schema.export(book)
    frictionless.import_package(frictionless.export(book), "back")


def test_damaged_codebooks_are_told_about(
    rounds, variants, mutator, soon, agree, toy_text, tmp_path
):
    minimal = find_codebook("minimal").read_text(encoding="utf-8")
    texts = [variants(text) for text in (minimal, toy_text)]
    large = [variants(find_codebook(one).read_text(encoding="utf-8")) for one in LARGE]
    path, sound = tmp_path / "toy.toml", 0
    for number in range(rounds(20_000)):
        content = next(mutator.random.choice(texts if number % 100 else large))
        path.write_bytes(content)
        with soon(content, ".toml"):
            try:
                book, problems = check_codebook(path)
            except CtdcError as error:
                hold(error.problems, content, str(error))
                continue
            hold(problems, content)
            assert book is not None or any(one.level == "error" for one in problems)
            if number % 10 == 0:
                agree(content.decode("utf-8-sig"))
            if book is not None and number % 10 == 0:
                use(book)
                sound += 1
    assert sound


def test_damaged_plans_are_told_about(rounds, variants, soon, tmp_path):
    plans, path, loaded = variants(PLAN), tmp_path / "plan.toml", registry.load()
    sound = 0
    for _ in range(rounds(10_000)):
        content = next(plans)
        path.write_bytes(content)
        with soon(content, ".toml"):
            try:
                load_plan(path, loaded)
                sound += 1
            except CtdcError as error:
                hold(error.problems, content, str(error))
    assert sound
