"""Finds the clauses of a sentence that claim something: who, which verb, in which time.

Does not know what verbs mean. What only might be so never becomes a clause: questions,
conditions, wishes, reports of others' words, modal verbs, guesses.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from graphmem.extract.dates import Date
from graphmem.extract.lexicon import Form, Grammar
from graphmem.extract.scene import Ref, Scene
from graphmem.extract.sentences import Sentence
from graphmem.extract.tags import tag_start

Tense = Literal["present", "past", "perfect", "used", "modal", "goal"]
Negation = Literal["", "not", "never", "ended"]

_BE: Final[Mapping[str, Tense]] = {
    "am": "present", "'m": "present", "is": "present", "'s": "present", "are": "present",
    "'re": "present", "was": "past", "were": "past", "been": "perfect",
}  # fmt: skip
_HELPING: Final = frozenset(
    {"am", "was", "is", "have", "has", "are", "were", "do", "does", "did", "used"}
)  # fmt: skip
_WHOSE: Final = frozenset({"now", ".", ",", "!", ""})
_MAX_GROUP: Final = 9
"""Tokens that a verb group may span: no English one that we read is longer."""


@dataclass(frozen=True, slots=True)
class VerbGroup:
    """A verb with its auxiliaries; ``lemmas`` are all that the word may be. ``end`` is past it."""

    lemmas: tuple[str, ...]
    tense: Tense
    negation: Negation
    modal: str
    end: int
    verb: int
    just: bool = False
    copula: bool = False
    continued: bool = False


@dataclass(frozen=True, slots=True)
class Clause:
    """Who does what, from token ``start`` to ``limit``, where the next clause begins.

    ``opening`` is where its subject stands, which a clause after "and" shares with the one before.
    ``pair`` are the two of whom something mutual may be said: two subjects, or "we" said to "you";
    ``bare`` says that only the absence of others makes "we" those two.
    """

    subjects: tuple[Ref, ...]
    group: VerbGroup
    start: int
    opening: int
    limit: int
    implied: bool = False
    pair: tuple[Ref, ...] = ()
    bare: bool = False


def barred(s: Sentence, grammar: Grammar, dates: Sequence[Date]) -> list[bool]:
    """Return, per token, whether a clause that begins there is only a thought, wish or report."""
    dated = {i for d in dates for i in range(d.start, d.end)}
    marks: list[bool] = []
    thought = condition = False
    for i, low in enumerate(s.lows):
        if (thought or condition) and low in ("but", ";"):
            thought = condition = False
        elif thought and low in (",", "-", "–", "—", "and"):
            nxt = i + 1 + (s.low(i + 1) in ("and", "so", "but"))
            thought = s.low(nxt) not in ("i", "we", "my", "our")
        marks.append(thought or condition)
        if low not in grammar.hedges and low not in grammar.conditions:
            continue
        if i in dated or (i > 0 and s.capital(i)):
            continue
        if low in grammar.hedges and not _is_noun(s, i):
            thought = True
        elif low in grammar.conditions and (
            low != "once" or s.low(i + 1) in grammar.sets["subjects"]
        ):
            condition = True
            marks[-1] = True
    return marks


def _is_noun(s: Sentence, i: int) -> bool:
    """Whether a hedge is none here: a noun ("my dream"), or "you won't believe it"."""
    if s.lows[i] == "believe" and s.low(i - 1) == "n't" and s.low(i - 2) in ("wo", "ca"):
        return True
    return s.low(i - 1) in ("my", "our", "a", "an", "the", "his", "her", "your", "no") and i > 0


def unreal(s: Sentence, grammar: Grammar) -> bool:
    """Whether nothing in the sentence is meant: play, sarcasm, an afterthought of doubt."""
    for i, low in enumerate(s.lows):
        if grammar.unreal.match(s.lows, i) is not None:
            return True
        # "…, she said", "…, I think": the doubt comes last.
        if (
            low == ","
            and s.low(i + 2) in grammar.hedges
            and s.low(i + 1) not in ("and", "but", "so")
        ):
            after = s.low(i + 3)
            if after in ("", ".", "!", ",") and s.low(i + 1) not in ("the", "a", "my"):
                return True
    tail = s.lows[-3:]
    return (
        len(s) > 3
        and tail[-1:] in ((".",), ("!",))
        and tail[-2:-1] == ("not",)
        and tail[0] in (".", "…", ",", "-")
    )


def statement_end(s: Sentence, grammar: Grammar) -> int:
    """Return up to which token a sentence states something; 0 for a mere question."""
    if not s.question:
        return len(s)
    if s.low(0) in grammar.questions:
        return 0
    tag = tag_start(s, grammar)
    for i in range(len(s) - 2, 2, -1) if not tag else ():
        if s.lows[i] in (",", "-", "–", "—", "and", "but") and s.low(i + 1) in grammar.questions:
            # A tag asks about the statement itself: "I live in Porto, don't I?", "…, right?"
            return 0 if len(s) - i <= 5 else i
    return tag


class ClauseReader:
    """Reads the clauses of one sentence."""

    __slots__ = ("_dates", "_g", "_refs", "_s", "_scene")

    def __init__(
        self,
        grammar: Grammar,
        scene: Scene,
        s: Sentence,
        refs: Mapping[int, Ref],
        dates: Sequence[Date],
    ) -> None:
        self._g = grammar
        self._scene = scene
        self._s = s
        self._refs = refs
        self._dates = {d.end for d in dates}

    def read(self, marks: Sequence[bool], end: int) -> Iterator[Clause]:
        """Yield the clauses before token ``end`` that are meant, left to right. O(tokens)."""
        found: list[tuple[tuple[Ref, ...], VerbGroup, int, bool]] = []
        i = 0
        while i < end:
            self._scene.steps += 1
            if marks[i]:
                i += 1
                continue
            subjects, after, implied = self._subject(i, found)
            if subjects:
                group = self.verb_group(after, subjects)
                if group is not None and self._s.low(after - 1) == "who" and self._cleft_denied(i):
                    # "It's not Tom who lives in Hull."
                    group = replace(group, negation="not")
                if group is not None and group.end <= end + 1:
                    found.append((subjects, group, i, implied))
                    i = max(group.end, i + 1)
                    continue
            i += 1
        for n, (subjects, group, start, implied) in enumerate(found):
            limit = found[n + 1][2] if n + 1 < len(found) else end
            # A clause that carries its subject on is quoted from that subject.
            opening = start if implied or not subjects[0].end else min(start, subjects[0].start)
            if len(subjects) == 2 and not any(r.mention.speaker for r in subjects):
                self._scene.pair = subjects
            pair, bare = self._pair(subjects)
            yield Clause(subjects, group, start, opening, limit, implied, pair, bare)

    def _pair(self, subjects: tuple[Ref, ...]) -> tuple[tuple[Ref, ...], bool]:
        """Return two subjects, or who "we" are, and whether only the absence of others says so.

        "We" are the speaker and whoever is spoken to where the sentence also says "you".
        """
        you, lows, sets = self._scene.addressee, self._s.lows, self._g.sets
        if len(subjects) == 2 or you is None or not subjects[0].plural:
            return (subjects if len(subjects) == 2 else ()), False
        both = (subjects[0], replace(subjects[0], mention=you, plural=False))
        said = (n for n, low in enumerate(lows) if low in sets["you"])
        if all(
            self._s.low(n + 1) in sets["not_to_you"]
            or (n > 0 and lows[n - 1] in sets["you_are_told"])
            for n in said
        ):
            # "We got married, you know", "I must tell you that …" tell a friend of somebody else.
            return (both, True) if self._scene.alone() else ((), False)
        return both, False

    def _cleft_denied(self, i: int) -> bool:
        return self._s.low(i - 1) in ("not", "n't") and i > 1

    # ------------------------------------------------------------------ subjects

    def _subject(
        self, i: int, before: Sequence[tuple[tuple[Ref, ...], VerbGroup, int, bool]]
    ) -> tuple[tuple[Ref, ...], int, bool]:
        """Return the subjects that begin at ``i``, where their verb must begin, and if implied."""
        ref = self._refs.get(i)
        if ref is not None:
            return self._named_subject(i, ref)
        if self._s.low(i) == "who" and before:
            one = i > 1 and self._s.lows[i - 2 : i] == ("the", "one") and before[-1][1].copula
            # "She's the one who owns the florist's."
            return (before[-1][0], i + 1, False) if one else ((), i, False)
        if self._s.low(i) == "they" and self._scene.pair and self._may_stand(i):
            return tuple(replace(r, start=i, end=i) for r in self._scene.pair), i + 1, False
        if (
            self._s.low(i - 1) in ("and", "but", "then", ",")
            and before
            and self._carried(i, before[-1][1])
        ):
            return before[-1][0], i, False
        if self._at_start(i):
            speaker = Ref(
                mention=self._scene.speaker, start=i, end=i, kind="person", role="subject"
            )
            return (speaker,), i, True
        return (), i, False

    def _named_subject(self, i: int, ref: Ref) -> tuple[tuple[Ref, ...], int, bool]:
        s = self._s
        at = ref.end
        subjects = [ref]
        if s.low(at) == "and" and at + 1 in self._refs and (ref.role != "object" or i == 0):
            other = self._refs[at + 1]
            subjects.append(other)
            at = other.end
        elif s.low(at) == "who" or (s.low(at) == "," and s.low(at + 1) == "who"):
            return (ref,), at + 1 + (s.low(at) == ","), False
        elif s.low(at) == "," and ref.role == "any":
            at = self._past_aside(at)
        if len(subjects) == 2 and s.low(i) == "me":
            # "Me and my wife live in Hull."
            return (tuple(subjects), at, False) if i == 0 else ((), i, False)
        if any(r.role == "object" for r in subjects) or not self._may_be_subject(i, ref):
            return (), i, False
        return tuple(subjects), at, False

    def _past_aside(self, comma: int) -> int:
        """Pass an aside between subject and verb: "Wit, on the other hand, is a driver"."""
        s = self._s
        inner = self._refs.get(comma + 1)
        for close in range(comma + 2, min(comma + 9, len(s))):
            if s.lows[close] == ",":
                whole = inner is not None and inner.end == close
                nxt = s.low(close + 1)
                third = any(form == "third" for _, form in self._g.forms.get(nxt, ()))
                finite = nxt in ("is", "was", "has") or third
                return close + 1 if finite and not whole else comma
            if not s.lows[close][0].isalnum() and s.lows[close] != "'s":
                break
        return comma

    def _may_be_subject(self, i: int, ref: Ref) -> bool:
        return ref.role == "subject" or self._may_stand(i)

    def _may_stand(self, i: int) -> bool:
        """Whether a clause may begin at ``i``."""
        if i == 0:
            return True
        before = self._s.low(i - 1)
        if before == "after" and "look" in self._s.low(i - 2):
            # "The vet who looks after our dog is Dr Mbeki."
            return False
        return (
            before in self._g.starters
            or before in self._g.sets["stops"]
            or before == '"'
            or not before[0].isalnum()
            or i in self._dates
            or (before == "out" and self._s.low(i - 2) in ("turns", "turned"))
        ) and before != "'s"

    def _carried(self, i: int, last: VerbGroup) -> bool:
        """Whether a verb that may go on with the last subject stands at ``i``.

        A base form that is a noun as well ("energy and love everywhere") needs a like clause
        before it: in the present, and not of the same verb ("the calm and love theme").
        """
        at = i
        while self._s.low(at) in self._g.adverbs and at - i < 3:
            at += 1
        if self._s.low(at) in _HELPING:
            return True
        forms = self._g.forms.get(self._s.low(at), ())
        if any(form == "base" for _, form in forms) and not any(
            form == "past" for _, form in forms
        ):
            fondness = ("like", "prefer", "dislike")
            lemma = forms[0][0]
            if self._s.low(at) == "like" or (lemma in fondness and last.lemmas[0] in fondness):
                return False
            return last.tense == "present" and not last.continued
        return any(form != "ing" for _, form in forms)

    def _at_start(self, i: int) -> bool:
        """Whether the subject "I" is left out: "Just moved to Porto"."""
        if i != 0 or len(self._s) < 3:
            return False
        at = i
        while self._s.low(at) in ("just", "finally", "recently", "also", "and", "officially", "so"):
            at += 1
        forms = self._g.forms.get(self._s.low(at), ())
        return any(f == "past" for _, f in forms) and not any(f == "base" for _, f in forms)

    # ------------------------------------------------------------------ verbs

    def verb_group(self, i: int, subjects: Sequence[Ref]) -> VerbGroup | None:
        """Read auxiliaries, negation and adverbs up to the main verb, or None."""
        s, g = self._s, self._g
        third = (
            len(subjects) == 1
            and not subjects[0].mention.speaker
            and subjects[0].mention != self._scene.addressee
        )
        negation: Negation = ""
        modal = ""
        aux: Tense | None = None
        just = used = did = False
        at = i
        while at < len(s) and at - i < _MAX_GROUP:
            low = s.lows[at]
            if low in ("n't", "not"):
                negation = negation or "not"
            elif low == "cannot":
                negation, modal = "not", "can"
            elif low == "never":
                negation = "never"
            elif low == "no" and s.low(at + 1) == "longer":
                negation = "ended"
                at += 1
            elif low in _BE and (low != "'s" or self._is_verb_s(at)):
                return self._after_be(at, low, aux, negation, modal, just)
            elif low in ("do", "does", "did") and self._helps(at):
                did = did or low == "did"
                aux = "past" if did else "present"
            elif low in ("have", "has", "had", "'ve", "'s", "'d") and self._participle(at + 1):
                aux = "perfect"
            elif low == "used" and s.low(at + 1) == "to" and aux != "perfect":
                used = True
                at += 1
                if s.low(at + 1) == "be":
                    return VerbGroup(("be",), "used", negation, modal, at + 2, at + 1, copula=True)
            elif low == "use" and s.low(at + 1) == "to" and did:
                used = True
                at += 1
            elif low in self._g.sets["modals"]:
                modal = low
            elif low in g.adverbs and not (
                g.forms.get(low) and self._main(at, aux, modal, used, third)
            ):
                just = just or low in ("just", "now", "recently", "finally")
            else:
                return self._main_group(at, aux, modal, used, third, negation, just)
            at += 1
        return None

    def _is_verb_s(self, at: int) -> bool:
        """Whether "'s" is "is": before an article, a preposition, an adverb, an -ing form.

        Before the participle of a verb that is no passive it is "has": "she's sold the boat".
        """
        s, g = self._s, self._g
        first = at + 1
        while first - at < 4 and (s.low(first) in g.adverbs or s.low(first) in ("not", "never")):
            first += 1
        word = s.low(first)
        if word in ("been", "got", "become") or self._only_active(first):
            return False
        if s.capital(first) and s.low(first + 1) == "'s" and s.low(first + 2) in _WHOSE:
            # "The budgie's Fern's now."
            return True
        if s.low(at - 1) in ("he", "she", "it", "that", "name", "who", "there"):
            return True
        if (
            word in g.sets["titles_of_rank"]
            or word in g.sets["after_is"]
            or s.low(at + 1) in g.adverbs
            or word.isdecimal()
        ):
            return True
        told = (g.diets, g.health, g.statuses, g.marital)
        if any(phrases.match(s.lows, first) is not None for phrases in told):
            return True
        if word in g.kin_plural and s.low(first + 1) == "with":
            # "Ola's friends with Tom."
            return True
        if s.low(at - 1) in g.kin and s.capital(first):
            # "My supervisor's Professor Okoro", "my flatmate's Anna".
            end = first + 1
            while s.capital(end):
                end += 1
            named = word in g.titles or word in g.given or s.low(end + 1) in ("he", "she")
            return named and s.low(end) in (",", ".", "!", "", "-", "and")
        # "Tom's playing the cello", but "Tom's baking tin".
        acts = [lemma for lemma, form in g.forms.get(word, ()) if form == "ing"]
        crafts = any(f.predicate == "does" for lemma in acts for f in g.frames.get(lemma, ()))
        return word in g.passive or (bool(acts) and not crafts)

    def _only_active(self, at: int) -> bool:
        """Whether the participle at ``at`` can only follow "has"."""
        g, word = self._g, self._s.low(at)
        if word in g.passive or any(
            phrases.match(self._s.lows, at) is not None for phrases in (g.marital, g.statuses)
        ):
            return False
        return any(form == "part" for _, form in g.forms.get(word, ()))

    def _helps(self, at: int) -> bool:
        """Whether "do" is an auxiliary here: a base form or a negation follows."""
        nxt = at + 1
        while (
            self._s.low(nxt) in ("n't", "not")
            or self._s.low(nxt) in self._g.adverbs
            or self._s.low(nxt) == "never"
        ):
            nxt += 1
            if nxt - at > 4:
                return False
        low = self._s.low(nxt)
        return (
            low == "use"
            or any(f == "base" for _, f in self._g.forms.get(low, ()))
            or self._s.low(at + 1) == "n't"
        )

    def _participle(self, at: int) -> bool:
        s = self._s
        limit = at + 4
        while at < limit and (s.low(at) in ("n't", "not", "never") or s.low(at) in self._g.adverbs):
            at += 1
        if s.low(at) in ("been", "got"):
            return True
        if s.low(at) == "no" and s.low(at + 1) == "longer":
            return False
        return any(f == "part" for _, f in self._g.forms.get(s.low(at), ()))

    def _after_be(
        self, at: int, low: str, aux: Tense | None, negation: Negation, modal: str, just: bool
    ) -> VerbGroup | None:
        """Read what follows a form of "be": -ing, a participle, or a complement."""
        s, g = self._s, self._g
        tense: Tense = "modal" if modal else ("perfect" if aux == "perfect" else _BE[low])
        nxt = at + 1
        while nxt < len(s) and nxt - at < 5:
            word = s.lows[nxt]
            if word in ("n't", "not"):
                negation = negation or "not"
            elif word == "never":
                negation = "never"
            elif word == "no" and s.low(nxt + 1) == "longer":
                negation = "ended"
                nxt += 1
            elif word == "been" and low != "been":
                tense = "perfect"
            elif word in g.adverbs:
                just = just or word in ("just", "now", "recently", "finally")
            else:
                break
            nxt += 1
        word = s.low(nxt)
        if word == "going" and s.low(nxt + 1) == "to":
            if s.low(nxt + 2) in g.goals and tense == "present" and not negation:
                return VerbGroup(("want",), "goal", negation, modal, nxt + 1, nxt)
            if any(f == "base" for _, f in g.forms.get(s.low(nxt + 2), ())):
                return None
        forms = g.forms.get(word, ())
        lemmas = tuple(lemma for lemma, f in forms if f == "ing")
        if lemmas:
            return VerbGroup(lemmas, tense, negation, modal, nxt + 1, nxt, just, continued=True)
        if word in g.passive and word != "been":
            lemmas = tuple(lemma for lemma, f in forms if f == "part" and word in g.passive)
            return VerbGroup(lemmas, tense, negation, modal, nxt + 1, nxt, just)
        return VerbGroup(("be",), tense, negation, modal, nxt, at, just, copula=True)

    def _main(
        self, at: int, aux: Tense | None, modal: str, used: bool, third: bool
    ) -> tuple[tuple[str, ...], Form] | None:
        forms = self._g.forms.get(self._s.lows[at], ())
        allowed: tuple[Form, ...]
        if aux == "perfect":
            allowed = ("part",)
        elif aux is not None or modal or used:
            allowed = ("base",)
        else:
            allowed = ("past", "third") if third else ("past", "base")
        for form in allowed:
            lemmas = tuple(lemma for lemma, f in forms if f == form)
            if lemmas:
                return lemmas, form
        return None

    def _main_group(
        self,
        at: int,
        aux: Tense | None,
        modal: str,
        used: bool,
        third: bool,
        negation: Negation,
        just: bool,
    ) -> VerbGroup | None:
        s, g = self._s, self._g
        main = self._main(at, aux, modal, used, third)
        if main is None:
            return None
        lemmas, form = main
        tense: Tense
        if modal:
            tense = "modal"
        elif used:
            tense = "used"
        elif aux is not None:
            tense = aux
        else:
            tense = "past" if form == "past" else "present"
        low = s.lows[at]
        nxt = at + 1
        if lemmas == ("happen",) and s.lows[nxt : nxt + 2] == ("to", "be"):
            return VerbGroup(("be",), tense, negation, modal, nxt + 2, at, just, copula=True)
        if (
            low in ("got", "get", "gets")
            and s.low(nxt) in g.passive
            and tense in ("past", "perfect")
        ):
            lemmas = tuple(lemma for lemma, f in g.forms[s.low(nxt)] if f == "part")
            return VerbGroup(lemmas, "past", negation, modal, nxt + 1, nxt, just)
        if low == "got" and aux == "perfect":
            # "I've got a dog" is "I have a dog".
            had = ("have", *(x for x in lemmas if x != "have"))
            return VerbGroup(had, "present", negation, modal, nxt, at, just)
        return VerbGroup(lemmas, tense, negation, modal, nxt, at, just)
