"""Cuts a message into sentences of tokens, each with its place in the text.

Does not know what the words mean. What is not somebody's own statement (code, URLs, quoted
speech, quoted lines) is blanked first, character for character, so that every offset stays the
offset in the event's text. All patterns are bounded or linear: an adversarial text costs no more
than an ordinary one of its length.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

MAX_CHARS: Final = 16_000
MAX_SENTENCES: Final = 200
MAX_TOKENS: Final = 80
"""Of one event: only the first so many characters and sentences are read. A longer sentence than
``MAX_TOKENS`` is read up to there (nobody states a plain fact in one); the rest is an episode."""

_PADDING: Final = 16
_OUTSIDE: Final = ("",) * _PADDING

_INLINE_CODE: Final = re.compile(r"`[^`\n]{1,200}`")
_URL: Final = re.compile(
    r"(?:https?://|www\.)[^\s<>]{1,2000}|[\w.+-]{1,64}@[\w-]{1,64}\.[\w.]{1,64}"
)
_DOUBLE: Final = re.compile(r"[\"“”„«][^\"“”„«»\n]{1,400}[\"”“»]")
_SINGLE: Final = re.compile(
    r"(?<!\w)['‘](?=[^\s'‘’])(?!(?:cause|cuz|em|til|bout|tis|twas|round|sup)\b)([^\n\"'‘’]|(?<=\w)['’](?=\w)){1,300}['’](?!\w)"
)
_TAG: Final = re.compile(r"<[^<>\n]{1,80}>|\[(?:image|file): [^\[\]\n]{1,400}\]")
_UNDERSCORE: Final = re.compile(r"(?<!\w)_{1,3}|_{1,3}(?!\w)")
_TITLE_LIKE: Final = re.compile(r"[\W_]?(?:the |a )?(?:[^\W\d_a-z][\w'’-]{0,30} ?){1,3}[\W_]?")
_BLANKED: Final = (
    (_INLINE_CODE, ("`",)), (_URL, ("://", "www.", "@")), (_TAG, ("<", "[")),
)  # fmt: skip
"""What is blanked, and the signs without which there is nothing to look for."""
_QUOTES: Final = "\"“„«'‘"
_WORD: Final = re.compile(
    r"(?:Mr|Mrs|Ms|Dr|Prof|St)\.(?= [^\W\d_])|"
    r"\d[\d.,:/-]*\d(?:st|nd|rd|th)?|[\w\u0300-\u036f]+(?:['’\-\u2010\u2011&][\w\u0300-\u036f]+)*|[^\w\s]"
)
_END: Final = re.compile(r"[.!?…]+[)\"'’”]*(?=\s|$)|;|\n")
_ABBREVIATIONS: Final = frozenset({
    "mr", "mrs", "ms", "dr", "prof", "st", "jr", "sr", "vs", "etc", "e.g", "i.e", "approx", "no",
    "dept", "inc", "ltd", "co", "corp", "mt", "ft", "a.m", "p.m",
})  # fmt: skip

# Contractions: where the word is cut, counted from its end. Offsets stay those of the text.
_CLITICS: Final = ("n't", "'re", "'ve", "'ll", "'m", "'s", "'d")
_SLOPPY: Final = {
    "im": 1, "ive": 1, "dont": 2, "doesnt": 4, "didnt": 3, "isnt": 2, "wasnt": 3, "cant": 2,
    "wont": 2, "arent": 3, "havent": 4, "hasnt": 3, "youre": 3, "hes": 2, "shes": 3,
}  # fmt: skip
_FILLERS: Final = frozenset({
    "uh", "uhh", "uhm", "um", "umm", "er", "erm", "hmm", "mmm", "ehm", "y'know",
})  # fmt: skip
"""Words that only buy time: they are left out, with a comma behind them."""
_FILLING: Final = frozenset(letter for word in _FILLERS for letter in (word[0], word[0].upper()))
_AGAIN: Final = frozenset({",", "-", "–", "—", "…"})
_SLOPPY_TAILS: Final = {"m": "'m", "ve": "'ve", "nt": "n't", "t": "n't", "re": "'re", "s": "'s"}


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence as parallel tuples: words as written, lower-cased, and their offsets.

    ``lows`` have straight apostrophes and contractions cut ("don't" is "do", "n't").
    ``caseless`` says that capitals carry no meaning here: all capitals, or none at all.
    """

    words: tuple[str, ...]
    lows: tuple[str, ...]
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    question: bool
    caseless: bool
    padded: tuple[str, ...] = ()
    """``lows`` with empty ones behind, so that a place just outside needs no check."""

    def __len__(self) -> int:
        return len(self.words)

    def low(self, i: int) -> str:
        """Return the lower-cased token at ``i``, empty outside the sentence.

        Before its start only as far as the padding reaches: no reader looks further back.
        """
        try:
            return self.padded[i]
        except IndexError:
            return ""

    def capital(self, i: int) -> bool:
        """Return whether the token at ``i`` begins with a capital that means something."""
        return not self.caseless and 0 <= i < len(self.words) and self.words[i][0].isupper()


def _blank(match: re.Match[str]) -> str:
    return " " * (match.end() - match.start())


def _blank_quote(match: re.Match[str]) -> str:
    """Blank quoted speech, but keep a quoted name ("Miso") without its marks."""
    found = match.group()
    if _TITLE_LIKE.fullmatch(found):
        return f" {found[1:-1]} "
    return found[0] + " " * (len(found) - 2) + found[-1]


