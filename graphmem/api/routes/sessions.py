"""Conversations: create and look up."""

from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Response

from graphmem import wire
from graphmem.api.deps import Manager, SessionScope, new_id, scope_of
from graphmem.api.schemas import SessionAnswer, SessionBody

router = APIRouter(prefix="/v1/sessions", tags=["sessions"])


@router.post("", status_code=201, response_model=SessionAnswer, operation_id="create_session")
async def create_session(body: SessionBody, manager: Manager, response: Response) -> Any:
    """Create a session; 409 if there is one of that id."""
    scope = scope_of(body.scope, session=body.scope.session or new_id("session"))
    session = await manager.sessions.create(
        scope,
        metadata=body.metadata,  # pyright: ignore[reportArgumentType]  # JsonValue is Json
        expires_in_s=body.expires_in_s,
        private_to=body.private_to,
    )
    response.headers["Location"] = f"/v1/sessions/{quote(session.id, safe='')}"
    return wire.session_json(session)


@router.get("/{session_id:path}", response_model=SessionAnswer, operation_id="get_session")
async def get_session(scope: SessionScope, manager: Manager) -> Any:
    """Return a session and its scratchpad."""
    return wire.session_json(await manager.sessions.get(scope))
