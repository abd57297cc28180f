# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of bad configurations share: a good text, of which one place is made bad."""
import re

import pytest

from e2e import refused

RUN = ("run", "scan.yaml", "-o", "map.h5")


def case(name, old, new, at, *says):
    """In the text, `old` becomes `new`; the message points to `at` and holds each of `says`."""
    return pytest.param(old, new, at, says, id=name)


def located(text, new, at):
    """LINE:COLUMN of the first `at` from `new` on, or else of the first in the text."""
    position = text.find(at, text.index(new))
    position = text.index(at) if position < 0 else position
    before = text[:position]
    return f"{before.count(chr(10)) + 1}:{position - before.rfind(chr(10))}"


def changed(text, old, new):
    assert text.count(old) == 1, old
    return text.replace(old, new)


def write(folder, **texts):
    """NAME.yaml of each text."""
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(text)
    return folder


def check_refused(folder, name, good, old, new, at, says):
    """With `old` made `new` in NAME.yaml, the message points to `at` and holds each of `says`. Returns it."""
    text = changed(good, old, new)
    write(folder, **{name: text})
    message = refused(folder, *RUN)
    place = located(text, new, at)
    if "not valid YAML" in message:  # libyaml says where it gave up, not where it began to go wrong
        place = r"\d+:\d+"
    assert re.search(rf"\b{name}\.yaml:{place}: ", message), message
    for words in says:
        assert words in message, message
    return message
