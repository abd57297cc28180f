# SPDX-License-Identifier: GPL-3.0-or-later
"""Maps whose numbers are read when they are first asked for: a study of gigabytes opens at once, and only those of its maps that
are used are read, and checked."""
from functools import partial

from . import map_file, space as spaces
from .numeric import np
from .one_map import Map


class Source:
    """Where the numbers of a map are. Called, it opens the file once more and gives the map, read and checked; MapError if
    the file has become another, or is damaged there."""

    def __init__(self, space, place, k, verify, known):
        self.space, self.place, self.k, self.verify, self.known = space, place, k, verify, known
        self._found = None

    def __call__(self):
        if self._found is None and self.space.is_read:
            self._found = self.space.read(self.verify, self.k, self.place, *self.known)
        elif self._found is None:
            path = self.space.file.path
            names = [self.place[len(path) + 1:]] if self.place != path else None
            with map_file.opened(path, names) as file:
                self._found = self.space.reopened(file).read(self.verify, self.k, self.place, *self.known)
        return self._found

    def let_go(self):
        self._found = None

    def member(self, n):
        return self().members[n]


def lazy_map(source, factors):
    """A map without its numbers: those come with the first use of delta_chi2, chi2, status, pulls, flags,
    profiled or best_fit."""
    space, (attrs, progress, in_turn) = source.space, source.known
    part, common = fraction_done(space, bool(in_turn)), dict(path=source.place, attrs=attrs, factors=factors, minimised=space.minimised)
    members = []
    for n, name in enumerate(in_turn):
        axes, own = spaces.of_member(n, name, space.axes, progress)
        members.append(Map.later(partial(source.member, n), axes=axes, progress=own, completeness=float(part[n]), **common))
    if in_turn:
        progress = dict(progress, best_fit=np.nan)
    known = {}
    if space.file.version == 2 and progress.get("complete") and not in_turn and np.ndim(progress.get("points_failed")) == 0:
        known["points_failed"] = int(progress["points_failed"])
    return Map.later(source, axes=space.axes, progress=progress, members=tuple(members), completeness=float(np.mean(part)), **common, **known)


def fraction_done(space, by_member):
    """Of the points, those in whole tiles; of each value of the first axis, if `by_member`."""
    if space.done.all():
        return np.ones(space.shape[0] if by_member else 1)
    sizes = np.ones(1)
    for n, s in zip(space.shape, space.side):
        sizes = np.multiply.outer(sizes, [min(s, n - i) for i in range(0, n, s)])
    done = space.done.reshape(sizes.shape[1:]) * sizes[0]
    return done.sum(axis=tuple(range(1, done.ndim))) / sizes[0, 0].sum() if by_member else np.array([done.sum() / sizes.sum()])
