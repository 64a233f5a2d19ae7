"""Parameters of estimators: is there such a one, and does it take the value? With what would be taken instead."""

from __future__ import annotations

import json

from mlc_compiler.conventions import number_text
from mlc_compiler.diagnostics import Place, Sink, nearest
from mlc_compiler.estimators.table import EstimatorRow, Parameter
from mlc_compiler.estimators.values import Range, beyond_yaml, ranges, taken, takes

_WRITTEN = {"null": None, "none": None, "true": True, "false": False}
_LONGEST = 60


def check_unknown_parameter(row: EstimatorRow, name: str, at: Place, version: str, sink: Sink) -> None:
    """Report a name that is no parameter of the class, with the nearest that is."""
    near = nearest(name, row.parameters) or ""
    note = "" if near else f"scikit-learn {version} has {', '.join(sorted(row.parameters))}"
    help = f"did you mean `{near}`?" if near else "remove it"
    sink.error("MLC451", at, f"`{row.name}` has no parameter `{name}`", note=note, help=help, fix=near)


def check_value(parameter: Parameter, value: object, at: Place, version: str, sink: Sink) -> None:
    """Report a value that the parameter refuses, and one that is on its way out."""
    if not takes(parameter, value):
        fix = _fix(parameter, value)
        note = f"scikit-learn {version} takes {taken(parameter)}"
        sink.error("MLC452", at, _refused(parameter, value), note=note, help=_help(parameter, value, fix), fix=fix)
    elif parameter.deprecated or value in parameter.old:
        what = f"`{parameter.name}`" if parameter.deprecated else f"`{parameter.name}: {value}`"
        message = f"{what} is deprecated in scikit-learn {version}, and a later version will refuse it"
        sink.warn("MLC410", at.name() if parameter.deprecated else at, message, help=_instead(parameter))


def yaml_text(value: object) -> str:
    """Return a value as a spec would have it, cut where it is long.

    >>> yaml_text(None), yaml_text("sqrt"), yaml_text(0.5), yaml_text(True)
    ('null', 'sqrt', '0.5', 'true')
    """
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "..."


def _refused(parameter: Parameter, value: object) -> str:
    name, shown = parameter.name, yaml_text(value)
    if isinstance(value, str):
        return f"`{name}` has no option `{shown}`" if parameter.options else f'`{name}` is the text "{shown}"'
    within = [r for r in ranges(parameter) if _is_number(value) and (r.type != "int" or isinstance(value, int))]
    if not within:
        return f"`{name}` is {shown}, which is not what it takes"
    return f"`{name}` is {shown}, outside of {' and '.join(dict.fromkeys(map(str, within)))}"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _help(parameter: Parameter, value: object, fix: str) -> str:
    if beyond_yaml(parameter):
        return "remove it, or build the estimator in the model's own code: `entrypoint: module:function`"
    if fix:
        return f"did you mean `{fix}`?" if isinstance(value, str) else f"write `{fix}`"
    return f"give {taken(parameter)}"


def _instead(parameter: Parameter) -> str:
    kept = [option for option in parameter.options if option not in parameter.old]
    return f"take {' or '.join(kept)}" if kept and not parameter.deprecated else f"remove `{parameter.name}`"


# --- what was meant --------------------------------------------------------------------------------------------------
def _fix(parameter: Parameter, value: object) -> str:
    """Return the text that was probably meant: another spelling or type of the same value, or the nearest bound."""
    if isinstance(value, str):
        return _meant(parameter, value)
    if isinstance(value, float) and value.is_integer() and takes(parameter, int(value)):
        return str(int(value))
    bounds = [b for r in ranges(parameter) if _is_number(value) for b in _bounds(r, float(str(value)))]
    return bounds[0] if len(bounds) == 1 else ""


def _meant(parameter: Parameter, text: str) -> str:
    """Return what a text stands for: a number or a null in quotes, or an option that is spelt otherwise."""
    if text.lower() in _WRITTEN and takes(parameter, _WRITTEN[text.lower()]):
        return yaml_text(_WRITTEN[text.lower()])
    for number in (int, float):
        try:
            read = number(text)
        except ValueError:
            continue
        return number_text(read) if takes(parameter, read) else ""
    kept = {option.lower(): option for option in parameter.options if option not in parameter.old}
    return kept.get(nearest(text.lower(), kept) or "", "")


def _bounds(within: Range, value: float) -> list[str]:
    """Return the end of a range that a number oversteps, where the end is part of it."""
    if value < within.least and within.with_least:
        return [number_text(within.least)]
    return [number_text(within.most)] if value > within.most and within.with_most else []
