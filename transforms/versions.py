"""What happened to an article between two readings of it: nothing that counts, or which kind of change.

Kinds, from the lightest: "typographic" (a few letters of words: spelling put right), "headline" (the title alone),
"wording" (sentences rephrased, added or cut, no number or name changed), "substantive" (facts: numbers, names, or much
of the text), "correction" (a notice appeared that says the text was corrected).
"""

import re
from dataclasses import dataclass
from difflib import SequenceMatcher

from transforms.reading import content_hash
from transforms.schema import Change

MAX_CHANGES = 20  # sentences kept in the diff
MAX_CHANGE_CHARACTERS = 300
MAX_SENTENCES = 400  # compared; of longer texts the rest is one more sentence
LABEL_WORDS = 6
LABEL_CHARACTERS = 40
NOUN_SHARE = 0.22  # of words with a capital: with more, as in German, capitals tell nouns and no names
NOISE_SHARE = 0.15  # of the words; less than that in whole lines is how two renderings of one page differ

_SENTENCE_END = re.compile(r"(?<=[.!?。！？…])[\"'”’»)\]]*\s+|(?<=[。！？])|\n+")
_WORD = re.compile(r"\w+")
# Notices stand at the head of a sentence; elsewhere the word is news ("a correction of the market").
_CORRECTION = re.compile(
    r"^\W*(?:(?:corrections?|corrected|corrects|clarifications?|editor[’']s note"
    r"|korrektur|berichtigung|richtigstellung|erratum|errata|rectificatif|correctif"
    r"|correcci[óo]n|fe de er(?:rores|ratas)|aclaraci[óo]n|rettifica|corre[çc][ãa]o"
    r"|rectificatie|correctie|sprostowanie|r[äæ]ttelse|rettelse|oikaisu|d[üu]zeltme|поправка|исправление|уточнение)\b"
    r"|訂正|更正|정정|تصحيح|تصويب)"
    r"|\b(?:an?|the) (?:earlier|previous) version of this\b"
    r"|\bthis (?:article|story|report|headline)\b.{0,40}\b(?:corrected|amended|clarified)\b"
    r"|\bin einer fr[üu]heren version\b|\bversion pr[ée]c[ée]dente\b|\bversi[óo]n anterior\b|\bversione precedente\b"
    r"|\bvers[ãa]o anterior\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A change worth a version: its kind and the sentences deleted and inserted, in the order of the text."""

    kind: str
    changes: tuple[Change, ...]


def difference(old_title: str | None, old_text: str, title: str | None, text: str) -> Difference | None:
    """How the new reading differs. None when only case, punctuation or spacing does, or lines of a few words that are
    no sentence: such come and go with the page around the story."""
    old, new = sentences(old_text), sentences(text)
    same_words = content_hash(old_text) == content_hash(text)
    deleted, inserted = ([], []) if same_words else _deleted_and_inserted(old, new)
    moved = not (same_words or deleted or inserted)
    if moved or not all(map(_is_label, deleted + inserted)):
        return Difference(kind=_kind(deleted, inserted, old, new), changes=_limited(deleted, inserted))
    if content_hash(old_title or "") == content_hash(title or ""):
        return None
    return Difference(kind="headline", changes=_changes([old_title or ""], [title or ""]))


def is_rendering(old_text: str, text: str) -> bool:
    """Whether the two texts may be two renderings of one page: they differ by whole lines alone, and by few words."""
    old, new = _lines(old_text), _lines(text)
    words = sum(old.values()) + sum(new.values())
    apart = sum(count for line, count in old.items() if line not in new)
    apart_too = sum(count for line, count in new.items() if line not in old)
    return min(apart, apart_too) == 0 and apart + apart_too <= NOISE_SHARE * words / 2


def sentences(text: str) -> list[str]:
    """The sentences of a text, in order; a line end always ends one."""
    found = [part.strip() for part in _SENTENCE_END.split(text) if part and part.strip()]
    return found if len(found) <= MAX_SENTENCES else [*found[:MAX_SENTENCES], " ".join(found[MAX_SENTENCES:])]


def _lines(text: str) -> dict[tuple[str, ...], int]:
    return {_words(line): len(_words(line)) for line in text.split("\n") if line.strip()}


def _changes(deleted: list[str], inserted: list[str]) -> tuple[Change, ...]:
    return tuple(
        Change(op=op, text=sentence[:MAX_CHANGE_CHARACTERS])
        for op, group in (("delete", deleted), ("insert", inserted))
        for sentence in group
        if sentence
    )


def _limited(deleted: list[str], inserted: list[str]) -> tuple[Change, ...]:
    half = MAX_CHANGES // 2
    return _changes(deleted[:half], inserted[:half])


def _deleted_and_inserted(old: list[str], new: list[str]) -> tuple[list[str], list[str]]:
    """Sentences that stand in one reading only; a sentence that only moved is neither."""
    before, after = set(map(_words, old)), set(map(_words, new))
    return (
        [sentence for sentence in old if _words(sentence) not in after],
        [sentence for sentence in new if _words(sentence) not in before],
    )


def _is_label(sentence: str) -> bool:
    if len(sentence) > LABEL_CHARACTERS or any(map(str.isdigit, sentence)):
        return False
    return not sentence.endswith((".", "!", "?", "…", "。", "！", "？")) and len(_WORD.findall(sentence)) <= LABEL_WORDS


def _words(sentence: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(sentence.casefold()))


def _kind(deleted: list[str], inserted: list[str], old: list[str], new: list[str]) -> str:
    if any(_CORRECTION.search(sentence) for sentence in inserted):
        return "correction"
    names = _capital_share(new) < NOUN_SHARE
    if _facts(deleted, names) != _facts(inserted, names) or len(deleted) + len(inserted) > max(4, len(old)):
        return "substantive"
    before, after = _WORD.findall(" ".join(deleted)), _WORD.findall(" ".join(inserted))
    if len(deleted) == len(inserted) and len(before) == len(after) and _are_spellings(before, after):
        return "typographic"
    return "wording"


def _facts(sentences: list[str], names: bool) -> set[str]:
    """Numbers and, where a capital tells them, names. The first word of a sentence has its capital anyway."""
    words = [_WORD.findall(sentence) for sentence in sentences]
    numbers = {word for sentence in words for word in sentence if any(map(str.isdigit, word))}
    return numbers | {word for sentence in words for word in sentence[1:] if names and word[0].isupper()}


def _capital_share(sentences: list[str]) -> float:
    inside = [word for sentence in sentences for word in _WORD.findall(sentence)[1:]]
    return float(sum(word[0].isupper() for word in inside)) / max(1, len(inside))


def _are_spellings(before: list[str], after: list[str]) -> bool:
    """Whether the words differ, place by place, only as misspellings do."""
    pairs = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    return len(pairs) <= 5 and all(
        min(len(old), len(new)) > 3 and max(len(old), len(new)) < 40 and SequenceMatcher(None, old, new).ratio() >= 0.75
        for old, new in pairs
    )
