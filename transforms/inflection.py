"""Forms of the words for countries: the endings a language puts to them, so that lexicons can list stems.

In a lexicon "~" stands for the endings of an adjective, "^" for those of a noun (Russian only). Single-word names of
countries are put into the commonest cases of some languages. Forms that do not exist do no harm: nobody writes them.
What a language writes together with the word behind it is taken off when the word is looked up.
"""

ADJECTIVE_ENDINGS = {
    "de": ("", "e", "en", "er", "es", "em"),
    "fr": ("", "e", "s", "es", "ne", "nes"),
    "es": ("", "o", "a", "os", "as", "s", "es"),
    "it": ("o", "a", "i", "e"),
    "pt": ("", "o", "a", "os", "as", "s"),
    "ru": ("ий", "ая", "ое", "ие", "ого", "ому", "им", "ом", "ой", "ую", "их", "ими", "ою"),
    "ar": ("", "ة", "ون", "ين", "ا", "ات"),
}
NOUN_ENDINGS = {
    "ru": ("", "а", "у", "ом", "е", "ы", "и", "ов", "ей", "ам", "ами", "ах", "ка", "ки", "ку", "ин", "ина", "ину")
}
PREFIXES = {
    "ar": ("ال", "و", "ب", "ل", "ف", "ك", "وال", "بال", "لل", "فال", "كال", "ول", "وب")
}  # article, prepositions
TURKISH_PLURALS = ("", "ler", "lar", "lerin", "ların")
_CASES = {
    "ru": (
        ("ия", ("ия", "ии", "ию", "ией")),
        ("а", ("а", "ы", "е", "у", "ой", "и")),
        ("я", ("я", "и", "е", "ю", "ей")),
        ("й", ("й", "я", "ю", "ем", "е")),
        ("ь", ("ь", "и", "ью", "я", "ю", "ем", "е")),
        ("", ("", "а", "у", "ом", "е")),
    ),
    "uk": (
        ("ія", ("ія", "ії", "ію", "ією")),
        ("а", ("а", "и", "і", "у", "ою")),
        ("я", ("я", "і", "ю", "ею")),
        ("й", ("й", "ю", "єм", "ї")),
        ("", ("", "у", "ом", "і", "а", "ові")),
    ),
    "pl": (
        ("ska", ("ska", "ski", "sce", "skę", "ską")),
        ("ia", ("ia", "ii", "ię", "ią")),
        ("ja", ("ja", "ji", "ję", "ją")),
        ("a", ("a", "y", "i", "ie", "ę", "ą", "e", "ze")),
        ("", ("", "u", "em", "iem", "ie", "owi", "a")),
    ),
    "cs": (
        ("o", ("o", "a", "u", "em")),
        ("ie", ("ie", "ii", "ií")),
        ("a", ("a", "y", "ě", "u", "ou")),
        ("", ("", "u", "em", "em")),
    ),
    "sk": (
        ("o", ("o", "a", "u", "om")),
        ("ia", ("ia", "ie", "ii", "iu", "iou")),
        ("a", ("a", "y", "e", "u", "ou")),
        ("", ("", "u", "e", "om")),
    ),
    "hr": (
        ("a", ("a", "e", "i", "u", "om")),
        ("", ("", "a", "u", "om", "em")),
    ),
    "sl": (
        ("a", ("a", "e", "i", "o")),
        ("", ("", "a", "u", "om")),
    ),
    "sr": (
        ("а", ("а", "е", "и", "у", "ом")),
        ("", ("", "а", "у", "ом", "ем")),
    ),
    "fi": (("", ("", "n", "ssa", "ssä", "sta", "stä", "lle", "lla", "llä", "an", "än", "in")),),
    "de": (("s", ("s",)), ("", ("", "s"))),
    "sv": (("s", ("s",)), ("", ("", "s"))),
    "da": (("s", ("s",)), ("", ("", "s"))),
    "nb": (("s", ("s",)), ("", ("", "s"))),
}


def name_forms(name: str, language: str) -> list[str]:
    """The forms of a country's name, or of a phrase that stands for one."""
    declined = language in _CASES and " " not in name and not name.isupper()
    return _decline(name, language) if declined else [name]


def demonym_forms(form: str, language: str) -> list[str]:
    """The forms a lexicon's entry of a people stands for: of a stem all its endings, else the entry and its plurals."""
    if form.endswith(("~", "^")):
        endings = (ADJECTIVE_ENDINGS if form.endswith("~") else NOUN_ENDINGS).get(language, ("",))
        return [form[:-1] + ending for ending in endings]
    if language == "en" and not form.endswith(("s", "sh", "ch", "ese", "men")):
        return [form, f"{form}s"]
    if language == "tr":
        return [form + plural for plural in TURKISH_PLURALS]
    return [form]


def _decline(name: str, language: str) -> list[str]:
    for ending, cases in _CASES[language]:
        if name.endswith(ending):
            stem = name.removesuffix(ending)
            return [stem + case for case in cases]
    return [name]
