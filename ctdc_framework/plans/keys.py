"""Secret keys: from a file or the environment, never from a plan or a command line."""

from __future__ import annotations

import os
from pathlib import Path

from ctdc_framework.errors import CtdcError

VARIABLE = "CTDC_KEY"
"""The environment variable that holds the key where no file is named."""

LEAST = 16
"""Bytes that a key has at least."""

MAKE = "make one with `openssl rand -hex 32 > rounding.key`, and keep it as secret as the records"


def read_key(file: Path | None) -> bytes:
    """Give the key of a file, or of the environment where none is named.

    White space around it does not count. Raises `CtdcError` where there is none, or one that could
    be guessed; its message never holds any of the key.
    """
    if file is None:
        where, held = f"the environment variable {VARIABLE}", os.environ.get(VARIABLE, "").encode()
        if not held:
            help = f"name a file with key_file, or set {VARIABLE}; {MAKE}"
            raise CtdcError("this needs a secret key, and none is given", help=help)
    else:
        where = f"{file}"
        try:
            held = file.read_bytes()
        except OSError as error:
            raise CtdcError(f"{file} cannot be read: {error.strerror}", help=MAKE) from None
    key = held.strip()
    if len(key) < LEAST:
        raise CtdcError(f"the key in {where} has fewer than {LEAST} characters", help=MAKE)
    if len(set(key)) < LEAST // 2:
        raise CtdcError(
            f"the key in {where} repeats few characters, and could be guessed", help=MAKE
        )
    return key
