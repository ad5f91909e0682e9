"""A page of sessions: found as planned, and never with more than a bounded amount of work.

What an index cannot filter is filtered after reading the sessions; where that uses the work up, the page is short and
says where to go on.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from functions.store import plan, session, walk
from functions.store.cursor import Position
from functions.store.ordering import place
from functions.store.plan import Plan
from functions.store.query import Members, Query
from functions.store.session import Loaded
from functions.store.walk import Entry, Found, Source, Walk, is_beyond
from functions.store.work import Work
from sessions import dynamodb, log, proxy
from sessions.attributes import Item
from sessions.dynamodb import Pending

MOST_TOLD = 1_200
"""Entries of an index that are read for one page, where they tell all that it takes to find and sort it."""
MOST_ENTRIES = 300
"""Entries of an index that are read for one page, where they have something to filter or sort by."""
MOST_SESSIONS = 200
"""Sessions that are read for one page, where most may be filtered out."""
MOST_COLLECTED = 100
"""Sessions that are read to be sorted in memory."""

_BEGINNING = Position("")


class UnknownSessionError(Exception):
    """A page is to begin at a session that there is not; `field` names the parameter."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


class Page(NamedTuple):
    """`bodies` are JSON texts; `previous` and `following` are where the adjacent pages begin, None at the ends."""

    bodies: Sequence[str]
    previous: Position | None
    following: Position | None


def page(account: str, query: Query) -> Page:
    """The page. `UnknownSessionError` where it is to begin at a session, by its id, that the account has not."""
    listing = _Listing(account, query)
    with dynamodb.metering() as meter:
        found = listing.page()
    further = found.following if query.before is None else found.previous
    is_short = further is not None and len(found.bodies) < query.count
    work = listing.work
    log.measured(
        "page",
        {"plan": listing.plan},
        {"entries": work.entries, "read_units": meter.units, "rounds": work.rounds, "short": int(is_short)},
        account=account,
        calls=meter.calls,
        sessions=len(found.bodies),
    )
    return found


_Start = Callable[[], tuple[Position | None, int]]
_Result = tuple[list[str], Position | None, bool]


