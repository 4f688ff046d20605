"""Countries that a text names in passing: once, in another name, or for a thing or institution that is theirs.

"British Airways", "the Royal Bank of Canada" and "Air France" are firms, "a Greek salad" and "German cars" are things,
and a central bank or a stock index is spoken of anywhere.
Where that is all a story says of a country, and it names others, the country is none of the story's. People and
ground are no passing mention ("a Japanese tourist", "the Turkish border"), nor is what a state does ("the Italian
Ministry of Culture"). English texts only; the words are in `context.txt`.
"""

from collections import Counter
from collections.abc import Container, Mapping, Sequence

from transforms.country_words import Kind
from transforms.mentions import Mention
from transforms.tokens import Part, is_capitalised

MOST_WORDS_AHEAD = 6
_PEOPLE = ("man", "men", "ist", "ists")  # endings of words for people: "businessman", "scientists"

Words = Mapping[str, Container[str]]


def find_passing(
    part: Part, title: Sequence[Mention], text: Sequence[Mention], language: str, around: Words
) -> set[str]:
    """The countries that `part`, the body, names in passing only, of those that its mentions and the title's name."""
    if language != "en" or part.shouted:
        return set()
    times = Counter(mention.code for mention in (*title, *text))
    in_title = {mention.code for mention in title}
    followed = {mention.first for mention in text if mention.code is not None}
    found = set()
    for mention in text:
        code = mention.code
        if code is not None and times[code] == 1 and code not in in_title and _by_itself(part, mention):
            in_name = _is_in_another_name(part, mention, around) and mention.last not in followed
            kind = mention.word.kind if mention.word is not None else None
            adjective = kind is Kind.DEMONYM or (kind is Kind.NAME and mention.surface.isupper())  # "U.S. soybeans"
            if in_name or kind is Kind.INSTITUTION or (adjective and _is_of_a_thing(part, mention, around)):
                found.add(code)
    return found


def _by_itself(part: Part, mention: Mention) -> bool:
    """Neither "Japan's Nomura" nor "the Iran-Iraq war": these relate a country to what follows."""
    end = mention.start + len(mention.surface)
    return "-" not in (part.text[mention.start - 1 : mention.start], part.text[end : end + 1]) and not part.text[
        end : end + 2
    ].startswith(("'", "’"))


def _is_in_another_name(part: Part, mention: Mention, around: Words) -> bool:
    return _goes_on(part, mention, around) or _ends_one(part, mention, around)


def _goes_on(part: Part, mention: Mention, around: Words) -> bool:
    """ "British Airways", but not "Japanese Ministry", and not "U.S. Next", where a stop may end the sentence."""
    behind = part.behind(mention.last)
    if behind is None or not is_capitalised(behind.text) or mention.surface.endswith("."):
        return False
    if behind.folded in around["after it"]:
        return False
    return not any(
        word in around["its own"] or word in around["of a state"] for word in _name_ahead(part, mention.last)
    )


def _name_ahead(part: Part, first: int) -> list[str]:
    """The capitalised words from `first` on, folded."""
    last = first
    while last < min(first + MOST_WORDS_AHEAD, len(part)) and part.is_behind(last) and is_capitalised(part.words[last]):
        last += 1
    return part.folded[first:last]


def _ends_one(part: Part, mention: Mention, around: Words) -> bool:
    """ "Air France", "Lindqvist Ltd of Sweden"."""
    if mention.word is None or mention.word.kind is not Kind.NAME:
        return False
    first = mention.first
    while part.is_behind(first) and part.folded[first - 1] in around["of it"]:
        first -= 1
    before = part.before(first)
    if before is None or not is_capitalised(before.text):
        return False
    if first < mention.first:
        return before.folded in around["firm"]
    return before.folded not in around["part of it"] and before.folded not in around["person"]


def _is_of_a_thing(part: Part, mention: Mention, around: Words) -> bool:
    """ "Kuwaiti oil tankers", but neither "Kuwaiti waters" nor "a Kuwaiti" nor "two Kuwaiti and Omani fishermen"."""
    ahead = 0
    for number in range(mention.last, min(mention.last + MOST_WORDS_AHEAD, len(part))):
        word = part.folded[number]
        if not part.is_behind(number) or word in around["ends a name"] or (not ahead and word.endswith("ed")):
            break  # "a German watched"
        if word in around["people"] or word in around["ground"] or word.endswith(_PEOPLE):
            return False
        if word in around["of a state"] and is_capitalised(part.words[number]):
            return False
        ahead += 1
    return ahead > 0
