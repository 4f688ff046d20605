"""Names to show for codes: countries by the program's own lexicon (CLDR), languages as their speakers say."""

from functools import cache

from transforms.wordlists import Lexicon

LANGUAGES = {
    "ar": "العربية", "bg": "български", "bn": "বাংলা", "ca": "català", "cs": "čeština", "da": "dansk", "de": "Deutsch",
    "el": "Ελληνικά", "en": "English", "es": "español", "et": "eesti", "fa": "فارسی", "fi": "suomi", "fr": "français",
    "he": "עברית", "hi": "हिन्दी", "hr": "hrvatski", "hu": "magyar", "id": "Indonesia", "it": "italiano", "ja": "日本語",
    "ko": "한국어", "lt": "lietuvių", "lv": "latviešu", "ms": "Melayu", "nl": "Nederlands", "no": "norsk",
    "nb": "norsk bokmål", "pl": "polski", "pt": "português", "ro": "română", "ru": "русский", "sk": "slovenčina",
    "sl": "slovenščina", "sr": "српски", "sv": "svenska", "sw": "Kiswahili", "ta": "தமிழ்", "th": "ไทย", "tr": "Türkçe",
    "uk": "українська", "ur": "اردو", "vi": "Tiếng Việt", "zh": "中文",
}  # fmt: skip


@cache
def _countries() -> dict[str, str]:
    rows = Lexicon("geo", (), 0).table("countries.tsv")
    return {code: name for code, language, name, *_ in reversed(rows) if language == "en"}


def country_name(code: str | None) -> str:
    """The English name of an ISO 3166-1 alpha-2 code; the code itself where it is not known."""
    return _countries().get(code or "", code or "")


def language_name(tag: str | None) -> str:
    """What a BCP 47 language calls itself; the tag where that is not known."""
    name = LANGUAGES.get((tag or "").split("-")[0])
    return f"{name} ({tag})" if name and "-" in (tag or "") else name or tag or ""