class _Listing:
    """One request. It goes from `start` on: in the query's direction, or against it to a page that ends there."""

    def __init__(self, account: str, query: Query) -> None:
        self.account = account
        self.query = query
        self.ascending = (query.direction == "asc") == (query.before is None)
        self.start: Position | None = None
        self.stop: Position | None = None
        self.trail: tuple[Position, ...] = ()
        self.filters = query.filtered
        self.is_filtered = False
        self.work = Work(account)
        self.plan = ""

    def page(self) -> Page:
        """Pages go in the query's direction, and leave a trail of where they began. On the way back, where there is
        a trail, a page is made as it was on the way there, up to where it ended; else it is made backwards.
        """
        before = self.query.before
        if isinstance(before, Position) and (trail := self._trail(before)):
            return self._made_again(before, trail)
        bodies, more, has_others = self._found()
        back = self.start.turned(self.trail) if self.start is not None and has_others else None
        if before is not None:
            return Page(bodies[::-1], previous=more, following=back)
        if more is not None and (self.is_filtered or self.trail or len(bodies) < self.query.count):
            more = more._replace(trail=(*self.trail, self.start or _BEGINNING))
        return Page(bodies, previous=back, following=more)

    def _trail(self, position: Position) -> tuple[Position, ...]:
        """The position's trail; none where it is of pages in the other direction, and so does not lead there."""
        if not position.trail:
            return ()
        last, ascending = position.trail[-1].place, self.query.direction == "asc"
        leads_there = not last or (last <= position.place if ascending else last >= position.place)
        return position.trail if leads_there else ()

    def _made_again(self, end: Position, trail: tuple[Position, ...]) -> Page:
        """The page that began where the trail ends. Where it would now end earlier than at `end`, sessions have come in
        between: then it is empty, and the next one is made backwards.
        """
        *others, start = trail
        self.ascending = not self.ascending
        self.start, self.stop = (start if start.place else None), end
        bodies, more, _ = self._found()
        following = end.turned(trail)
        if more is not None:
            return Page([], previous=Position(end.place, inclusive=end.inclusive), following=following)
        previous = None if self.start is None else self.start.turned(tuple(others))
        return Page(bodies, previous=previous, following=following)

    def _found(self) -> _Result:
        """The sessions in the order of the walk, where it goes on, and whether there may be others before its start."""
        looked_up = _start(self.account, self.query)
        if "id" in self.query.equal:
            self.plan = "session"
            only = Entry("", session.session_key(self.account, int(self.query.equal["id"])), {}, 1)
            found = self._read([only])
            self._begin(looked_up)
            return self._sorted(found)
        return self._planned(plan.choose(self.account, self.query), looked_up)

    def _planned(self, chosen: Plan, looked_up: _Start) -> _Result:
        """What may be few is collected; the walk begins at the same time if planned so, and it is known where."""
        source, collect = chosen.walk, chosen.collect
        self.is_filtered = bool(source.filtered(self.query))
        if collect is not None:
            most = self._collectable(collect)
            collecting = walk.read_ahead(collect, collect.places, ascending=True, need=most + 1, most_rounds=1)
        is_late = self._begin(looked_up) or (collect is not None and not chosen.at_once)
        walking = self._walk(source)
        needs = self._needs(source, is_late=is_late)
        if collect is not None:
            walked: list[Found] = []
            if not is_late:
                need = min(needs.pop(0), self.work.walkable(source, is_collecting=True))
                walked.append(walking.go_ahead(need, most_rounds=1).result())
            found = collecting.result()
            self.work.add(found, *walked)
        self.work.rounds = max(self.work.rounds, int(is_late))
        if collect is not None and self._is_all(collect, found, most):
            self.plan = collect.name
            return self._collected(collect, found)
        self.plan = source.name
        self._go(walking, source, needs)
        return self._shown(walking.entries, is_complete=walking.is_complete, has_others=True, chosen=chosen)

    def _walk(self, source: Source) -> Walk:
        """From the start to where the page must end."""
        walking = Walk(source, ascending=self.ascending, is_filtered=self.is_filtered)
        walking.begin(self.start)
        if self.stop is not None:
            walking.end(self.stop)
        return walking

    def _go(self, walking: Walk, source: Source, needs: Sequence[int]) -> None:
        """Comes by so many entries in each round, until they are enough."""
        for number, need in enumerate(needs, 1):
            if walking.is_complete or len(self._allowed(walking.entries)) > self.query.count:
                return
            # To show what is found takes a round, and two where there is time to find out first what will be shown.
            spare = 1 if source.undecided(self.query) else self.work.rounds_left - 1
            most_rounds = spare - (len(needs) - number)
            self.work.add(walking.go_ahead(min(need, self.work.walkable(source)), most_rounds).result())

    def _begin(self, looked_up: _Start) -> bool:
        """Takes the position that the page begins at; whether a session had to be read to know it."""
        start, blocks = looked_up()
        if self.stop is None:
            self.start = start
            self.trail = self._trail(start) if start is not None else ()
        self.work.add_blocks(blocks)
        return blocks > 0

    def _needs(self, source: Source, *, is_late: bool) -> list[int]:
        """How many entries are walked by in each round, until they are enough. `is_late`: not in the first round."""
        filtered, undecided = source.filtered(self.query), source.undecided(self.query)
        if not filtered:
            return [self.query.count]
        need = MOST_SESSIONS if undecided == filtered else MOST_ENTRIES
        return [need] if undecided or is_late else [min(3 * self.query.count, need), need]

    def _collectable(self, source: Source) -> int:
        """How many entries are worth reading, where all that can be meant may be among them."""
        may_tell = source.has_values or self.query.order_by in source.known
        if may_tell and not source.undecided(self.query):
            most = MOST_TOLD
        else:
            most = MOST_ENTRIES if source.filtered(self.query) & source.known else MOST_COLLECTED
        return min(most, self.work.collectable(source))

    def _is_told(self, source: Source, entries: Sequence[Entry]) -> bool:
        """Whether the index alone tells which of these sessions are shown, and in which order."""
        return not source.undecided(self.query) and all(self.query.order_by in one.known for one in entries)

    def _is_all(self, source: Source, found: Found, most: int) -> bool:
        """Whether these are all sessions that can be meant, and few enough to be sorted."""
        if not found.is_complete or len(found.entries) > most:
            return False
        allowed = self._allowed(found.entries)
        if self._is_told(source, allowed):
            return True
        return len(allowed) <= MOST_COLLECTED and self.work.readable(allowed, self.query.count) == len(allowed)

    def _collected(self, source: Source, found: Found) -> _Result:
        """The page out of all sessions that can be meant."""
        entries = self._allowed(found.entries)
        if not self._is_told(source, entries):
            return self._sorted(self._read(entries))
        placed = sorted(
            (one._replace(place=self._place(one.known)) for one in entries), key=_by_place, reverse=not self.ascending
        )
        beyond = [one for one in placed if self._is_beyond(one)]
        return self._shown(beyond, is_complete=True, has_others=len(beyond) < len(placed))

    def _sorted(self, sessions: Sequence[Loaded]) -> _Result:
        """The page out of all sessions that match."""
        beyond = sorted((one for one in sessions if self._is_beyond(one)), key=_by_place, reverse=not self.ascending)
        return self._answer(beyond, None, has_others=len(beyond) < len(sessions))

    def _shown(
        self, beyond: Sequence[Entry], *, is_complete: bool, has_others: bool, chosen: Plan | None = None
    ) -> _Result:
        """The page out of entries beyond the start, in order; `chosen` where they may not tell about all filters.

        Sessions are read at once with the customers and stores that they are shown with. Only where it is not known yet
        which ones match, and there is time to find out first, those are read afterwards.
        """
        candidates = self._allowed(beyond)
        is_first, most = False, self.query.count
        if chosen is not None and chosen.walk.undecided(self.query):
            # Nothing but the query says how many: so pages are the same whichever way they are walked.
            is_first = self.work.rounds_left > 1
            most = min(2 * most + 1, MOST_SESSIONS) if chosen.is_common(self.query) else MOST_SESSIONS
        tried = candidates[:most]
        fitting = self.work.readable(tried, self.query.count) if is_first else self.work.readable_at_once(tried)
        examined = fitting or min(len(tried), 1)
        matching = self._read_in_place(tried[:examined], with_records=not is_first)
        more: Position | None = None
        if examined < len(candidates):
            more = Position(candidates[examined - 1].place)
        elif not is_complete:
            more = Position(beyond[-1].place) if beyond else self.start
        return self._answer(matching, more, has_others=has_others)

    def _answer(self, matching: Sequence[Loaded], more: Position | None, *, has_others: bool) -> _Result:
        """The first of these sessions, up to a page, as far as they can be shown with their customers and stores.

        `more` is where the next page in this direction begins if all are shown; `has_others`: whether there may be
        sessions on the near side of the start.
        """
        chosen = matching[: self.query.count]
        taken = chosen[: self.work.presentable(chosen)]
        bodies = session.shown(taken, self.work.records(taken))
        bodies = bodies[: proxy.fitting(bodies)]
        if len(bodies) < len(matching):
            more = Position(matching[len(bodies) - 1].place) if bodies else Position(matching[0].place, inclusive=True)
        return bodies, more, has_others

    def _read(self, entries: Sequence[Entry], *, with_records: bool = False) -> list[Loaded]:
        """Those of these sessions that are there and match."""
        loaded = self.work.load(entries, self.query, with_records=with_records)
        found = [loaded[entry.session] for entry in entries if entry.session in loaded]
        return [one for one in found if self.query.allows(one.known)] if self.filters else found

    def _read_in_place(self, entries: Sequence[Entry], *, with_records: bool) -> list[Loaded]:
        """Those of these sessions that match, and still are where their index said a moment ago."""
        places = {entry.place for entry in entries}
        return [one for one in self._read(entries, with_records=with_records) if one.place in places]

    def _allowed(self, entries: Sequence[Entry]) -> list[Entry]:
        return [entry for entry in entries if self.query.allows(entry.known)] if self.filters else [*entries]

    def _is_beyond(self, one: Entry | Loaded) -> bool:
        goes_further = self.stop is not None and not is_beyond(one.place, self.stop, not self.ascending)
        return is_beyond(one.place, self.start, self.ascending) and not goes_further

    def _place(self, values: Members) -> str:
        return place(self.query.order_by, values[self.query.order_by], values["id"])


def _start(account: str, query: Query) -> _Start:
    """Where the page begins, be it a cursor or the id of a session, and the blocks that were read to know it: told by a
    call, for which the session is under way by now.
    """
    for name, given in (("after", query.after), ("before", query.before)):
        if isinstance(given, Position):
            return lambda: (given, 0)
        if given is not None:
            return partial(_of_session, session.find_ahead(account, given), query, name)
    return lambda: (None, 0)


def _of_session(found: Pending[Item | None], query: Query, name: str) -> tuple[Position, int]:
    item = found.result()
    if item is None:
        raise UnknownSessionError(name)
    known = session.Known(item)
    return Position(place(query.order_by, known[query.order_by], known["id"])), session.weight(item)


def _by_place(one: Entry | Loaded) -> str:
    return one.place
