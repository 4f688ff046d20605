"""Where a row of capitalised words begins and ends that may be one name.

"of", "van" and the like may stand inside, an article that was left off only in an organisation's name; a known name, a
place behind a full name and the person behind an office are not taken in.
"""

from transforms.name_lexicon import NameLexicon, NameWords
from transforms.name_tokens import Words

_DI = ("di", "della", "delle", "dei", "degli", "dello")
_DE = ("de", "del", "du", "des", "da", "do", "das", "dos", "van")
OF = frozenset((*_DI, *_DE, "of", "for", "pour", "para", "für", "voor"))

_MAX_RUN_WORDS = 30


def end_of_run(words: Words, at: int, lexicon: NameLexicon, rules: NameWords) -> int:
    """Behind the last word of the run that begins at `at`."""
    return _before_name(words, at, _reach(words, at, lexicon, rules), lexicon, rules)


def _reach(words: Words, at: int, lexicon: NameLexicon, rules: NameWords) -> int:
    """Behind the last word that may belong to a run."""
    texts = words.texts
    last = at + 1
    end = min(len(texts), at + _MAX_RUN_WORDS)
    while last < end and (words.goes_on(last - 1) or _elides(words, at, last, rules)):
        text = texts[last]
        if words.capital[last]:
            named = last == at + 1 and words.folded[at] in lexicon.first_names
            known = None if named else lexicon.known.find(words, last)
            if known is not None and not known.alone:
                break
            if text in ("The", "A", "In") or (_is_shouted(words, at) and not text.isupper()):
                break
            last += 1
            continue
        inner = last
        allowed = rules.particles
        if text in rules.origins and _ends_name(words, at, last, lexicon, rules):
            break
        while inner < min(last + 2, len(texts)) and texts[inner] in allowed:
            if not (words.gaps[inner].joins or _elides(words, at, inner + 1, rules)):
                break
            inner, allowed = inner + 1, rules.second_particles
        if inner == last or inner >= len(texts) or not words.capital[inner]:
            break
        if text in rules.joining and not _may_join(words, at, last, rules):
            break
        last = inner + 1
    return last


def _elides(words: Words, at: int, last: int, rules: NameWords) -> bool:
    """Whether an organisation's name goes on behind an elided article: "Ministero dell'Interno"."""
    return words.gaps[last - 1].elides and not rules.heads.isdisjoint(words.lower[at:last])


def _ends_name(words: Words, at: int, last: int, lexicon: NameLexicon, rules: NameWords) -> bool:
    """Whether the words before `last` are a full name, so that a place follows: "Anna Rossi di Novara"."""
    first, surname = words.folded[max(at, last - 2) : last][0], words.folded[last - 1]
    full = last - at >= 2 and lexicon.is_first_name(first) and not lexicon.is_first_name(surname)
    return full and rules.heads.isdisjoint(words.lower[at:last])


def _before_name(words: Words, at: int, last: int, lexicon: NameLexicon, rules: NameWords) -> int:
    """Where a run ends that tells only what the person behind it presides over: "presidente della Repubblica |
    Giorgio Napolitano"."""
    if last - at < 3 or not _is_office(words, at, rules):
        return last
    names = (n for n in range(at + 1, last - 1) if lexicon.is_first_name(words.folded[n]))
    return next((n for n in names if words.capital[n] and words.texts[n - 1] not in rules.particles), last)


def _is_office(words: Words, at: int, rules: NameWords) -> bool:
    """Whether the run from `at` begins with an office, or stands right behind one: "presidente della", "ministro
    dell'"."""
    if rules.is_role(words.lower[at]) and words.texts[at + 1] in rules.particles:
        return True
    before = at - 1
    if before >= 0 and words.gaps[before].joins:
        while before >= 0 and words.texts[before] in rules.particles and words.gaps[before - 1].joins:
            before -= 1
        return 0 <= before < at - 1 and rules.is_role(words.lower[before])
    return before >= 0 and words.gaps[before].elides and rules.is_role(words.lower[before])


def _may_join(words: Words, at: int, last: int, rules: NameWords) -> bool:
    """Whether "of", "for", "and" may go on with an organisation's name: "Department of Health and ..."."""
    if words.texts[last] in rules.ands:
        head = words.lower[at + 1 if words.lower[at] in rules.openers else at]
        return head in rules.joined_heads and not OF.isdisjoint(words.texts[at:last])
    return not rules.heads.isdisjoint(words.lower[at:last])


def _is_shouted(words: Words, at: int) -> bool:
    """Whether a word is the place of a dateline in capitals, or part of a headline so."""
    text = words.texts[at]
    return len(text) > 3 and text.isupper() and "." not in text and words.opens(at)
