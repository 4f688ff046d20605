"""Teams in sports results: lines that are a result, a fixture or a row of a table name clubs, not cities.

"Northport 3 Eastham 1", "Northport v Eastham", "4. Northport 12 7 3 2 24". Lines are short, so the work is bounded.
"""

import re
from collections.abc import Callable, Iterator

from transforms.folding import fold
from transforms.name_rules import ORGANIZATION, Mention

IN_A_TABLE = 0.9
MAX_LINE_CHARACTERS = 100

_TEAM = r"[^\W\d_a-z][^\d,;:()]{1,30}?"
_RESULT = re.compile(rf"^({_TEAM}) \d{{1,3}}(?: \([^)]{{1,20}}\))? ({_TEAM}) \d{{1,3}}(?:$|[ ,(])")
_FIXTURE = re.compile(rf"^({_TEAM}) vs?\.? ({_TEAM})(?: \(.*)?$")
_ROW = re.compile(rf"^(?:\d{{1,2}}\. )?({_TEAM})(?: [\d.½-]{{1,6}}){{4,}}$")


def read_tables(text: str, is_country: Callable[[list[str]], bool]) -> Iterator[Mention]:
    """The teams of results, fixtures and tables; national teams, being countries, are left out."""
    at = 0
    for line in text.split("\n"):
        if len(line) <= MAX_LINE_CHARACTERS:
            found = _RESULT.match(line) or _FIXTURE.match(line) or _ROW.match(line)
            for team in found.groups() if found is not None else ():
                if not is_country(fold(team).split()) and len(team.split()) <= 4:
                    name = team.title() if team.isupper() and len(team) > 4 else team
                    yield Mention(
                        team, name, ORGANIZATION, "team in a result", IN_A_TABLE, at + line.find(team), "text"
                    )
        at += len(line) + 1
