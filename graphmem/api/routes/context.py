"""The next turn's prompt, within a budget."""

from typing import Any

from fastapi import APIRouter

from graphmem import wire
from graphmem.api.deps import Manager, scope_of
from graphmem.api.schemas import ContextAnswer, ContextBody

router = APIRouter(prefix="/v1/context", tags=["context"])


@router.post("", response_model=ContextAnswer, operation_id="build_context")
async def build_context(body: ContextBody, manager: Manager) -> Any:
    """Return prompt parts, never a token over the budget, and what did not fit and why."""
    context = await manager.build_context(
        body.query,
        scope_of(body.scope),
        body.budget,
        system=body.system,
        tools=body.tools,  # pyright: ignore[reportArgumentType]  # JsonValue is Json
        top_k=body.top_k,
        filter=body.filter.value() if body.filter else None,
        as_of=body.as_of,
        known_at=body.known_at,
    )
    return wire.context_json(context, full=True)
