"""What a picture of a plan says of a layer: its kind, its options, its shape and its counts."""

from __future__ import annotations

from cnnspec.plan import PlannedLayer
from cnnspec.report import svg
from cnnspec.report.outline import LayerEntry
from cnnspec.spec.sizes import pair, show

UNSAID = {"name", "kind", "kernel_size"}
"""Options that the first line of a label says; the shapes say how wide a layer is."""


def options(layer: PlannedLayer) -> list[str]:
    """Say what kind of layer it is, and the options that are not the usual ones."""
    options = layer.layer
    kernel = getattr(options, "kernel_size", None)
    kind = [getattr(options, "kind", ""), layer.kind, show(pair(kernel)) if kernel else ""]
    said = [" ".join(filter(None, kind))]
    unsaid = UNSAID | {options.width, options.input_width}
    for name, field in type(options).model_fields.items():
        value, word = getattr(options, name), name.replace("_", " ")
        # a pool without a written stride steps from window to window
        usual = kernel if name == "stride" and field.default is None else field.default
        if name in unsaid or value is None or value == usual:
            continue
        if isinstance(value, bool):
            said.append(word if value else f"no {word}")
        elif isinstance(value, int | float | str):
            said.append(f"{word} {value}")
        elif isinstance(value, tuple) and all(isinstance(part, int) for part in value):
            said.append(f"{word} {show(value)}")
    return said


def not_in_name(entry: LayerEntry) -> str:
    """Say of a layer what its name does not."""
    kind, *others = options(entry.first)
    named = [] if entry.name.startswith(kind) else [kind]
    return ", ".join(filter(None, [*named, *others, parameters(entry)]))


def sentence(entry: LayerEntry) -> str:
    """Say all of a layer."""
    said = [*shapes(entry), *options(entry.first), parameters(entry)]
    return f"{entry.first.name}: {', '.join(filter(None, said))}"


def shapes(entry: LayerEntry) -> list[str]:
    """Say which shape a layer gives; where repetitions differ, in the first and in the last."""
    first, last = show(entry.first.output), show(entry.last.output)
    return [first] if first == last else [first, f"to {last}"]


def parameters(entry: LayerEntry) -> str:
    """Count what a layer learns; where repetitions differ, in the first and in the last."""
    first, last = entry.first.parameter_count, entry.last.parameter_count
    if not first and not last:
        return ""
    return f"{first:,} to {last:,} parameters" if first != last else svg.count(first, "parameter")
