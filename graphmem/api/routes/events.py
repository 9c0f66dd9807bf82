"""What happens in a session: append."""

from typing import Any

from fastapi import APIRouter

from graphmem import wire
from graphmem.api.deps import Manager, Now, SessionId, new_id, scope_of
from graphmem.api.schemas import EventsAnswer, EventsBody
from graphmem.models import Event

router = APIRouter(prefix="/v1/sessions", tags=["events"])


@router.post(
    "/{session_id:path}/events",
    status_code=201,
    response_model=EventsAnswer,
    operation_id="append_events",
)
async def append_events(session_id: SessionId, body: EventsBody, manager: Manager, now: Now) -> Any:
    """Append events, all or none; the answer comes after the durable commit.

    The session is created if there is none. An id that is there with the same content is a no-op,
    with other content 409. Recall follows soon after.
    """
    scope = scope_of(body.scope, session=session_id)
    events: list[Event] = []
    # What has no time happened just now: the last of them at ``now``, the others a step before.
    previous = now - len(body.events) * wire.STEP
    for position, sent in enumerate(body.events):
        row = sent.model_dump(mode="json", exclude_unset=True)
        row["id"] = row.get("id") or new_id("event")
        event = wire.event_of(
            row, session_id=session_id, now=now, position=position, previous=previous
        )
        previous = event.occurred_at
        events.append(event)
    return wire.receipt_json(await manager.append(scope, events))
