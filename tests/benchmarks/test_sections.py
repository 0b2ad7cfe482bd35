"""Each benchmark writes its own section of docs/benchmarks.md and leaves the others alone."""

import pytest

BEGIN, END = "<!-- a: written by make bench -->", "<!-- a: end -->"
PAGE = f"# Page\n\n## a\n\nText.\n\n{BEGIN}\n\nold\n\n{END}\n\nMore.\n"


def test_a_section_is_replaced_and_what_stands_around_it_stays(in_page):
    page = in_page(PAGE, "a", r"new \1 figures")

    assert page == PAGE.replace("old", r"new \1 figures")
    assert in_page(page, "a", "old") == PAGE


def test_a_new_section_comes_last_and_is_replaced_from_then_on(in_page):
    page = in_page(PAGE, "b", "first")

    assert page.startswith(PAGE)
    assert page.endswith("## b\n\n<!-- b: written by make bench -->\n\nfirst\n\n<!-- b: end -->\n")
    assert in_page(page, "b", "second") == page.replace("first", "second")


@pytest.mark.parametrize("name", ["a", "b"])
def test_writing_the_same_twice_changes_nothing(in_page, name):
    page = in_page(PAGE, name, "figures")

    assert in_page(page, name, "figures") == page
