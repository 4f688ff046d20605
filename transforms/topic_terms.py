"""The words and phrases of a topic lexicon, to be found in running text."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import compress
from typing import NamedTuple

from transforms.folding import fold_words
from transforms.remembered import Remembered
from transforms.tokens import Part, read

_HEAD = 4  # letters by which words that begin or end as a term with a "*" are looked up


class _Term(NamedTuple):
    """`tail` holds the words after the first, `weights` the weight by concept; `number` is its place in the lexicon."""

    tail: tuple[str, ...]
    spelling: str
    weights: dict[str, float]
    number: int


class _Begun(NamedTuple):
    """What a word may begin: the term that it is by itself, if any, with its weights, and longer terms by their second
    word. `seconds` are the forms of those, folded; `open`: some begin or end with a "*"."""

    spelling: str
    weights: dict[str, float]
    longer: dict[str, list[_Term]]
    seconds: frozenset[str]
    open: bool


_NOTHING = _Begun("", {}, {}, frozenset(), open=False)


class TermIndex:
    """Words and phrases, to be found in running text.

    A term is written in lower case and matches any case, its last word also with a plural -s; one with a capital
    letter matches only so. `bank*` matches every word that begins so, `*minister` every longer one that ends so.
    The longest term at a place wins there.
    A term of weight 0 stands for nothing and keeps shorter ones from matching inside it ("under fire").
    """

    def __init__(self, terms: Sequence[tuple[str, str, float]], language: str = "en") -> None:
        weights: dict[tuple[str, ...], dict[str, float]] = defaultdict(dict)
        for words, (_, concept, weight) in zip(
            _read_terms([text for text, _, _ in terms], language), terms, strict=True
        ):
            weights[words][concept] = weight
        self._by_first: dict[str, list[_Term]] = defaultdict(list)
        for number, (words, concepts) in enumerate(weights.items()):
            if words:
                self._by_first[words[0]].append(_Term(words[1:], " ".join(words), concepts, number))
        listed = {word for words in weights for word in words}
        self._forms: dict[str, list[str]] = defaultdict(list)  # words of the lexicon by a form of theirs
        for word in sorted(word for word in listed if "*" not in word):
            for form in _forms(word):
                self._forms[form].append(word)
        self._first_forms = frozenset(fold_words([form for word in self._by_first for form in _forms(word)]))
        self._beginnings, self._endings = defaultdict[str, list[str]](list), defaultdict[str, list[str]](list)
        for word in sorted(listed, key=len):
            if word.endswith("*"):
                self._beginnings[word[:-1][:_HEAD]].append(word[:-1])
            elif word.startswith("*"):
                self._endings[word[1:][-_HEAD:]].append(word[1:])
        self._sizes = sorted({len(part) for part in (*self._beginnings, *self._endings)})
        first = fold_words(list(self._by_first))
        self._heads = _by_length(word[:-1][:_HEAD] for word in first if word.endswith("*"))
        self._tails = _by_length(word[1:][-_HEAD:] for word in first if word.startswith("*"))
        self._keys = Remembered(self._matches)
        self._begun = Remembered(self._begin)

    def _may_begin(self, words: frozenset[str]) -> set[str]:
        """Those of the folded `words` that may begin a term: few of them do."""
        first = set(words & self._first_forms)
        for n, heads in self._heads:
            first.update([word for word in words if word[:n] in heads])
        for n, tails in self._tails:
            first.update([word for word in words if word[-n:] in tails])
        return first

    def _matches(self, word: str) -> tuple[str, ...]:
        """The words of the lexicon that `word` matches."""
        lower = word.lower()
        exact: list[str] = []
        open_ended: list[str] = []
        for spelling in (lower,) if word == lower else (word, lower):
            exact += self._forms.get(spelling, ())
            for size in self._sizes:
                if parts := self._beginnings.get(spelling[:size]):
                    open_ended += [f"{part}*" for part in parts if spelling.startswith(part)]
            for size in self._sizes:
                if parts := self._endings.get(spelling[-size:]):
                    open_ended += [f"*{part}" for part in parts if spelling.endswith(part) and spelling != part]
        return tuple(dict.fromkeys((*sorted(exact), *open_ended)))

    def _begin(self, word: str) -> _Begun:
        terms = [term for key in self._keys[word] for term in self._by_first.get(key, ())]
        if not terms:
            return _NOTHING
        alone = [term for term in terms if not term.tail]
        longer: defaultdict[str, list[_Term]] = defaultdict(list)
        for term in terms:
            if term.tail:
                longer[term.tail[0]].append(term)
        return _Begun(
            alone[0].spelling if alone else "",
            merged([term.weights for term in alone]) if alone else {},
            dict(longer),
            frozenset(fold_words([form for second in longer for form in _forms(second)])),
            any("*" in second for second in longer),
        )

    def find(self, part: Part) -> tuple[list[tuple[int, str, dict[str, float]]], int]:
        """Position, spelling and concepts of each term among the rows of letters of `part`: the longest at each place,
        without overlaps; and the number of rows. Terms of one length that match the same words ("refugee*",
        "refugees") are one, with the larger weights."""
        found: list[tuple[int, str, dict[str, float]]] = []
        words, folded = part.rows()
        first = self._may_begin(part.different)
        free = 0
        for at, second in compress(enumerate([*folded[1:], ""]), map(first.__contains__, folded)):
            if at < free:
                continue
            begun = self._begun[words[at]]
            if second in begun.seconds or (begun.open and second):
                terms = [term for key in self._keys[words[at + 1]] for term in begun.longer.get(key, ())]
                longest = self._longest(terms, words, at)
                if longest:
                    found.append((at, longest[0].spelling, merged([term.weights for term in longest])))
                    free = at + 1 + len(longest[0].tail)
                    continue
            if begun.spelling:
                found.append((at, begun.spelling, begun.weights))
        return found, len(words)

    def _longest(self, terms: list[_Term], words: Sequence[str], at: int) -> list[_Term]:
        """The longest of the terms that go on behind `at` as `words` do, in the order of the lexicon."""
        going = [term for term in terms if self._goes_on(words[at + 1 : at + 1 + len(term.tail)], term.tail)]
        longest = max((len(term.tail) for term in going), default=0)
        return sorted((term for term in going if len(term.tail) == longest), key=lambda term: term.number)

    def _goes_on(self, words: Sequence[str], tail: Sequence[str]) -> bool:
        return len(words) == len(tail) and all(part in self._keys[word] for part, word in zip(tail, words, strict=True))


def _read_terms(terms: Sequence[str], language: str) -> Iterable[tuple[str, ...]]:
    """The words of each term, as those of a text are read, but for a "*" before or behind."""
    text = "\n".join(terms)
    read_terms: list[list[str]] = [[] for _ in terms]
    line = end = 0
    part = read(text, language)
    for word, start in zip(part.rows()[0], part.row_starts(), strict=True):
        line += text.count("\n", end, start)
        end = start + len(word)
        head, tail = text[start - 1 : start] == "*", text[end : end + 1] == "*"
        read_terms[line].append(f"{'*' * head}{word}{'*' * tail}")
    return map(tuple, read_terms)


def _forms(word: str) -> Iterator[str]:
    """How a word of the lexicon may be written in a text: as it is, in small letters but for its own capitals, and with
    the ending of a plural."""
    yield word
    if len(word) > 2:
        yield from (f"{word}s", f"{word}S")
    if word == word.lower():
        if word.endswith("y"):
            yield f"{word[:-1]}ies"
        if not word.endswith("i"):
            yield f"{word}es"


def merged(terms: Sequence[dict[str, float]]) -> dict[str, float]:
    """The weights by concept of terms that are one: the larger of each."""
    weights = terms[0]
    for other in terms[1:]:
        weights = {key: max(weights.get(key, 0.0), other.get(key, 0.0)) for key in (*weights, *other)}
    return weights


def _by_length(parts: Iterable[str]) -> list[tuple[int, set[str]]]:
    lengths: dict[int, set[str]] = defaultdict(set)
    for part in parts:
        lengths[len(part)].add(part)
    return sorted(lengths.items())
