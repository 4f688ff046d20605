"""Two texts beside each other: what was taken out and put in, to the word, and which passages they share."""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Literal

MAX_SENTENCES = 2_000  # compared one by one; of longer texts the rest is one more
MAX_WORDS = 1_500  # of a changed passage that is compared word by word

_SENTENCE = re.compile(r".*?(?:[.!?…]['\"”’»)\]]*\s+|[。！？]['\"”’»)\]]*\s*|\n+|$)", re.DOTALL)
_WORD = re.compile(
    r"\s+|\d+(?:[.,:]\d+)*|[^\W\d\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]+|.", re.DOTALL
)

Piece = tuple[Literal["same", "delete", "insert"], str]


def compare(old: str, new: str) -> list[Piece]:
    """The way from `old` to `new`: "same" and "delete" pieces together are `old`, "same" and "insert" are `new`."""
    before, after = _sentences(old), _sentences(new)
    pieces: list[Piece] = []
    for op, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if op == "equal":
            pieces.append(("same", "".join(before[a:b])))
        else:
            pieces.extend(_by_word("".join(before[a:b]), "".join(after[c:d])))
    return _joined(pieces)


def _by_word(old: str, new: str) -> list[Piece]:
    before, after = _WORD.findall(old), _WORD.findall(new)
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    if (
        max(len(before), len(after)) > MAX_WORDS or matcher.ratio() < 0.4
    ):  # hardly a word in common: not the same sentence
        return [("delete", old), ("insert", new)]
    pieces: list[Piece] = []
    for op, a, b, c, d in matcher.get_opcodes():
        if op == "equal":
            pieces.append(("same", "".join(before[a:b])))
        else:
            pieces += [("delete", "".join(before[a:b])), ("insert", "".join(after[c:d]))]
    return pieces


def _joined(pieces: Sequence[Piece]) -> list[Piece]:
    """Without empty pieces, and neighbours of a kind as one; of a change what goes stands before what comes."""
    joined: list[Piece] = []
    deleted = inserted = ""
    for op, text in [*pieces, ("same", "")]:
        if op == "delete":
            deleted += text
        elif op == "insert":
            inserted += text
        elif not (text.isspace() and (deleted or inserted)) or "\n" in text:
            change: list[Piece] = [("delete", deleted), ("insert", inserted)]
            joined += [piece for piece in change if piece[1]]
            deleted = inserted = ""
            if text and joined and joined[-1][0] == "same":
                joined[-1] = ("same", joined[-1][1] + text)
            elif text:
                joined.append(("same", text))
        else:  # a blank between two changed words belongs to both
            deleted += text
            inserted += text
    return joined


def _sentences(text: str) -> list[str]:
    found = [sentence for sentence in _SENTENCE.findall(text) if sentence]
    return found if len(found) <= MAX_SENTENCES else [*found[:MAX_SENTENCES], "".join(found[MAX_SENTENCES:])]
