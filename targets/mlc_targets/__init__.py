"""The built-in targets, listed by hand in one sorted tuple."""

TARGETS: tuple[object, ...] = ()
