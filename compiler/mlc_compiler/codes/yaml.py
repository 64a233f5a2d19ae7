"""0xx: the text of a file is not the YAML that a spec may be."""

from __future__ import annotations

from mlc_compiler.codes.entry import Code

CODES: tuple[Code, ...] = (
    Code(
        "MLC001",
        "the file is not valid YAML",
        "The YAML parser could not make sense of the text at this place, so nothing after it in the same document "
        "was read. The usual causes are a missing closing bracket or quote, keys of one mapping that start in "
        "different columns, and a value that contains `: ` or starts with one of ``@ ` % & * !`` without quotes. "
        "Mend the place that the finding shows; where it names a second place, the two belong together.",
    ),
    Code(
        "MLC002",
        "the file is not UTF-8",
        "Specs are read as UTF-8, so that they mean the same on every machine. The bytes at this place are no "
        "UTF-8: the file was probably saved as Latin-1, Windows-1252 or UTF-16. Save it again as UTF-8; a byte "
        "order mark at the start is fine.",
    ),
    Code(
        "MLC003",
        "the file contains a control character",
        "YAML allows no control characters other than tab and line breaks. They are invisible in most editors and "
        "can make a file read differently from how it looks. Delete the character; inside double quotes it can be "
        "written as an escape such as `\\x1b`.",
    ),
    Code(
        "MLC004",
        "a tab is used for indentation",
        "YAML indents with spaces only, because the width of a tab differs between editors and the nesting would "
        "then depend on the reader. Replace the tab by spaces; `mlc fmt` uses two for each level.",
    ),
    Code(
        "MLC005",
        "a key stands twice in one mapping",
        "Most YAML readers silently keep the last of two equal keys, so the first one looks effective and is not. "
        "Keep one of them, or move the second to the mapping that it was meant for.",
    ),
    Code(
        "MLC006",
        "a key is not a string",
        "Every field name is a string. A plain `1`, `true`, `null` or `0.5` is a number, a boolean or null, and a "
        "key may also be a whole list or mapping in YAML; none of these names a field. Put quotes round a key that "
        "is meant as text.",
    ),
    Code(
        "MLC007",
        "a merge key is used",
        "`<<` belongs to YAML 1.1; in YAML 1.2 it is an ordinary key, so readers disagree about what the file "
        "says. Write the fields out, refer to a whole value with an alias, or let `metadata.matrix` expand one "
        "document into several.",
    ),
    Code(
        "MLC008",
        "a tag is not allowed here",
        "Specs are data: a tag such as `!foo` or `!!python/object` asks the reader to build something from the "
        "text, which mlc never does. The core tags `!!str`, `!!int`, `!!float`, `!!bool`, `!!null`, `!!map` and "
        "`!!seq` are understood where they fit the value. Delete the tag, or quote the value when it is meant as "
        "text.",
    ),
    Code(
        "MLC009",
        "an alias refers to no finished value",
        "`*name` repeats the value that `&name` marked earlier in the same document. The anchor is missing, comes "
        "later, or contains the alias itself, which would make the value endless. Define the anchor first, or "
        "write the value out.",
    ),
    Code(
        "MLC010",
        "aliases expand to too many values",
        "Aliases of aliases grow exponentially: a file of one kilobyte can stand for billions of values and stop "
        "every tool that reads it. A document may expand to 100,000 values through its aliases. Write the values "
        "out, or split the document.",
    ),
    Code(
        "MLC011",
        "values are nested too deeply",
        "A spec needs fewer than ten levels; more than 100 is a mistake or an attack on the reader. The file is "
        "not read further. Flatten the value.",
    ),
    Code(
        "MLC012",
        "the file is too large",
        "A spec file may have 5 MB; a larger one is almost certainly data that came into the wrong folder. Keep "
        "data outside of `specs/` and refer to it by path, or split the specs over several files.",
    ),
    Code(
        "MLC013",
        "a number with a leading zero is ambiguous",
        "`010` is ten in YAML 1.2 and eight in YAML 1.1, and often it is a code such as a postcode whose zero "
        'matters. Write `10`, or `0o10` for an octal number, or quote it (`"010"`) when it is text.',
    ),
    Code(
        "MLC014",
        "a number is not finite or too large",
        "`.inf`, `.nan`, floats beyond 1.8e308 and integers beyond 64 bits can't be compared, stored or written to "
        "the files that mlc emits. Write a number that fits, leave the field out when it means `no limit`, or "
        "quote it when it is text.",
    ),
)
