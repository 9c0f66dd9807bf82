"""The application: settings or a manager in, an ASGI app out.

Does not know backends: ``bootstrap`` opens them. The interactive documentation pages are off, since
they load scripts from elsewhere; the description itself is at ``/openapi.json``.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from importlib import metadata
from typing import Any, Final

from fastapi import FastAPI

from graphmem import bootstrap
from graphmem.api import errors
from graphmem.api.limits import MAX_BODY_BYTES, BodyLimit
from graphmem.api.routes import context, events, health, memories, sessions
from graphmem.api.schemas import Problem
from graphmem.manager import MemoryManager
from graphmem.settings import Settings

_PROBLEM: Final = {"schema": {"$ref": "#/components/schemas/Problem"}}
_PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    status: {"description": why, "content": {errors.MEDIA_TYPE: _PROBLEM}}
    for status, why in (
        (400, "Well formed, and wrong"),
        (404, "Not in this scope"),
        (409, "Something else is there already"),
        (413, "Over a limit, which is named"),
        (422, "Malformed"),
        (503, "The store is busy or away; try again"),
    )
}


def create_app(
    settings: Settings | None = None,
    manager: MemoryManager | None = None,
    *,
    clock: Callable[[], datetime] = bootstrap.system_clock,
    max_body_bytes: int = MAX_BODY_BYTES,
) -> FastAPI:
    """Return the service over a manager that is open, or over one that it opens and closes.

    Without settings they come from the environment when the service starts.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        if manager is not None:
            yield
            return
        chosen = settings or bootstrap.read_settings({})
        async with bootstrap.open_manager(chosen, clock=clock) as opened:
            app.state.manager = opened
            yield

    app = FastAPI(
        title="graphmem",
        summary="The memory that agents can trust.",
        version=_version(),
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        responses=_PROBLEMS,
    )
    app.state.clock = clock
    app.state.manager = manager
    errors.install(app)
    app.add_middleware(BodyLimit, limit=max_body_bytes)
    for room in (sessions, events, memories, context, health):
        app.include_router(room.router)
    _describe_problems(app)
    return app


def _version() -> str:
    try:
        return metadata.version("graphmem")
    except metadata.PackageNotFoundError:
        return "0+source"


def _describe_problems(app: FastAPI) -> None:
    """Put the schema of problem details into the description, which no route returns."""
    described = app.openapi

    def openapi() -> dict[str, Any]:
        found = described()
        schemas = found.setdefault("components", {}).setdefault("schemas", {})
        model = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(model.pop("$defs", {}))
        schemas["Problem"] = model
        return found

    app.openapi = openapi
