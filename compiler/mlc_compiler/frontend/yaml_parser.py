"""The one door to PyYAML's parser: libyaml where PyYAML was built with it, else the pure one, ten times slower."""

from __future__ import annotations

from collections.abc import Callable

import yaml
from yaml.events import Event
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.scanner import Scanner

MAX_DEPTH = 100


class _PureParser(Reader, Scanner, Parser):
    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)


def event_reader(text: str) -> Callable[[], Event | None]:
    """Return a function that gives the next event of the text at each call, then None.

    It raises YAMLError where the text is no YAML, and ValueError, as UnicodeError, for text that can't be encoded.
    """
    if not yaml.__with_libyaml__:
        return _PureParser(text).get_event
    from yaml._yaml import CParser  # exists only where PyYAML was built with libyaml

    return CParser(text).get_event
