"""What is remembered: search."""

from typing import Any

from fastapi import APIRouter

from graphmem import wire
from graphmem.api.deps import Manager, scope_of
from graphmem.api.schemas import SearchAnswer, SearchBody

router = APIRouter(prefix="/v1/memories", tags=["memories"])


@router.post("/search", response_model=SearchAnswer, operation_id="search_memories")
async def search_memories(body: SearchBody, manager: Manager) -> Any:
    """Return the memories that answer a question, the best first, each with its provenance."""
    hits = await manager.retrieve_memories(
        body.query,
        scope_of(body.scope),
        top_k=body.top_k,
        filter=body.filter.value() if body.filter else None,
        as_of=body.as_of,
        known_at=body.known_at,
    )
    return {"hits": [wire.hit_json(hit, full=True) for hit in hits]}
