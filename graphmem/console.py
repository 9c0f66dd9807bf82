"""How memories look on a terminal: tables and lines, nothing decided.

Every text from a memory is made harmless first: control characters are replaced, and the markup
of the terminal library is off for it.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from graphmem.consolidation.plan import Outcome
from graphmem.guard.text import visible
from graphmem.models import (
    Context,
    Entity,
    Episode,
    Event,
    Fact,
    ForgetReceipt,
    Hit,
    Session,
    StreamState,
)

_OPERATIONS = {
    "CREATE": "green",
    "CORROBORATE": "cyan",
    "UPDATE": "yellow",
    "INVALIDATE": "red",
    "CONFLICT": "magenta",
    "FORGET": "red",
}


def plain(text: str, style: str = "") -> Text:
    return Text(visible(text), style=style)


def when(moment: datetime | None) -> str:
    return "" if moment is None else moment.strftime("%Y-%m-%d")


def hits(out: Console, found: Sequence[Hit], *, explain: bool) -> None:
    if not found:
        out.print("Nothing in this memory answers that.")
        return
    table = Table(box=None, pad_edge=False)
    for name in ("score", "what", "since", "until", "from"):
        table.add_column(name, no_wrap=name != "what", overflow="fold")
    for hit in found:
        text = plain(
            f"{hit.author}: {hit.text}" if hit.author and hit.kind == "episode" else hit.text
        )
        if hit.ended:
            text.stylize("dim")
        since = hit.valid_from if hit.kind == "fact" else hit.occurred_at
        table.add_row(f"{hit.score:.3f}", text, when(since), _until(hit), visible(hit.event_ids[0]))
        if explain:
            arms = "  ".join(f"{name} {value:+.3f}" for name, value in hit.arms.items())
            table.add_row("", plain(f"{hit.reason}\n{arms}\nid {hit.id}", "dim"), "", "", "")
    out.print(table)


def _until(hit: Hit) -> str:
    if hit.valid_to is not None:
        return when(hit.valid_to)
    return "ended" if hit.ended else "partly ended" if hit.partly_ended else ""


def facts(out: Console, found: Iterable[Fact], now: datetime, *, ids: bool = True) -> None:
    table = Table(box=None, pad_edge=False)
    for name in ("fact", "since", "until", "status", "sure"):
        table.add_column(name, no_wrap=name != "fact", overflow="fold")
    for fact in found:
        text = plain(fact.text)
        if ids:
            text.append(f"\n{fact.id}", "dim")
        table.add_row(
            text,
            when(fact.valid_from),
            when(fact.valid_to),
            fact.standing(now),
            f"{fact.confidence:.2f}",
        )
    out.print(table)


def versions(out: Console, found: Iterable[Fact]) -> None:
    table = Table(box=None, pad_edge=False)
    for name in ("believed from", "until", "fact", "valid from", "to", "why"):
        table.add_column(name, no_wrap=name != "fact")
    for fact in found:
        table.add_row(
            when(fact.recorded_at),
            when(fact.retired_at),
            plain(fact.text),
            when(fact.valid_from),
            when(fact.valid_to),
            fact.reason or "",
        )
    out.print(table)


def outcomes(out: Console, made: Sequence[Outcome], *, most: int = 40) -> None:
    for outcome in made[:most]:
        line = Text(f"  {outcome.operation:<12}", style=_OPERATIONS[outcome.operation])
        out.print(line.append_text(plain(outcome.text, "default")))
    if len(made) > most:
        out.print(f"  … and {len(made) - most} more")


def memory(out: Console, item: Fact | Episode | Entity, now: datetime) -> None:
    """Show one memory whole, with where it comes from."""
    rows: dict[str, str] = {"id": item.id}
    match item:
        case Fact():
            out.print(plain(item.text, "bold"))
            rows |= {
                "status": item.standing(now),
                "valid": f"{when(item.valid_from) or '?'} to {when(item.valid_to) or 'now'}",
                "recorded": when(item.recorded_at),
                "confidence": f"{item.confidence:.2f} ({item.source_class.value})",
                "topic": f"{item.topic} / {item.predicate}",
            }
        case Episode():
            out.print(plain(item.text, "bold"))
            rows |= {
                "said by": f"{item.author or item.role} in session {item.session_id}",
                "on": when(item.occurred_at),
                "event": item.event_id,
            }
        case Entity():
            out.print(plain(item.name, "bold"))
            rows |= {
                "kind": item.kind,
                "also": ", ".join(item.aliases),
                "same as": item.same_as or "",
                "first seen": when(item.created_at),
            }
    for name, value in rows.items():
        if value:
            out.print(Text(f"  {name:<11}", style="dim").append_text(plain(value, "default")))
    if isinstance(item, Fact):
        for support in item.support:
            out.print(plain(f"  because    “{support.quote}”  (event {support.event_id})"))


def entities(out: Console, found: Iterable[Entity]) -> None:
    table = Table(box=None, pad_edge=False)
    for name in ("name", "kind", "also", "id"):
        table.add_column(name, no_wrap=name == "id", overflow="fold")
    for entity in found:
        also = ", ".join(entity.aliases)
        table.add_row(plain(entity.name), entity.kind, plain(also), plain(entity.id, "dim"))
    out.print(table)


def context(out: Console, made: Context) -> None:
    out.print(plain(made.render()))
    out.print(f"\n{made.tokens} of {made.budget} tokens", style="dim")
    for dropped in made.dropped:
        out.print(plain(f"  left out: {dropped.band} {dropped.id or ''}: {dropped.why}", "dim"))


def sessions(out: Console, found: Iterable[Session]) -> None:
    table = Table(box=None, pad_edge=False)
    for name in ("session", "events", "created", "updated", "expires"):
        table.add_column(name)
    for s in found:
        table.add_row(
            plain(s.id), str(s.events), when(s.created_at), when(s.updated_at), when(s.expires_at)
        )
    out.print(table)


def events(out: Console, found: Iterable[Event]) -> None:
    for event in found:
        who = event.author or event.role
        out.print(plain(f"{event.seq:>5}  {when(event.occurred_at)}  {who}: {event.text}"))


def streams(out: Console, found: Iterable[StreamState]) -> None:
    table = Table(box=None, pad_edge=False)
    for name in ("app", "user", "events", "waiting", "state", "why"):
        table.add_column(name)
    for s in found:
        state = "parked" if s.parked else "leased" if s.owner else "ready" if s.pending else "done"
        table.add_row(
            plain(s.scope.app),
            plain(s.scope.user or ""),
            str(s.last_seq),
            str(s.pending),
            state,
            plain(s.reason or ""),
        )
    out.print(table)


def receipt(out: Console, gone: ForgetReceipt) -> None:
    verb = "would forget" if gone.dry_run else "forgot"
    out.print(
        f"{verb} {len(gone.events)} events, {len(gone.facts)} facts, {len(gone.entities)} entities"
    )
    for event_id in gone.events[:20]:
        out.print(plain(f"  event {event_id}"))
    for fact_id in gone.facts[:20]:
        out.print(plain(f"  fact {fact_id}"))


def counts(out: Console, found: Mapping[str, int]) -> None:
    for name, value in found.items():
        out.print(f"  {name.replace('_', ' '):<20}{value:>8}")
