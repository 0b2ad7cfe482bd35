"""Damage valid files by chance, from a seed: each test here says how many it looked at.

`make fuzz` looks at a hundred thousand and more, `make test` at a few hundred. `CTDC_FUZZ` is the
share of the full number, `CTDC_FUZZ_SEED` another beginning. A failure names the file that caused
it, which is kept.
"""

import datetime
import importlib.util
import os
import random
import signal
import subprocess
import sys
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path

import pytest
import tomli

from ctdc_framework.exchange.drafts import toml
from ctdc_framework.language.format import quoted_key

SHARE = float(os.environ.get("CTDC_FUZZ", "0.005"))
SEED = int(os.environ.get("CTDC_FUZZ_SEED", "1"))

LONGEST = 30
"""Seconds that one input may take, on a machine that is busy with other things."""

ODD = [
    "", " ", "a" * 5000, "\0", "\x1b[31m", "é", "e\u0301", "\u202e", "\ufeff", "😀" * 40, "=1+1",
    "-99", "NULL", "0--17", "std/flag", "std/text", "std/integer", "quasi", "none", ";", ",", "\n",
    "1.0.0", "{var:gender}", "{var:nobody}", "{from}", "{to}{gloss}", "{", "[x](javascript:y)",
    "minimal", "ctdc-2021", "../minimal.toml", "enum", "bands", "range", "country", "draft", "any",
    -1, 0, 1, 2, 10, 31999, 32001, 2**31, 2**63 - 1, -(2**63), 10**30, 0.5, 1.0, float("inf"),
    float("nan"), True, False, [], {}, [[]], [{}], [1, "a"], {"a": 1}, [["a", ["b"]]],
    datetime.date(2021, 9, 1), datetime.datetime(2021, 9, 1, 12, 0), datetime.time(12, 0),
]  # fmt: skip
TOKENS = [
    b"\0", b"\r", b"\r\n", b"\n\n", b'"', b"'", b'"""', b"'''", b"[", b"]", b"[[", b"]]", b"{",
    b"}", b"=", b".", b",", b"#", b"\\", b"\\u0000", b"\xff", b"\xef\xbb\xbf", "é".encode(), b"1",
    b"-", b"\x1b", b"[a.b]\n", b"\n[codebook]\n", b"a = 1\n", b"[[rules]]\n", b"[" * 300,
    b"{a=" * 99, b";", b"\t", b"nan", b"1e400", b"9" * 5000,
]  # fmt: skip


