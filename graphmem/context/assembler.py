"""Put a prompt context together within a budget of tokens, and say what did not get in and why.

Knows no store, model or clock: what may be shown comes in, and so do ``now`` and the function that
counts. Equal inputs give equal contexts.

The bands stand in the order system, memories, knowledge, history, state, tools. The system text is
taken as it is, and if there are memories to show, the frame that marks them as data is as
mandatory as the system text; where the two do not fit, BudgetTooSmall says what would do. The
room that is left is filled in this order (the shares are in ``budget``):

1. history, the newest first, up to its share, so that the memories know what it shows;
2. memories, the best first, up to the first that does not fit; long ones are cut to a line;
3. history with what is left then; a memory that the history shows by now makes room for more;
4. tools, then state, each whole or not at all; then knowledge, in the order given;
5. history with the rest; and if none of it is shown, the beginning of its newest message.

How a piece reads, and why it cannot pose as another, is in ``lines``.

Prices are counted piece by piece and then once over the whole text, since a tokenizer may merge
over a seam: ``Context.tokens`` is that last count, and what makes it too large is taken out again.
The tokens of history that is further back than the budget reaches are estimated, at four bytes
each, instead of counted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, get_args

from graphmem.context import lines
from graphmem.context.budget import (
    Counter,
    granted,
    how_many,
    how_many_short,
    left_for_memories,
    longest_line,
    shorten,
)
from graphmem.errors import BudgetTooSmall
from graphmem.models import Band, Block, Context, Dropped, Event, Hit, Json

BANDS: Final[tuple[Band, ...]] = get_args(Band)
_EXPENDABLE: Final[tuple[Band, ...]] = ("knowledge", "tools", "state", "memories", "history")
_OVER: Final = "over budget"
_SHOWN: Final = "history already shows it"
_CUT: Final = "cut to fit: this many tokens of it are not shown"


def assemble(
    *,
    hits: Sequence[Hit],
    history: Sequence[Event],
    state: Mapping[str, Json],
    tools: Sequence[Mapping[str, Json]],
    knowledge: Sequence[str],
    system: str,
    budget: int,
    count: Counter,
    now: datetime,
) -> Context:
    """Return the context; never a token over ``budget``, counted over the text as rendered.

    ``hits`` come the best first, ``history`` in the order in which it happened.
    """
    draft = _Draft(system=system, count=count)
    memories = _memories(hits, now, draft)
    bare = count(system)
    framed = count(draft.least()) if memories else bare
    if max(bare, framed) > budget:
        raise BudgetTooSmall(budget, max(bare, framed))
    if system:
        draft.show([Block(band="system", text=system, tokens=bare)])
    room = budget - (count(system + "\n\n") if system else 0)
    _fill(draft, memories, _Past(history, count), _others(state, tools, knowledge, count), room)
    tokens = _trim(draft, budget)
    return Context(
        parts=draft.parts(),
        blocks=tuple(b for band in BANDS for b in draft.blocks[band]),
        tokens=tokens,
        budget=budget,
        dropped=tuple(draft.dropped),
    )


# --------------------------------------------------------------------------- filling the bands


@dataclass
class _Draft:
    """The context as it grows."""

    system: str
    count: Counter
    blocks: dict[Band, list[Block]] = field(default_factory=lambda: {b: [] for b in BANDS})
    dropped: list[Dropped] = field(default_factory=list[Dropped])

    def show(self, blocks: Sequence[Block]) -> None:
        for block in blocks:
            self.blocks[block.band].append(block)

    def drop(self, blocks: Sequence[Block], why: str) -> None:
        self.dropped += [Dropped(band=b.band, id=b.id, tokens=b.tokens, why=why) for b in blocks]

    def parts(self) -> dict[Band, str]:
        found: dict[Band, str] = {"system": self.system}
        for band in BANDS[1:]:
            blocks = self.blocks[band]
            found[band] = lines.framed(band, [b.text for b in blocks]) if blocks else ""
        return found

    def render(self) -> str:
        return "\n\n".join(text for text in self.parts().values() if text)

    def least(self) -> str:
        """Return the system text with the empty frame of the memories."""
        return "\n\n".join(text for text in (self.system, lines.framed("memories", ())) if text)

    def price(self, blocks: Sequence[Block], band: Band) -> int:
        """Return what a band costs with these blocks, its frame included; nothing when empty."""
        if not blocks:
            return 0
        return self.frame(band) + sum(b.tokens for b in blocks)

    def line_price(self, line: str) -> int:
        return self.count(line + "\n")

    def frame(self, band: Band) -> int:
        return self.count(lines.opening(band)) + self.count(f"</{band}>\n\n")


class _Past:
    """The history, priced from its end backwards and no further than somebody asks."""

    def __init__(self, events: Sequence[Event], count: Counter) -> None:
        self._events = events
        self._count = count
        self._blocks: list[Block] = []
        self.left_out = 0

    def __len__(self) -> int:
        return len(self._events)

    def newest(self, room: int) -> list[Block]:
        """Return the newest events that fit into the room together, the newest first."""
        spent = 0
        for place in range(len(self._events)):
            if place == len(self._blocks):
                event = self._events[-1 - place]
                line = lines.turn(event)
                self._blocks.append(
                    Block(
                        band="history",
                        text=line,
                        tokens=self._count(line + "\n"),
                        id=event.id,
                        event_ids=(event.id,),
                    )
                )
            spent += self._blocks[place].tokens
            if spent > room:
                return self._blocks[:place]
        return list(self._blocks)

    def keys(self, shown: int) -> set[tuple[str, str]]:
        """Return (session, event) of the newest so many events."""
        newest = self._events[len(self._events) - shown :]
        return {(e.session_id, e.id) for e in newest}

    def beginning(self, room: int) -> list[Block]:
        """Return the newest event alone, cut to fit; nothing if not a word of it does."""
        block = self._blocks[0]
        least = block.text.index(": ") + 2
        line = shorten(block.text, room, lambda text: self._count(text + "\n"), least=least)
        if not line:
            return []
        price = self._count(line + "\n")
        self.left_out = max(0, block.tokens - price)
        return [replace(block, text=line, tokens=price)]

    def not_shown(self, shown: int) -> list[Dropped]:
        """Return what is older than the newest so many events, the oldest first."""
        unpriced = self._events[: max(0, len(self._events) - len(self._blocks))]
        tokens = [-(-len(e.text.encode()) // 4) for e in unpriced]
        priced = self._blocks[shown:][::-1]
        rows = [
            *zip([e.id for e in unpriced], tokens, strict=True),
            *((b.id, b.tokens) for b in priced),
        ]
        return [Dropped(band="history", id=i, tokens=n, why=_OVER) for i, n in rows]


@dataclass(frozen=True)
class _Memory:
    """A hit as its line, the session it is of, and how much of it the line leaves out.

    ``hints`` is how many characters of the line come before the memory's own words.
    """

    block: Block
    session: str
    hints: int
    left_out: int = 0


def _fill(
    draft: _Draft,
    memories: list[_Memory],
    past: _Past,
    others: Mapping[Band, list[Block]],
    room: int,
) -> None:
    needs: dict[Band, int] = {band: draft.price(blocks, band) for band, blocks in others.items()}
    frame = draft.frame("history") if past else 0
    most = granted("history", room, room)
    recent = past.newest(most - frame)
    if past:
        needs["history"] = draft.price(recent, "history") if len(recent) == len(past) else most
    unseen = _unseen(memories, past, len(recent), draft)
    kept = _best(unseen, left_for_memories(room, needs), draft)

    reserved = sum(granted(band, room, need) for band, need in needs.items() if band in others)
    recent, kept = _grow(draft, past, kept, room - reserved)
    left = room - draft.price(recent, "history") - _spent(draft, kept)
    for band in ("tools", "state", "knowledge"):
        left -= _whole_or_part(draft, others[band], band, left)
    taken = sum(draft.price(draft.blocks[band], band) for band in others)
    recent, kept = _grow(draft, past, kept, room - taken)
    if past and not recent:
        recent = past.beginning(room - taken - _spent(draft, kept) - frame)
    for memory in kept:
        if memory.left_out:
            draft.drop([replace(memory.block, tokens=memory.left_out)], _CUT)
    draft.show([m.block for m in kept])
    draft.show(recent[::-1])
    draft.dropped += past.not_shown(len(recent))
    if past.left_out:
        draft.drop([replace(recent[0], tokens=past.left_out)], _CUT)


def _spent(draft: _Draft, memories: Sequence[_Memory]) -> int:
    return draft.price([m.block for m in memories], "memories")


def _grow(
    draft: _Draft, past: _Past, memories: list[_Memory], room: int
) -> tuple[list[Block], list[_Memory]]:
    """Return the history that fits beside the memories, and the memories that it does not show."""
    frame = draft.frame("history") if past else 0
    while True:
        recent = past.newest(room - _spent(draft, memories) - frame)
        unseen = _unseen(memories, past, len(recent), draft)
        if len(unseen) == len(memories):
            return recent, memories
        memories = unseen


def _unseen(memories: Sequence[_Memory], past: _Past, shown: int, draft: _Draft) -> list[_Memory]:
    """Return the memories that the newest ``shown`` events do not hold; the others are dropped."""
    keys = past.keys(shown)
    found: list[_Memory] = []
    for memory in memories:
        sources = {(memory.session, i) for i in memory.block.event_ids}
        if sources and sources <= keys:
            draft.drop([memory.block], _SHOWN)
        else:
            found.append(memory)
    return found


def _best(memories: Sequence[_Memory], room: int, draft: _Draft) -> list[_Memory]:
    """Return the best memories that fit, all of them whole or the long ones cut to a line."""
    if _spent(draft, memories) <= room:
        return list(memories)
    inside = room - draft.frame("memories")
    kept: list[_Memory] = []
    limit = longest_line(inside)
    fitting = how_many_short([m.block.tokens for m in memories], inside)
    for memory in memories[:fitting]:
        block = memory.block
        if block.tokens > limit:
            line = shorten(block.text, limit, draft.line_price, least=memory.hints)
            if not line:
                break
            price = draft.line_price(line)
            left_out = memory.left_out + block.tokens - price
            shorter = replace(block, text=line, tokens=price)
            kept.append(replace(memory, block=shorter, left_out=left_out))
        else:
            kept.append(memory)
    draft.drop([m.block for m in memories[len(kept) :]], _OVER)
    return kept


def _whole_or_part(draft: _Draft, blocks: list[Block], band: Band, room: int) -> int:
    """Show what fits of a band and return its price: knowledge from its first on, else all."""
    if band == "knowledge":
        fitting = how_many([b.tokens for b in blocks], room - draft.frame(band))
    else:
        fitting = len(blocks) if draft.price(blocks, band) <= room else 0
    draft.show(blocks[:fitting])
    draft.drop(blocks[fitting:], _OVER)
    return draft.price(blocks[:fitting], band)


def _trim(draft: _Draft, budget: int) -> int:
    """Take out what makes the whole too large, the least first; return what is left's price.

    Nothing, for encodings that split at line ends as those that ship do.
    """
    while (tokens := draft.count(draft.render())) > budget:
        excess = tokens - budget
        band: Band = next(b for b in _EXPENDABLE if draft.blocks[b])
        blocks = draft.blocks[band]
        if band in ("tools", "state"):
            out = len(blocks)
        else:
            prices = [b.tokens for b in (blocks if band == "history" else blocks[::-1])]
            out = min(len(blocks), how_many(prices, excess - 1) + 1)
        gone = blocks[:out] if band == "history" else blocks[len(blocks) - out :]
        draft.blocks[band] = blocks[out:] if band == "history" else blocks[: len(blocks) - out]
        draft.drop(gone, _OVER)
    return tokens


# --------------------------------------------------------------------------- pieces


def _memories(hits: Sequence[Hit], now: datetime, draft: _Draft) -> list[_Memory]:
    """Return the hits as lines; what may not be shown or is there already is dropped."""
    found: list[_Memory] = []
    seen: dict[tuple[object, ...], str] = {}
    for hit in hits:
        start, words = lines.memory(hit, now)
        left_out = -(-len(hit.text[lines.MAX_MEMORY_CHARS :].encode()) // 4)
        line = start + words
        block = Block(
            band="memories",
            text=line,
            tokens=draft.line_price(line),
            id=hit.id,
            event_ids=hit.event_ids,
            score=hit.score,
            arms=hit.arms,
        )
        key = (words.casefold(), hit.author, hit.valid_from, hit.valid_to, hit.ended)
        if hit.status == "quarantined":
            draft.drop([block], "quarantined")
        elif key in seen:
            draft.drop([block], f"duplicate of {seen[key]}")
        else:
            seen[key] = hit.id
            memory = _Memory(block, hit.session_id, hints=len(start), left_out=left_out)
            found.append(memory)
    return found


def _others(
    state: Mapping[str, Json],
    tools: Sequence[Mapping[str, Json]],
    knowledge: Sequence[str],
    count: Counter,
) -> dict[Band, list[Block]]:
    wanted: dict[Band, list[tuple[str, str | None]]] = {
        "tools": [(lines.plain(tool), lines.tool_name(tool)) for tool in tools],
        "state": [(lines.plain(state), None)] if state else [],
        "knowledge": [(f"- {lines.indented(text)}", None) for text in knowledge if text.strip()],
    }
    return {
        band: [
            Block(band=band, text=line, tokens=count(line + "\n"), id=name) for line, name in rows
        ]
        for band, rows in wanted.items()
    }
