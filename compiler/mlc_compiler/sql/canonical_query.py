"""The one text of a query that is written in several ways: without comments, white space and the case of words.

Own code rather than a printer of SQL, since digests rest on it: another release of a library must not move them.
"""

from __future__ import annotations

import functools
import re

_TOKENS = re.compile(
    r"""(?P<blank>\s+|--[^\n]*|/\*.*?(?:\*/|\Z))   # white space and comments
    |(?P<quoted>'(?:[^']|'')*'|"(?:[^"]|"")*"|\$\$.*?\$\$)  # texts and quoted names: as they are
    |(?P<word>[^\W\d]\w*|(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)  # names, keywords, numbers
    |(?P<sign>.)""",
    re.VERBOSE | re.DOTALL,
)


@functools.lru_cache(maxsize=4096)
def canonical_query(text: str) -> str:
    """Return the query with one blank between its tokens, words in lower case, no comment and no closing semicolon.

    >>> canonical_query("SELECT a,b -- both\\n  FROM t WHERE x = 'As Is';")
    "select a , b from t where x = 'As Is'"
    """
    found = (match for match in _TOKENS.finditer(text) if not match["blank"])
    tokens = [match.group().lower() if match["word"] else match.group() for match in found]
    while tokens and tokens[-1] == ";":
        tokens.pop()
    return " ".join(tokens)
