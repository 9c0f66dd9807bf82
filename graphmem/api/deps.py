"""What a route gets from the application, and the scope of a request.

The one place where credentials will bound a scope; today a request's own word is taken. Does not
know backends.
"""

import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, cast

from fastapi import Depends, Path, Query, Request

from graphmem.api.schemas import Name, ScopeBody
from graphmem.errors import InvalidInput
from graphmem.manager import MemoryManager
from graphmem.models import Scope


def get_manager(request: Request) -> MemoryManager:
    return cast("MemoryManager", request.app.state.manager)


def get_now(request: Request) -> datetime:
    return cast("Callable[[], datetime]", request.app.state.clock)()


Manager = Annotated[MemoryManager, Depends(get_manager)]
Now = Annotated[datetime, Depends(get_now)]
SessionId = Annotated[Name, Path(description="the session's id", examples=["lisbon-trip"])]


def scope_of(body: ScopeBody, *, session: str | None = None) -> Scope:
    """Return the scope of a request; a session in the path wins, and must not be contradicted."""
    if session is not None and body.session not in (None, session):
        raise InvalidInput(
            f"the scope's session {body.session!r} is not that of the path, {session!r}; "
            "leave it out"
        )
    if body.user is None:
        raise InvalidInput("the app's own level is written by its operator, not over this API")
    return Scope(app=body.app, user=body.user, session=session or body.session)


def session_scope(
    session_id: SessionId,
    app: Annotated[Name, Query(description="the scope's app")] = "default",
    user: Annotated[Name, Query(description="the scope's user")] = "default",
) -> Scope:
    return Scope(app=app, user=user, session=session_id)


SessionScope = Annotated[Scope, Depends(session_scope)]


def new_id(kind: str) -> str:
    """Return an id for what came without one: new with every request, so a retry is not known."""
    return f"{kind}-{secrets.token_hex(12)}"
