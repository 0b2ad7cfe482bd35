"""The page of a comparison in a real browser: what it loads, whether it fits, how it looks.

Skipped where no Chromium is installed.
"""

from __future__ import annotations

import http.server
import random
import re
import shutil
import struct
import subprocess
import threading
from pathlib import Path

import pytest

from ctdc_framework import api
from ctdc_framework.reports import page as report
from ctdc_framework.reports.public import published
from ctdc_framework.runs.compare import compare

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")

PLAN = """\
[plan]
codebook = "minimal"

[[candidates]]
name   = "synthesis"
stages = [{ id = "synthesise", strategy = "k-synthesis", params = { k = [5, 10] } }]

[[candidates]]
name   = "a-name-that-is-as-long-as-names-may-be-with-no-place-to-break-it"
stages = [{ id = "suppress", strategy = "k-anonymization" }]

[[candidates]]
name   = "tables"
stages = [{ id = "count", strategy = "tabulate" }, { id = "round", strategy = "rounding" }]

[[gates]]
measure = "rare-combination-leakage"
op      = "=="
value   = 0
"""
WIDTHS = """<!doctype html><body><iframe id="page" src="PAGE" width="WIDTH" height="900"
onload="document.title = 'wide ' + page.contentDocument.documentElement.scrollWidth"></iframe>"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder with both pages of one comparison, the private and the public one."""
    folder = tmp_path_factory.mktemp("site")
    chance = random.Random(7)
    (folder / "plan.toml").write_text(PLAN)
    lines = [
        f"{chance.choice(['Female', 'Female', 'Male', 'Other'])},{chance.randint(4, 60)},"
        f"{chance.choice(['NPL', 'PHL', 'UKR', 'NAM', ''])},{chance.choice(['1', ''])}"
        for _ in range(300)
    ]
    cases = folder / "cases.csv"
    cases.write_text("\n".join(["gender,age,citizenship,isForcedLabour", *lines, ""]))
    registry = api.load_registry()
    plan = api.read_plan(folder / "plan.toml", registry)
    prepared, _ = api.prepare(cases, plan.codebook, registry)
    comparison = compare(plan, prepared.table, registry, 1, api.nobody)
    for name, told, details in (
        ("private", comparison, report.Details(data="cases.csv")),
        ("public", published(comparison), report.Details(is_public=True)),
    ):
        page = report.as_html(told, details)
        (folder / f"{name}.html").write_text(page, encoding="utf-8")
        for width in (360, 1400):
            text = WIDTHS.replace("PAGE", f"{name}.html").replace("WIDTH", str(width))
            (folder / f"{name}-{width}.html").write_text(text)
    leaking = page.replace(
        "<body>",
        '<body><img src="/leak.png"><link rel="stylesheet" href="/leak.css">'
        '<script src="/leak.js"></script><iframe src="/leak.html"></iframe>'
        '<p style="background: url(/leak.gif)">x</p>',
    )
    (folder / "leaking.html").write_text(leaking, encoding="utf-8")
    (folder / "without.html").write_text(
        re.sub("<meta http-equiv[^>]*>", "", leaking), encoding="utf-8"
    )
    return folder


@pytest.fixture
def server(site):
    """A server of the pages on this machine, and every path that was asked of it."""
    asked = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(site))

        def log_message(self, *_):
            asked.append(self.path)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as serving:
        thread = threading.Thread(target=serving.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{serving.server_port}", asked
        serving.shutdown()


def browse(tmp_path, *options):
    """Run the browser without a window; gives what it prints."""
    done = subprocess.run(
        [
            BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
            f"--user-data-dir={tmp_path / 'profile'}", *options,
        ],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    return done.stdout


@pytest.mark.parametrize("name", ["private", "public"])
def test_a_page_asks_for_nothing_but_itself(tmp_path, server, name):
    url, asked = server
    text = browse(tmp_path, "--dump-dom", f"{url}/{name}.html")

    assert "Ways of publishing, compared" in text
    assert set(asked) <= {f"/{name}.html", "/favicon.ico"}


def test_its_policy_would_stop_whatever_got_into_it(tmp_path, server):
    url, asked = server
    text = browse(tmp_path, "--dump-dom", f"{url}/leaking.html")

    assert "leak.png" in text
    assert set(asked) <= {"/leaking.html", "/favicon.ico"}
    browse(tmp_path, "--dump-dom", f"{url}/without.html")
    assert {"/leak.png", "/leak.css", "/leak.js", "/leak.html", "/leak.gif"} <= set(asked)


@pytest.mark.parametrize("width", [360, 1400])
def test_a_page_is_no_wider_than_its_window(tmp_path, server, width):
    url, _ = server
    text = browse(tmp_path, "--window-size=1500,1000", "--dump-dom", f"{url}/private-{width}.html")

    (found,) = re.findall(r"<title>wide (\d+)</title>", text)
    assert int(found) <= width


def test_light_and_dark_can_be_looked_at_and_printed(tmp_path, site):
    pictures = []
    for name, more in (("light", []), ("dark", ["--blink-settings=preferredColorScheme=0"])):
        place = tmp_path / f"{name}.png"
        browse(
            tmp_path, "--window-size=1400,2400", *more, f"--screenshot={place}",
            (site / "private.html").as_uri(),
        )  # fmt: skip
        content = place.read_bytes()
        assert struct.unpack(">II", content[16:24]) == (1400, 2400)
        assert len(content) > 100_000, "an empty page has fewer bytes"
        pictures.append(content)
    assert pictures[0] != pictures[1]
    printed = Path(tmp_path / "page.pdf")
    browse(tmp_path, f"--print-to-pdf={printed}", (site / "private.html").as_uri())
    assert printed.read_bytes().startswith(b"%PDF")
