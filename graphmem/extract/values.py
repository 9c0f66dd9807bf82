"""Reads the values that stand after a verb: lists of foods, tastes, jobs, languages, plans.

Does not know which verb. Every reader returns nothing rather than half a phrase: where a noun
phrase does not end cleanly, the text stays an episode.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from graphmem.extract.dates import Date
from graphmem.extract.lexicon import Grammar, Phrases
from graphmem.extract.names import CALLED, span_text
from graphmem.extract.scene import Ref
from graphmem.extract.sentences import Sentence
from graphmem.models import Mention

_ARTICLES: Final = frozenset({"a", "an", "the", "some", "any"})
_PASSING: Final = frozenset({"like", "in", "on", "of", "to", "by"})
_PARTICLES: Final = frozenset(
    {"up", "out", "off", "away", "back", "down", "over", "apart", "closer"}
)
"""Words that end what is made or collected: "collects stamps like an old man"."""


@dataclass(frozen=True, slots=True)
class Object:
    """What a statement is about besides its subject: a mention, or a literal value."""

    end: int
    mention: Mention | None = None
    value: str | None = None
    noun: str = ""
    """What it is, where the text says so: a named pet's animal, a relation's noun."""
    predicate: str = ""


class ValueReader:
    """Reads the literal values of one sentence."""

    __slots__ = ("_boundary", "_dated", "_dates", "_g", "_refs", "_s")

    def __init__(
        self, grammar: Grammar, s: Sentence, refs: Mapping[int, Ref], dates: Sequence[Date]
    ) -> None:
        self._g = grammar
        self._s = s
        self._refs = refs
        self._dates = dates
        self._boundary = grammar.sets["boundary"]
        self._dated = {d.start for d in dates}

    def ends(self, i: int) -> bool:
        """Whether a noun phrase may end before ``i``."""
        return (
            i >= len(self._s)
            or self._s.lows[i] in self._boundary
            or i in self._dated
            or (self._s.lows[i] == "any" and self._s.low(i + 1) in ("more", "longer"))
            or not (self._s.lows[i][0].isalnum() or self._s.lows[i] == "'s")
        )

    def phrase(
        self, i: int, *, most: int = 5, inner: frozenset[str] | None = None, articles: bool = True,
        through: frozenset[str] = frozenset(),
    ) -> Object | None:  # fmt: skip
        """Read a noun phrase up to a clean end: no verbs, no pronouns, at most ``most`` tokens.

        ``inner`` words may not be its last; ``through`` are prepositions that do not end it.
        """
        inner = self._g.sets["inner"] if inner is None else inner
        pronouns, not_first = self._g.sets["pronouns"], self._g.sets["not_first"]
        s = self._s
        at = i + (articles and s.low(i) in _ARTICLES)
        end = at
        while end < len(s) and (not self.ends(end) or (s.lows[end] in through and end > at)):
            low = s.lows[end]
            if low in pronouns or (end == at and self._is_finite(low)):
                return None
            if low == "'s" and end > at:
                end += 1
                continue
            if (
                low in self._g.verbish
                and end > at
                and low not in ("like", "work", "play", "visit", "study", "walks", "works")
            ):
                return None
            if low in ("is", "are", "was", "'s", "n't", "'m", "'re", "'ve", "'ll", "'d"):
                return None
            end += 1
            if end - at > most:
                return None
        if s.low(end) in ("that", "who", "which", "where"):
            return None
        if s.low(end) == "," and end - at > 1 and s.low(end - 2) in ("a", "an"):
            # "creating a safe, inviting place": the adjective is not the thing.
            return None
        if end == at or s.lows[end - 1] in inner | through or s.lows[end - 1] in _ARTICLES:
            return None
        if (
            s.lows[at] in not_first and not (articles and s.low(i) in _ARTICLES and at > i)
        ) or s.lows[at] in not_first - _ARTICLES:
            return None
        return Object(end, value=span_text(s, at, end))

    def _is_finite(self, low: str) -> bool:
        """Whether a word can only be a verb in the third person or the past."""
        forms = self._g.forms.get(low, ())
        return low.endswith("s") and low in self._g.verbish and all(f == "third" for _, f in forms)

    def _listed(self, first: Object, again: Callable[[int], Object | None]) -> Sequence[Object]:
        """Go on after ``first`` through commas and "and" while clean phrases follow."""
        s = self._s
        found = [first]
        at = first.end
        while len(found) < 6 and s.low(at) in (",", "and", "or", "&"):
            joint = at + 1 + (s.low(at) == "," and s.low(at + 1) in ("and", "or"))
            nxt = again(joint)
            if nxt is None or not self.ends(nxt.end):
                break
            # After a bare comma, only a list that goes on to an "and" is one; "simple, cheap tools"
            # is none, and its first word says nothing alone.
            bare = s.low(at) == "," and joint == at + 1
            if bare and s.low(nxt.end) not in (",", "and", "or", "&"):
                return () if len(found) == 1 and " " not in (first.value or " ") else found
            found.append(nxt)
            at = nxt.end
        return found

    def likes(self, i: int) -> Sequence[Object]:
        one = self._like(i)
        if one is None:
            return ()
        return self._listed(one, self._like)

    def preferred(self, i: int) -> Sequence[Object]:
        """What is preferred, without what it is preferred to."""
        s = self._s
        end = next(
            (n for n in range(i, min(i + 5, len(s))) if s.lows[n] in ("to", "over", "rather")), None
        )
        if end is None:
            return self.likes(i)
        if (
            end == i
            or s.lows[i] in self._g.sets["not_first"]
            or any(s.lows[n] in self._g.verbish or self.ends(n) for n in range(i, end))
        ):
            return ()
        return (Object(end, value=span_text(s, i, end)),)

    def date(self, i: int) -> Sequence[Object]:
        """A day of a month, as the text has it."""
        date = next((d for d in self._dates if d.text_start == i or d.start == i), None)
        if date is None or not date.whole or date.role != "at":
            return ()
        words = range(date.text_start, date.end)
        if not any(self._s.low(n) in self._g.months for n in words):
            return ()
        return (
            Object(
                date.end, value=span_text(self._s, date.text_start, date.end).removeprefix("the ")
            ),
        )

    def month(self, i: int) -> Sequence[Object]:
        """A month alone: "in May"."""
        at = i + (self._s.low(i) == "in")
        if at == i or self._s.low(at) not in self._g.months or not self.ends(at + 1):
            return ()
        return (Object(at + 1, value=self._s.words[at]),)

    def _like(self, i: int) -> Object | None:
        s = self._s
        ref = self._refs.get(i)
        if ref is not None and not ref.definite:
            # Somebody is liked only by name; "I love my sister" is no preference worth keeping.
            if not ref.mention.name or ref.kind == "person" or ref.mention.descriptor:
                return None
            if ref.kind in ("place", "organization") and self.ends(ref.end):
                return Object(ref.end, ref.mention)
        found = self.phrase(
            i, most=7, articles=s.low(i) in ("a", "an", "the"), through=self._g.sets["through"]
        )
        if found is None or found.value is None:
            return None
        if s.low(i) == "the":
            # "the sea" and "the smell of rain" are tastes; "the movie" is an occasion.
            return (
                None
                if "of" not in s.lows[i : found.end] and s.low(i + 1) not in self._g.sets["tastes"]
                else replace(found, value="the " + found.value)
            )
        if s.low(i) in ("a", "an"):
            return (
                replace(found, value=f"{s.low(i)} {found.value}")
                if found.end - i <= 4 and "good" in s.lows[i : i + 2]
                else None
            )
        return found

    def favourite(self, i: int) -> Object | None:
        """Read what is somebody's favourite: a name, or a phrase that is no clause."""
        ref = self._refs.get(i)
        if ref is not None and ref.mention.name and not ref.mention.speaker and self.ends(ref.end):
            return Object(ref.end, value=ref.mention.name)
        found = self.phrase(i, articles=False)
        if found is None and self._s.low(i) in _ARTICLES:
            inner = self.phrase(i + 1, articles=False)
            if inner is not None and inner.value is not None:
                return replace(inner, value=f"{self._s.words[i]} {inner.value}")
        return found

    def foods(self, i: int) -> Sequence[Object]:
        def one(at: int) -> Object | None:
            return self.phrase(at, most=3)

        first = one(i)
        return () if first is None else self._listed(first, one)

    def word(self, phrases: Phrases, i: int) -> Sequence[Object]:
        found = phrases.match(self._s.lows, i)
        if found is None or not self.ends(found[0]):
            return ()
        return (Object(found[0], value=found[1]),)

    def words(self, phrases: Phrases, i: int) -> Sequence[Object]:
        """A list of words of a lexicon: the whole list, or nothing past the first that is not."""
        s = self._s

        def one(at: int) -> Object | None:
            start = at
            while s.low(at) in self._g.sets["a_little"] and at - start < 4:
                at += 1
            found = phrases.match(s.lows, at)
            return None if found is None else Object(found[0], value=found[1])

        first = one(i)
        if first is None or not (
            self.ends(first.end)
            or s.low(first.end) in ("fluently", "well", "at", "fluent", "in", "on")
        ):
            return ()
        return self._listed(first, one)

    def hobby(self, i: int) -> Sequence[Object]:
        s = self._s

        def one(at: int) -> Object | None:
            found = self._g.hobbies.match(s.lows, at) or self._g.gerunds.match(s.lows, at)
            if found is None:
                return None
            end = found[0]
            return Object(end, value=found[1].removeprefix("the "))

        at = i + (s.low(i) in ("some", "a", "a-bit"))
        first = one(at)
        if first is None or not (
            self.ends(first.end)
            or s.low(first.end)
            in ("in", "on", "professionally", "classes", "lessons", "class", "course", "again")
        ):
            return ()
        return self._listed(first, one)

    def study(self, i: int) -> Sequence[Object]:
        """Subjects of study, without the place where: "medicine in Salamanca"."""
        s = self._s
        if s.low(i) in self._g.sets["not_study"] or s.low(i) in self._g.verbish:
            return ()
        found = self.phrase(i, most=4, inner=frozenset({"of", "the"}), articles=False)
        where = next((n for n in range(i + 1, found.end) if s.lows[n] == "in"), 0) if found else 0
        if where:
            found = Object(where, value=span_text(s, i, where))
        if (
            found is None
            or found.value is None
            or (
                s.low(i).endswith("ing")
                and s.low(i) not in ("engineering", "nursing", "accounting", "marketing")
            )
        ):
            return ()
        return self._listed(found, lambda at: self.phrase(at, most=3, articles=False))

    def fare(self, i: int) -> Sequence[Object]:
        """What is eaten or drunk: "meat", "fish or shellfish"; not when, where or how much."""
        if self._s.low(i) in self._g.sets["not_fare"] or self._s.low(i) in ("the", "a", "an"):
            return ()
        found = self.foods(i) or self.wares(i)
        return tuple(o for o in found if not (o.value or "").lower().startswith("much "))

    def edible(self, i: int) -> Sequence[Object]:
        """What is eaten or drunk, where the verb alone does not tell: known foods only."""
        found = self.fare(i)
        known = self._g.sets["foods"]
        return found if all((o.value or "").lower().split()[-1:][0] in known for o in found) else ()

    def wares(self, i: int, heads: frozenset[str] | None = None) -> Sequence[Object]:
        """A bare noun phrase, as of what is collected or grown: "stamps", "old clocks"."""
        s = self._s
        end = i
        while end - i < 4 and end < len(s) and not self.ends(end) and s.lows[end] not in _PASSING:
            end += 1
        words = list(s.lows[i:end])
        refused = self._g.sets["not_first"] | self._g.sets["pronouns"] | self._g.verbish
        if not words or len(words) > 3 or any(w in refused or w in _ARTICLES for w in words):
            return ()
        if words[0] in _PARTICLES or words[-1] in _PARTICLES:
            return ()
        if words[-1] in self._g.adverbs or words[0] in self._g.adverbs or words[-1].endswith("ly"):
            return ()
        if heads is not None and words[-1] not in heads:
            return ()
        return (Object(end, value=span_text(s, i, end)),)

    def goods(self, i: int) -> Sequence[Object]:
        """Things, several or by their stuff: "socks", "old clocks", "bread"; not "tired"."""
        found = self.wares(i)
        word = (found[0].value or "").lower().split()[-1] if found else ""
        stuff = any(word in self._g.sets[kind] for kind in ("foods", "crafts", "stuffs"))
        several = word.endswith("s") and not word.endswith(("ss", "us", "is"))
        if not (stuff or (several and word not in self._g.sets["no_goods"])):
            return ()
        more = self.wares(found[0].end + 1) if self._s.low(found[0].end) == "for" else ()
        if more and not self._s.capital(found[0].end + 1) and (more[0].value or "").endswith("s"):
            # "music for video games"
            return (Object(more[0].end, value=span_text(self._s, i, more[0].end)),)
        return found

    def allergen(self, i: int) -> Sequence[Object]:
        """Read "a nut allergy", "a bad pollen allergy": what somebody is allergic to."""
        s = self._s
        at = i + (s.low(i) in ("a", "an"))
        while s.low(at) in ("bad", "severe", "mild", "serious", "terrible", "nasty", "slight"):
            at += 1
        for end in range(at + 1, min(at + 4, len(s))):
            if self._g.pets.match(s.lows, at) is not None:
                # "A cat allergy" is an allergy to an animal in general, which nobody has to eat.
                return ()
            if s.lows[end] in ("allergy", "allergies", "intolerance"):
                return (Object(end + 1, value=span_text(s, at, end)),)
            if self.ends(end) or s.lows[end] in _ARTICLES:
                return ()
        return ()

    def skill(self, i: int) -> Sequence[Object]:
        """Read "drive", "ride a bike" as what somebody cannot do."""
        if self._s.low(i) not in self._g.sets["skills"]:
            return ()
        end = i + 1
        while end - i < 4 and not self.ends(end):
            end += 1
        return (Object(end, value=span_text(self._s, i, end)),) if self.ends(end) else ()

    def rig(self, i: int) -> Sequence[Object]:
        """Read "the school bus", "a delivery truck": what is driven for others."""
        s = self._s
        if s.low(i) not in ("a", "an", "the"):
            return ()
        for at in range(i + 1, min(i + 4, len(s))):
            if s.lows[at] in self._g.sets["rigs"] and self.ends(at + 1):
                alone = s.low(i) == "the" and at == i + 1
                return () if alone else (Object(at + 1, value=span_text(s, i, at + 1)),)
            if self.ends(at) or s.capital(at):
                return ()
        return ()

    def is_article(self, i: int) -> bool:
        """Whether "a" or "an" stands at ``i``."""
        return self._s.low(i) in ("a", "an")

    def jobs(self, i: int) -> Sequence[Object]:
        """Read "teachers", "both nurses": a trade of several people, for one of them."""
        at = i + (self._s.low(i) in ("both", "all"))
        low = self._s.low(at)
        found = self._g.jobs.match((low.removesuffix("s"),), 0) if low.endswith("s") else None
        return (Object(at + 1, value=found[1]),) if found and self.ends(at + 1) else ()

    def rank(self, i: int) -> Sequence[Object]:
        """A title that needs no article: "head gardener", "captain of the ferry"."""
        s = self._s
        if s.low(i) not in self._g.sets["titles_of_rank"]:
            return ()
        found = self.job(i)
        end = found[0].end if found else i + 1
        if s.low(end) == "of":
            end += 1 + (s.low(end + 1) in ("the", "our", "his", "her", "my"))
            while end - i < 6 and not self.ends(end):
                end += 1
        whole = (found or self.ends(end)) and end - i < 6 and s.low(end - 1) != "of"
        return (Object(end, value=span_text(s, i, end)),) if whole else ()

    def lack(self, i: int) -> Sequence[Object]:
        """What somebody has none of: "a car", "any siblings", "kids"; only what people tell."""
        at = i + (self._s.low(i) in ("a", "an", "any"))
        if self._s.low(at) not in self._g.sets["lacks"]:
            at += self._s.low(at + 1) in self._g.sets["lacks"]
        if self._s.low(at) not in self._g.sets["lacks"] or not self.ends(at + 1):
            return ()
        first = i + (self._s.low(i) in ("a", "an", "any"))
        end = at + 1
        if self._s.low(end) in ("or", "and"):
            return self._listed(
                Object(end, value=span_text(self._s, first, end)),
                lambda n: next(iter(self.lack(n)), None),
            )
        return (Object(end, value=span_text(self._s, first, end)),)

    def vehicle(self, i: int) -> Sequence[Object]:
        """Read "a blue Fiat", "an old camper van": its head is a vehicle's word or a make."""
        s = self._s
        if s.low(i) not in ("a", "an", "my", "our"):
            return ()
        for at in range(i + 1, min(i + 6, len(s))):
            head = s.lows[at] in self._g.sets["vehicles"] or s.capital(at)
            if head and (self.ends(at + 1) or s.low(at + 1) in CALLED):
                first = i if s.low(i) in ("a", "an") else i + 1
                return (Object(at + 1, value=span_text(s, first, at + 1)),)
            if self.ends(at) or s.lows[at] in self._g.verbish or s.lows[at] in _ARTICLES:
                return ()
        return ()

    def years(self, i: int) -> Sequence[Object]:
        """An age: "40", "six"; a bare number word is read up to twelve."""
        low = self._s.low(i)
        number = int(low) if low.isdecimal() and len(low) <= 3 else self._g.numbers.get(low, 0)
        if not 0 < number < 120 or low in ("a", "an", "couple", "few", "several"):
            return ()
        end = i + 1 + 2 * (self._s.lows[i + 1 : i + 3] == ("years", "old"))
        return (Object(end, value=str(number)),) if self.ends(end) else ()

    def clause(self, i: int) -> Sequence[Object]:
        """An infinitive: a verb and what belongs to it, to the end of the clause."""
        s = self._s
        low = s.low(i)
        if low not in self._g.goals:
            return ()
        end = i
        while end < len(s) and s.lows[end] not in (
            ",",
            ".",
            "!",
            ";",
            "?",
            "because",
            "but",
            "so",
            "when",
            "if",
            "which",
            "before",
            "after",
            "until",
            "once",
            "while",
            "(",
            "-",
            "—",
            "–",
            "…",
        ):
            if end in self._dated and end > i + 1:
                break
            if s.lows[end] in ("it", "this", "that", "you", "them", "him", "her", "your", "i"):
                return ()
            if s.lows[end] == "and" and end > i:
                break
            end += 1
            if end - i > 9:
                return ()
        if end - i < 2 and low not in ("retire", "move", "emigrate"):
            return ()
        return (Object(end, value=span_text(s, i, end)),)

    def any_job(self, i: int) -> Sequence[Object]:
        found = self.phrase(i, most=5)
        if found is None or found.value is None or found.value[0].isdigit():
            return ()
        s = self._s
        # "a nurse in Lyon": where is no part of the trade.
        where = next(
            (n for n in range(i + 1, found.end) if s.lows[n] == "in" and s.capital(n + 1)), 0
        )
        if where:
            first = i + (s.low(i) in _ARTICLES)
            return (Object(where, value=span_text(s, first, where)),)
        return (found,)

    def job(self, i: int) -> Sequence[Object]:
        """A title whose head the lexicon has, with up to three words before it."""
        s, g = self._s, self._g
        at = i
        while at < len(s) and at - i < 4:
            found = g.jobs.match(s.lows, at)
            if found is None and s.lows[at].startswith("ex-"):
                found = g.jobs.match((s.lows[at].removeprefix("ex-"),), 0) and (at + 1, "")
            if found is not None:
                end = found[0]
                if s.low(end) == "'s":
                    # "a baker's apprentice" is no baker.
                    more = g.jobs.match(s.lows, end + 1)
                    if more is None:
                        return ()
                    end = more[0]
                while (more := g.jobs.match(s.lows, end)) is not None:
                    end = more[0]
                lifelong = s.low(end) == "all" and s.low(end + 2) == "life"
                if not (lifelong or self.ends(end) or s.low(end) in ("in", "on", "of", "turned")):
                    return ()
                before = s.lows[i:at]
                if any(w in g.job_blockers for w in before):
                    return ()
                dressed = max([n + 1 for n, w in enumerate(before) if w in g.job_dress], default=0)
                praised = any(w in g.job_praise for w in before)
                if praised and s.lows[end - 1] in g.sets["anyones"]:
                    # "a good cook" need not cook for a living; "an excellent surgeon" does.
                    return ()
                value = span_text(s, i + dressed, end)
                return (Object(end, value=value, noun="praised" if praised else ""),)
            verb = s.lows[at] in self._g.verbish and not s.lows[at].endswith("ed")
            if (
                self.ends(at)
                or verb
                or (s.lows[at] in self._g.sets["not_first"] and s.lows[at] != "most")
                or s.low(at) in ("in", "of", "on", "to")
            ):
                return ()
            at += 1
        return ()