def own_words(text: str) -> str:
    """Blank what is not the author's own statement; the result has the length of ``text``."""
    lines: list[str] = []
    fenced = False
    for line in text.split("\n"):
        stripped = line.lstrip()
        fence = stripped.startswith(("```", "~~~"))
        quoted = stripped.startswith(">") or line.startswith(("    ", "\t"))
        lines.append(" " * len(line) if fenced or fence or quoted else line)
        fenced = fenced != fence
    kept = "\n".join(lines)
    for pattern, signs in _BLANKED:
        if any(sign in kept for sign in signs):
            kept = pattern.sub(_blank, kept)
    if any(sign in kept for sign in _QUOTES):
        kept = _SINGLE.sub(_blank_quote, _DOUBLE.sub(_blank_quote, kept))
    if "_" in kept:
        kept = _UNDERSCORE.sub(_blank, kept)
    return kept.replace("*", " ").replace("#", " ").replace("~", " ")


def _bounds(text: str) -> Iterator[tuple[int, int, bool]]:
    """Yield start, end and whether it is a question, sentence by sentence."""
    start = 0
    for match in _END.finditer(text):
        mark = match.group()
        if mark == ".":
            word = text[max(start, match.start() - 8) : match.start()].split()
            last = word[-1].lower() if word else ""
            if last in _ABBREVIATIONS or (len(last) == 1 and last.isalpha() and last != "i"):
                continue
        if mark == "\n" and _goes_on(text, start, match.end()):
            continue
        yield start, match.end(), "?" in mark
        start = match.end()
    if start < len(text):
        yield start, len(text), False


def _goes_on(text: str, start: int, newline: int) -> bool:
    """Return whether a line break only wraps a long line."""
    return newline - start > 60 and text[newline : newline + 1].islower()


def _cut(word: str) -> int:
    """Return how many characters of a contraction's tail stand for a word of their own."""
    low = word.lower()
    if "'" in word or "’" in word:
        low = low.replace("’", "'")
        for tail in _CLITICS:
            if low.endswith(tail) and len(low) > len(tail):
                return len(tail)
    elif low in _SLOPPY:
        return len(low) - _SLOPPY[low] if low not in ("cant", "wont") else 1
    return 0


def _stutter(word: str) -> int:
    """Return where "I-I'm", "she's-she's", "w-what" begins for good; 0 where nobody stutters."""
    at = 0
    while (cut := word.find("-", at)) > 0:
        said, rest = word[at:cut].lower(), word[cut + 1 :].lower()
        whole = len(said) > 1 and not (rest + "-").startswith((said + "-", said + "'", said + "’"))
        # "Side-Side-Angle" is a name.
        name = len(said) > 3 and said.isalpha() and word[at].isupper() and word[cut + 1].isupper()
        if whole or name or not rest.startswith(said):
            break
        at = cut + 1
    return at


def _once(words: list[str], lows: list[str], starts: list[int], ends: list[int]) -> None:
    """Leave out what is begun again after a mark: "I really, really like", "we were, we were"."""
    for length in (1, 2, 3):
        mark = len(lows) - length - 1
        if mark < length:
            return
        if lows[mark] in _AGAIN and lows[mark - length : mark] == lows[mark + 1 :]:
            if lows[mark - 1].isalpha():
                for column in (words, lows, starts, ends):
                    del column[mark - length : mark + 1]
            return


def _tokens(text: str, start: int, end: int, question: bool) -> Sentence | None:
    words: list[str] = []
    lows: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    filled = False
    mark = 0
    for match in _WORD.finditer(text, start, end):
        word, at = match.group(), match.start()
        if filled and word == ",":
            continue
        filled = word[0] in _FILLING and word.lower().replace("’", "'") in _FILLERS
        if filled:
            continue
        if word[-1] == "." and len(word) > 1:
            # "Dr." is one word with its point, which is no part of the name.
            word = word[:-1]
        if "-" in word:
            again = _stutter(word)
            word, at = word[again:], at + again
        tail = _cut(word) if len(word) > 1 else 0
        pieces = (word[:-tail], word[-tail:]) if tail else (word,)
        sloppy = tail and "'" not in word and "’" not in word
        for n, piece in enumerate(pieces):
            low = piece.lower().replace("’", "'")
            if n == 1 and sloppy:
                low = _SLOPPY_TAILS.get(low, low)
            words.append(piece)
            lows.append(low)
            starts.append(at)
            ends.append(at + len(piece))
            at += len(piece)
        if word in _AGAIN:
            mark = len(words)
        elif 0 < mark < len(words) < mark + 4:
            _once(words, lows, starts, ends)
        if len(words) >= MAX_TOKENS:
            break
    if not words:
        return None
    letters = [w for w in words if w[0].isalpha()]
    shouted = sum(w.isupper() for w in letters if len(w) > 1)
    longer = sum(len(w) > 1 for w in letters)
    caseless = (shouted * 3 >= longer * 2 and longer >= 3) or not any(
        w[0].isupper() for w in letters
    )
    return Sentence(
        words=tuple(words),
        lows=tuple(lows),
        starts=tuple(starts),
        ends=tuple(ends),
        question=question,
        caseless=caseless,
        padded=(*lows, *_OUTSIDE),
    )


def sentences(text: str) -> list[Sentence]:
    """Return the sentences of ``text`` that are its author's own, in order. O(len(text))."""
    kept = own_words(text[:MAX_CHARS])
    found: list[Sentence] = []
    for start, end, question in _bounds(kept):
        sentence = _tokens(kept, start, end, question)
        if sentence is not None:
            found.append(sentence)
            if len(found) >= MAX_SENTENCES:
                break
    return found


def words_of(phrase: str) -> tuple[str, ...]:
    """Cut a phrase of the grammar as a text would be cut, lower-cased."""
    sentence = _tokens(phrase, 0, len(phrase), False)
    return sentence.lows if sentence is not None else ()
