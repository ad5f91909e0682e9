"""A page of sessions: found as planned, and never with more than a bounded amount of work.

What an index cannot filter is filtered after reading the sessions; where that uses the work up, the page is short and
says where to go on.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from functions.store import plan, session, walk
from functions.store.cursor import Position
from functions.store.ordering import place
from functions.store.plan import Plan
from functions.store.query import Members, Query
from functions.store.session import Loaded
from functions.store.walk import Entry, Found, Source, Walk, is_beyond
from functions.store.work import LARGEST_SESSION, Work
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
        self.looked_up: Pending[Item | None] | None = None
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
        self._set_out()
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

    def _set_out(self) -> None:
        """Takes the position that the page begins at. Where that is the id of a session, it is looked up; in the order
        of ids, its place is known before.
        """
        given = self.query.after if self.query.before is None else self.query.before
        if isinstance(given, int):
            self.looked_up = session.find_ahead(self.account, given)
            if self.query.order_by == "id":
                self.start = Position(place("id", given, given))
        elif given is not None:
            self.start, self.trail = given, self._trail(given)

    def _arrive(self) -> None:
        """Waits for the session that is looked up, if any. What else is asked for in the first round is answered by
        now: its connections could not be used again, else, where there is no such session.
        """
        if self.looked_up is None:
            return
        item, self.looked_up = self.looked_up.result(), None
        if item is None:
            raise UnknownSessionError("after" if self.query.before is None else "before")
        known = session.Known(item)
        self.start = Position(self._place(known))
        self.work.add_lookup(session.weight(item))

    def _found(self) -> _Result:
        """The sessions in the order of the walk, where it goes on, and whether there may be others before its start."""
        if "id" not in self.query.equal:
            return self._planned(plan.choose(self.account, self.query))
        self.plan = "session"
        only = Entry("", session.session_key(self.account, int(self.query.equal["id"])), {}, 1)
        found = self._read([only])
        self._arrive()
        return self._sorted(found)

    def _planned(self, chosen: Plan) -> _Result:
        source, collect = chosen.walk, chosen.collect
        self.is_filtered = bool(source.filtered(self.query))
        if collect is None:
            if self.start is None:
                self._arrive()
            walking = self._walk(source)
            self._go(walking, source)
            self._arrive()
        else:
            found, walked = self._collect(collect, chosen)
            if found is not None:
                self.plan = collect.name
                return self._collected(collect, found)
            walking = walked or self._walk(source)
            if walked is None:
                self._go(walking, source)
        self.plan = source.name
        return self._shown(walking.entries, is_complete=walking.is_complete, has_others=True, chosen=chosen)

    def _collect(self, collect: Source, chosen: Plan) -> tuple[Found | None, Walk | None]:
        """All sessions that can be meant, if they are few; and the walk, if it began at the same time, as planned."""
        most = self._collectable(collect)
        collecting = walk.read_ahead(collect, collect.places, ascending=True, need=most + 1, most_rounds=1)
        walking, walked, reserve = None, [], 0.0
        if chosen.at_once or self._is_again:
            need = self._needs(chosen.walk)[0]
            # As much, be it known where the walk begins or not: so pages are the same.
            reserve = self.work.most_units(chosen.walk, need)
            if self.looked_up is None or self.start is not None:
                walking = self._walk(chosen.walk)
                meanwhile = self.work.most_units(collect, most) + self._looking_up
                need = min(need, self.work.walkable(chosen.walk, meanwhile=meanwhile))
                walked.append(walking.go_ahead(need, most_rounds=1).result())
        found = collecting.result()
        self.work.add(found, *walked)
        self._arrive()
        is_all = self._is_all(collect, found, most, meanwhile=reserve - sum(one.units for one in walked))
        return (found if is_all else None), walking

    def _walk(self, source: Source) -> Walk:
        """From the start to where the page must end."""
        walking = Walk(source, ascending=self.ascending, is_filtered=self.is_filtered)
        walking.begin(self.start)
        if self.stop is not None:
            walking.end(self.stop)
        return walking

    def _go(self, walking: Walk, source: Source) -> None:
        """Comes by as many entries as are needed, where there are so many, and rounds to come by them."""
        needs = self._needs(source)
        for number, need in enumerate(needs, 1):
            # To show what is found takes a round, and two where there is time to find out first what will be shown.
            spare = 1 if source.undecided(self.query) or self._is_again else self.work.rounds_left - 1
            most = min(need, self.work.walkable(source, meanwhile=self._looking_up))
            self.work.add(walking.go_ahead(most, spare - (len(needs) - number)).result())
            if walking.is_complete or len(self._allowed(walking.entries)) > self.query.count:
                return

    @property
    def _is_again(self) -> bool:
        """Whether there was no time left for the session that the page begins with: this time there must be."""
        return self.start is not None and self.start.again

    @property
    def _looking_up(self) -> float:
        """Units that it may take to look a session up, while that is under way."""
        return LARGEST_SESSION if self.looked_up is not None else 0.0

    def _needs(self, source: Source) -> list[int]:
        """How many entries are walked by in each round, until they are enough."""
        filtered, undecided = source.filtered(self.query), source.undecided(self.query)
        if not filtered:
            return [self.query.count]
        need = MOST_SESSIONS if undecided == filtered else MOST_ENTRIES
        if undecided or self.work.rounds or self._is_again:  # no round can be spared
            return [need]
        return [min(3 * self.query.count, need), need]

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

    def _is_all(self, source: Source, found: Found, most: int, *, meanwhile: float) -> bool:
        """Whether these are all sessions that can be meant, and few enough to be sorted, beside so many units."""
        if not found.is_complete or len(found.entries) > most:
            return False
        allowed = self._allowed(found.entries)
        if self._is_told(source, allowed):
            return True
        readable = self.work.readable(allowed, self.query.count, meanwhile=meanwhile)
        return len(allowed) <= MOST_COLLECTED and readable == len(allowed)

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
        examined = self.work.readable(tried, self.query.count if is_first else most) or min(len(tried), 1)
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
            again = Position(matching[0].place, inclusive=True, again=True)
            more = Position(matching[len(bodies) - 1].place) if bodies else again
        return bodies, more, has_others

    def _read(self, entries: Sequence[Entry]) -> list[Loaded]:
        """Those of these sessions that are there and match."""
        loaded = self.work.load(entries, self.query, with_records=False)
        return self._matching(loaded[entry.session] for entry in entries if entry.session in loaded)

    def _read_in_place(self, entries: Sequence[Entry], *, with_records: bool) -> list[Loaded]:
        """Those of these sessions that match, and still are where their index said a moment ago."""
        loaded = self.work.load(entries, self.query, with_records=with_records)
        return self._matching(
            one for entry in entries for one in [loaded.get(entry.session)] if one and one.place == entry.place
        )

    def _matching(self, sessions: Iterable[Loaded]) -> list[Loaded]:
        return [one for one in sessions if self.query.allows(one.known)] if self.filters else [*sessions]

    def _allowed(self, entries: Sequence[Entry]) -> list[Entry]:
        return [entry for entry in entries if self.query.allows(entry.known)] if self.filters else [*entries]

    def _is_beyond(self, one: Entry | Loaded) -> bool:
        goes_further = self.stop is not None and not is_beyond(one.place, self.stop, not self.ascending)
        return is_beyond(one.place, self.start, self.ascending) and not goes_further

    def _place(self, values: Members) -> str:
        return place(self.query.order_by, values[self.query.order_by], values["id"])


def _by_place(one: Entry | Loaded) -> str:
    return one.place
