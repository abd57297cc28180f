# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for conditions, never for a time."""
import time
import traceback


def wait_until(condition, seconds, what):
    """Polls until condition() is true, and returns its value."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.05)
    raise AssertionError(f"{what}: not within {seconds} s")


class _Story:
    def __init__(self, name, generator):
        self.name, self.generator, self.failure, self.over = name, generator, "", False
        self.condition, self.end, self.what = lambda: True, float("inf"), ""

    def step(self):
        try:
            if value := self.condition():
                self.condition, seconds, self.what = self.generator.send(value if self.what else None)
                self.end = time.monotonic() + seconds
            elif time.monotonic() > self.end:
                self.condition, seconds, self.what = self.generator.throw(AssertionError(f"{self.what}: not in time"))
                self.end = time.monotonic() + seconds
        except StopIteration:
            self.over = True
        except Exception:
            self.over, self.failure = True, f"--- {self.name}\n{traceback.format_exc()}"


def together(stories):
    """Tells many stories at once, {name: generator}: each yields (condition, seconds, what) where it has to wait, and goes on with the
    condition's value. A story that fails ends alone; the others are told to their ends."""
    told = [_Story(name, generator) for name, generator in stories.items()]
    while waiting := [story for story in told if not story.over]:
        for story in waiting:
            story.step()
        time.sleep(0.02)
    assert not any(story.failure for story in told), "\n".join(story.failure for story in told)
