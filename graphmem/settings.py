"""The only reader of the environment: one table of names, all ``GRAPHMEM_…``.

Does not know what the values are used for. The table in the README is made from these fields.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What can be set from outside; explicit arguments win over the environment."""

    model_config = SettingsConfigDict(env_prefix="GRAPHMEM_", extra="ignore")

    store: str = Field("sqlite:///graphmem.db", description="where the memory lives")
    log: str | None = Field(None, description="where the event log lives; default: the store")
    neo4j_user: str | None = Field(
        None, description="who asks Neo4j, where the URL names nobody", repr=False
    )
    neo4j_password: str | None = Field(
        None, description="the password, where the URL has none", repr=False
    )
    neo4j_database: str | None = Field(
        None, description="the database, where the URL names none; default: the user's own"
    )
    neo4j_ca: str | None = Field(
        None, description="certificates that Neo4j's must be signed by; default: the system's"
    )
    app: str = Field("default", description="the app of the command line's scope")
    user: str = Field("default", description="the user of the command line's scope")
    embedder: str = Field("onnx", description="onnx, sentence-transformers:NAME or litellm:NAME")
    selector: str = Field(
        "onnx", description="what reads the first hits beside each other: onnx (bundled) or none"
    )
    reranker: str = Field(
        "none", description="none, cross-encoder:NAME, litellm:MODEL or listwise:MODEL"
    )
    rewriter: str = Field("none", description="none or litellm:MODEL")
    rerank_budget_s: float = Field(
        1.0, gt=0, le=60, description="what reranker and rewriter may each take for a question"
    )
    extractor: str = Field(
        "rules", description="what reads facts out of events: rules, or rules:FILE with own words"
    )
    predicates: Path | None = Field(None, description="a file of own predicates, over graphmem's")
    worker: Literal["thread", "process", "off"] = Field(
        "thread", description="who consolidates: a thread of ours, another process, nobody"
    )
    lease_s: float = Field(30.0, gt=0, le=3600, description="how long a worker holds a stream")
    batch_events: int = Field(128, ge=1, le=1000, description="events in one batch at most")
    max_text_bytes: int = Field(
        65536, ge=1, le=65536, description="the size limit of one event, in bytes"
    )
    recall_cache: int = Field(
        500, ge=0, le=100_000, description="answers of recall that are kept; 0: none"
    )
    recall_memory_mb: int = Field(
        512, ge=1, le=1_000_000, description="what recall keeps of scopes in memory (SQLite)"
    )
    tokenizer: Literal["o200k_base", "cl100k_base"] = Field(
        "o200k_base", description="what budgets are counted with"
    )
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR"],
        BeforeValidator(lambda given: given.upper() if isinstance(given, str) else given),
    ] = Field("WARNING", description="of the service and the worker")
    log_format: Literal["json", "text"] = Field("json", description="of the service and the worker")
    api_host: str = Field("127.0.0.1", description="where `graphmem serve` listens")
    api_port: int = Field(8000, ge=0, le=65535, description="where `graphmem serve` listens")