class Mutator:
    """Makes damaged copies; the same ones from the same seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def content(self, content, most=4):
        """Damage bytes: change, leave out, repeat, move, or put in what means something."""
        for _ in range(self.random.randint(1, most)):
            start = self.random.randrange(len(content) + 1)
            end = min(len(content), start + self.random.choice([0, 1, 1, 2, 5, 20, 200]))
            piece = content[start:end]
            match self.random.randrange(6):
                case 0:
                    piece = bytes(self.random.randrange(256) for _ in piece)
                case 1:
                    piece = b""
                case 2:
                    piece *= 2
                case 3:
                    piece += self.random.choice(TOKENS)
                case 4:
                    other = self.random.randrange(len(content) + 1)
                    piece = content[other : other + max(1, len(piece))]
                case 5 if self.random.random() < 0.1:
                    return content[:start]
            content = content[:start] + piece + content[end:]
        return content

    def lines(self, content):
        """Damage a text line by line, so that most of it stays a text of its kind."""
        lines = content.splitlines(keepends=True)
        for _ in range(self.random.randint(1, 3)):
            if not lines:
                break
            at, other = (self.random.randrange(len(lines)) for _ in range(2))
            match self.random.randrange(4):
                case 0:
                    del lines[at]
                case 1:
                    lines.insert(other, lines[at])
                case 2:
                    lines[at], lines[other] = lines[other], lines[at]
                case 3:
                    lines[at] = self.content(lines[at], 1)
        return b"".join(lines)

    def tree(self, data):
        """Damage what a text means: leave out, put other values in, exchange, rename."""
        data = {"": data}
        for _ in range(self.random.randint(1, 4)):
            places = list(places_in(data))[1:]
            if not places:
                break
            holder, key = self.random.choice(places)
            match self.random.randrange(6):
                case 0:
                    del holder[key]
                case 1 | 2:
                    holder[key] = deepcopy(self.random.choice(ODD))  # it may be damaged itself
                case 3:
                    other, place = self.random.choice(places)
                    if not contains(other[place], holder):
                        holder[key] = other[place]
                case 4 if isinstance(holder, dict):
                    name = self.random.choice(list(holder))
                    odd = [one for one in ODD if isinstance(one, str)]
                    holder[self.random.choice([name + "s", name.upper(), *odd])] = holder.pop(key)
                case 4:
                    self.random.shuffle(holder)
                case 5:
                    many = self.random.choice([1, 2, 50])
                    holder[key] = [deepcopy(holder[key]) for _ in range(many)]
        return data[""]


def places_in(value):
    """Give every holder with a key in it, the outermost first."""
    inside = list(value.items()) if isinstance(value, dict) else list(enumerate(value))
    for key, one in inside:
        yield value, key
        if isinstance(one, dict | list):
            yield from places_in(one)


def contains(value, sought):
    return value is sought or (
        isinstance(value, dict | list)
        and any(contains(holder[key], sought) for holder, key in places_in(value))
    )


def toml_of(data):
    """Write a document with the headers that a person would write."""
    plain, tables = [], []
    for key, value in data.items():
        name = quoted_key(key)
        if isinstance(value, dict) and value and all(isinstance(v, dict) for v in value.values()):
            for inner, one in value.items():
                tables += [f"[{name}.{quoted_key(inner)}]", *entries(one)]
        elif isinstance(value, dict):
            tables += [f"[{name}]", *entries(value)]
        elif isinstance(value, list) and value and all(isinstance(v, dict) for v in value):
            for one in value:
                tables += [f"[[{name}]]", *entries(one)]
        else:
            plain += entries({key: value})
    return "\n".join([*plain, *tables, ""])


def entries(table):
    return [f"{quoted_key(key)} = {toml(value)}" for key, value in table.items()]


@pytest.fixture(scope="session")
def rounds():
    """Give how many inputs to look at, of the number in a full run."""
    return lambda full: max(20, round(full * SHARE))


@pytest.fixture
def mutator(request):
    """A mutator of this test's own."""
    return Mutator(f"{SEED} {request.node.name}")


@pytest.fixture
def variants(mutator):
    """Give damaged copies of a TOML text without end: by meaning, by lines, by bytes."""

    def make(text):
        while True:
            match mutator.random.randrange(3):
                case 0:
                    yield toml_of(mutator.tree(tomli.loads(text))).encode()
                case 1:
                    yield mutator.lines(text.encode())
                case 2:
                    yield mutator.content(text.encode())

    return make


@pytest.fixture
def soon(tmp_path_factory):
    """Fail where what is done with an input raises or takes too long, and keep the input."""

    @contextmanager
    def limit(content, suffix):
        def stop(_number, _frame):
            raise TimeoutError(f"more than {LONGEST} seconds")

        before = signal.signal(signal.SIGALRM, stop)
        signal.alarm(LONGEST)
        try:
            yield
        except BaseException as error:
            kept = tmp_path_factory.mktemp("fuzz") / f"input{suffix}"
            kept.write_bytes(content)
            error.add_note(f"caused by {kept}")
            raise
        finally:
            signal.alarm(0)
            signal.signal(signal.SIGALRM, before)

    return limit


@pytest.fixture(scope="session")
def agree():
    """The check of the locator's own tests: that it and tomli see the same in a document."""
    path = Path(__file__).parents[1] / "unit" / "test_locator.py"
    spec = importlib.util.spec_from_file_location("facts_of_the_locator", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.check_document


@pytest.fixture
def ask_copies():
    """Do what `statistics.ask_apart` does, in copies of a process that has imported all it needs.

    A file that takes so long that the system ends its copy is a `TimeoutError`.
    """
    program = Path(__file__).with_name("apart.py")
    process = subprocess.Popen(
        [sys.executable, program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        process_group=0,
    )

    def ask(path):
        process.stdin.write(os.fsencode(path) + b"\n")
        process.stdin.flush()
        code, size = map(int, process.stdout.readline().split())
        if code == -signal.SIGXCPU:
            raise TimeoutError("more CPU seconds than any file may take")
        return code, process.stdout.read(size)

    yield ask
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
