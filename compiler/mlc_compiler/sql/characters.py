"""Characters that nothing holds outside of quotes: other databases' signs, and letters that look alike."""

from __future__ import annotations

import unicodedata

_SIGNS = {
    "`": ("a name is quoted with \"", "write \"name\", or the bare name"),
    "[": ("there are no lists", "write in (1, 2) for alternatives, and \"name\" to quote a name"),
    "]": ("there are no lists", "write in (1, 2) for alternatives, and \"name\" to quote a name"),
    "{": ("there are no structures, and no templates", "write the value out"),
    "}": ("there are no structures, and no templates", "write the value out"),
    "$": ("there are no parameters, and no templates", "write the value out"),
    "?": ("there are no parameters", "write the value out, or `case when CONDITION then A else B end`"),
    "@": ("there are no variables", "write the value out"),
    "&": ("conditions are joined with words", "write `and`"),
    "|": ("conditions are joined with words", "write `or`, or || to join texts"),
    "!": ("it is another language's `not`", "write `not`, or <> for unequal"),
    "^": ("there is no such operator", "write power(x, 2)"),
    "~": ("there are no regular expressions", "write like, contains(x, 'a') or starts_with(x, 'a')"),
    "\\": ("nothing is escaped with it", "write '' for a quote inside of text"),
    "#": ("comments stand in YAML", "move the comment out of the text"),
    ":": ("there are no named arguments or paths", "write :: to cast, or cast(x as type)"),
}  # fmt: skip
_QUOTES = {"‘": "'", "’": "'", "‚": "'", "´": "'", "“": '"', "”": '"', "„": '"', "″": '"'}  # noqa: RUF001
_ALIKE = "аеорсухіјѕһԁԛԝАВЕКМНОРСТХІЈЅΑΒΕΖΗΙΚΜΝΟΡΤΥΧοναρ"  # noqa: RUF001  Cyrillic, then Greek
_LATIN = "aeopcyxijshdqwABEKMHOPCTXIJSABEZHIKMNOPTYXovap"
_LOOKS = dict(zip(_ALIKE, _LATIN, strict=True))


def strange_character(character: str) -> tuple[str, str]:
    """Return what is wrong with a character that means nothing here, and what to write instead."""
    if character in _SIGNS:
        reason, help = _SIGNS[character]
        shown = "a backtick" if character == "`" else f"`{character}`"
        return f"{shown} means nothing here: {reason}", help
    if character in _QUOTES:
        quote = _QUOTES[character]
        return f"`{character}` is a typographic quote, which quotes nothing", f"type it again as {quote}"
    shown = f"`{character}`" if character.isprintable() else "an unseen character"
    name = unicodedata.name(character, "a control character")
    alike = _LOOKS.get(character) or unicodedata.normalize("NFKC", character)
    message = f"{shown} (U+{ord(character):04X}, {name}) means nothing here"
    if alike != character and alike.isascii() and alike.strip():
        return message, f"type it again as `{alike}`, which only looks the same"
    return message, "delete it, or quote it where it is part of a text or name"
