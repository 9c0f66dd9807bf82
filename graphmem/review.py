"""What a person decides about memory: what leaves quarantine, who is who.

Every verb puts a decision into the log, so that a replay knows it, and returns when it has been
carried out. All or none: what cannot be done is refused before anything is decided. Does not know
how a decision changes the graph; consolidation does.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime

from graphmem import decisions
from graphmem.consolidation.assertions import SAME_AS
from graphmem.consolidation.identity import compatible_kinds
from graphmem.errors import Conflict, InvalidInput, NotFound
from graphmem.listing import PAGE, pages
from graphmem.models import Entity, Fact, Filter, Json, KnownQuery, Scope
from graphmem.ports import GraphStore, SessionStore


class Review:
    """Decisions by hand: ``manager.review``. ``drain`` consolidates a scope's stream up to now."""

    def __init__(
        self,
        log: SessionStore,
        graph: GraphStore,
        clock: Callable[[], datetime],
        drain: Callable[[Scope], Awaitable[object]],
    ) -> None:
        self._log = log
        self._graph = graph
        self._clock = clock
        self._drain = drain

    async def quarantined(self, scope: Scope) -> Sequence[Fact]:
        """Return the facts that wait for review: kept, and never used until released."""
        listed = pages(
            lambda cursor: self._graph.list(
                [scope.home], "fact", Filter(), limit=PAGE, cursor=cursor
            )
        )
        return [f async for page in listed for f in page.facts if f.status == "quarantined"]

    async def release(self, scope: Scope, fact_ids: Sequence[str]) -> None:
        """Let quarantined facts be used. NotFound, Conflict where one is not in quarantine."""
        page = await self._graph.read([scope.home], fact_ids)
        missing = sorted(set(fact_ids) - {f.id for f in page.facts})
        if missing:
            raise NotFound(f"there is no fact {missing[0]!r} in this scope")
        for fact in page.facts:
            if fact.status != "quarantined":
                raise Conflict(f"fact {fact.id!r} is not in quarantine")
        await self._decide(
            scope,
            [
                ("release", f.id, {"assertions": {s.assertion_id: f.slot for s in f.support}})
                for f in page.facts
            ],
        )

    async def merge(self, scope: Scope, keep: str, other: str) -> None:
        """Say that two entities are one and the same, and were all along, called as ``keep`` is.

        All that is known of the other is then known of ``keep``; its id stays as a trail. Undone
        by ``split``. NotFound, InvalidInput where they cannot be one, Conflict where they are.
        """
        one, gone = await self._entity(scope, keep), await self._entity(scope, other)
        for entity in (one, gone):
            if entity.same_as:
                raise Conflict(f"entity {entity.id!r} is merged into {entity.same_as!r}: name that")
        if one.id == gone.id:
            raise InvalidInput(f"{keep!r} and {other!r} are one entity already")
        if not compatible_kinds(one.kind, gone.kind):
            raise InvalidInput(f"a {one.kind} and a {gone.kind} cannot be one entity")
        if _is_of(one, gone) or _is_of(gone, one):
            raise InvalidInput(f"{keep!r} and {other!r} are kin: one is known as the other's")
        await self._decide(scope, [("merge", one.id, {"keep": one.id, "other": gone.id})])

    async def split(self, scope: Scope, other: str) -> None:
        """Take a merge back, as though it had never been: ``other`` is somebody else again."""
        gone = await self._entity(scope, other)
        if not gone.same_as:
            raise Conflict(f"entity {other!r} is not merged into another")
        known = await self._graph.known(scope.home, KnownQuery(entity_ids=(gone.id,)))
        merges = [
            a.id
            for a in known.assertions
            if a.statement.predicate == SAME_AS and a.object_id == gone.id
        ]
        await self._decide(scope, [("split", gone.id, {"merge": m}) for m in merges[-1:]])

    async def _entity(self, scope: Scope, entity_id: str) -> Entity:
        page = await self._graph.read([scope.home], [entity_id])
        if not page.entities:
            raise NotFound(f"there is no entity {entity_id!r} in this scope")
        return page.entities[0]

    async def _decide(
        self, scope: Scope, taken: Sequence[tuple[decisions.Kind, str, Mapping[str, Json]]]
    ) -> None:
        now = self._clock()
        here = Scope(app=scope.app, user=scope.user, session=decisions.SESSION)
        events = [decisions.event(scope, kind, of, body, now=now) for kind, of, body in taken]
        await self._log.append(here, events, now=now)
        await self._drain(scope)


def _is_of(entity: Entity, whose: Entity) -> bool:
    """Return whether the entity is known as the other's: "Anna's dog" is not Anna."""
    return any(name.partition("@")[2] == whose.id for name in (entity.key, *entity.descriptors))
