"""Knows which of the names in a conversation are those of people who speak in it.

"My friend Hedda is here" and whoever was found to be called Hedda are one; so are "Tor" and
the author "Tor Alsen", where no other author begins so. Does not read text. Where two talk, a
third person's name is no short form of theirs: they are "you", or called by their name.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from graphmem.extract.addresses import Called, has_no_name
from graphmem.extract.lexicon import Grammar
from graphmem.models import Mention, Statement


@dataclass(frozen=True, slots=True)
class Cast:
    """The authors of a session by the other names they have, in lower case."""

    authors: Mapping[str, str]
    speaker: Mention

    def known(self, mention: Mention | None) -> Mention | None:
        """Return a mention as that of the author whose name it gives, or as it is."""
        if mention is None or mention.speaker or mention.kind == "place" or mention.new:
            return mention
        author = self.authors.get(mention.name.lower()) if mention.name else None
        if author == self.speaker.name and author:
            return self.speaker
        if author is not None:
            mention = replace(mention, name=author, kind="person")
        whose = self.authors.get(mention.possessor.lower()) if mention.possessor else None
        if whose is not None:
            mention = replace(mention, possessor="" if whose == self.speaker.name else whose)
        return mention

    def read(self, found: Sequence[Statement]) -> list[Statement]:
        """Return the statements as being about the authors that they name."""
        if not self.authors:
            return list(found)
        return [
            replace(x, subject=self.known(x.subject) or x.subject, object=self.known(x.object))
            if x.predicate not in ("has_name", "known_as")
            else x
            for x in found
        ]


def cast(
    authors: Sequence[str], names: Iterable[Called], speaker: Mention, grammar: Grammar,
    called: Iterable[str] = (),
) -> Cast:  # fmt: skip
    """Return who is who, from the authors' own names and what they were found to be called.

    ``called`` are the names by which this event speaks to somebody.
    """
    found: dict[str, str] = {}
    doubtful: set[str] = set()

    def add(name: str, author: str) -> None:
        low = name.lower()
        if found.setdefault(low, author) != author:
            doubtful.add(low)

    for author in authors:
        if "," not in author and not has_no_name(author) and " " in author:
            add(author.split()[0], author)
    for who in names:
        if has_no_name(who.author):
            add(who.text, who.author)
            first, _, rest = who.text.partition(" ")
            if rest and first.lower() not in grammar.titles:
                add(first, who.author)
    own = {author.lower() for author in authors}
    kept = {low: a for low, a in found.items() if low not in doubtful and low not in own}
    if len(authors) == 2:
        spoken = {name.lower() for name in called}
        kept = {low: a for low, a in kept.items() if has_no_name(a) or low in spoken}
    return Cast(kept, speaker)
