"""Is the service up, and does its store answer?"""

from typing import Any

from fastapi import APIRouter, Request

from graphmem.api.deps import Manager
from graphmem.api.schemas import HealthAnswer
from graphmem.models import Scope

router = APIRouter(tags=["health"])


@router.get("/healthz", response_model=HealthAnswer, operation_id="check_health")
async def check_health(request: Request, manager: Manager) -> Any:
    """Return 200 when the store answers."""
    await manager.sessions.list(Scope(), limit=1)
    return {"status": "ok", "version": request.app.version}
