"""CODES: every kind of problem that a spec can have. The codes are stable: tools rely on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Code:
    """What a code stands for."""

    summary: str
    severity: Severity = "error"


CODES: dict[str, Code] = {
    # the file
    "unreadable": Code("The file cannot be opened."),
    "too-large": Code("The file is longer than 200,000 bytes, or holds more than 15,000 values."),
    "binary": Code("The file is not text."),
    "not-utf8": Code("The file is text in another encoding than UTF-8."),
    "byte-order-mark": Code("The file starts with a byte order mark.", "warning"),
    "empty": Code("The file holds nothing, or comments alone."),
    # its YAML
    "control-character": Code("A character that YAML does not allow."),
    "tab": Code("A tab where YAML wants spaces."),
    "syntax": Code("The text is not YAML."),
    "directive": Code("A YAML directive, such as `%YAML 1.1`."),
    "several-documents": Code("More than one YAML document."),
    "alias": Code("A YAML alias, `*name`."),
    "anchor": Code("A YAML anchor, `&name`."),
    "tag": Code("A YAML tag, `!name`."),
    "wrong-key": Code("A key that is not a word, or has more than 200 characters."),
    "duplicate-key": Code("A key that is written twice. YAML readers keep one of them unasked."),
    "too-deep": Code("More than 50 levels of nesting."),
    "number-too-long": Code("A number of more than 100 digits."),
    # what it says
    "not-a-mapping": Code("The file is not a mapping with `input` and `layers`."),
    "unknown-option": Code("An option that does not exist."),
    "missing-option": Code("An option that must be written is not."),
    "unknown-kind": Code("A kind of layer, data, optimizer or initialization that does not exist."),
    "no-kind": Code("A thing with a kind is neither a word nor a mapping with one key."),
    "wrong-type": Code("A value of another type than is wanted. Nothing is converted."),
    "wrong-length": Code("A list with too many or too few entries."),
    "out-of-range": Code("A number that is too large, too small or not finite."),
    "wrong-value": Code("A text that is none of those which are wanted."),
    "conflict": Code("Two options that exclude each other."),
    "override": Code("A `--set` that leads nowhere."),
    # whether the layers fit together
    "not-an-image": Code("A layer that takes images receives features."),
    "not-features": Code("A layer that takes features receives images."),
    "kernel-too-large": Code("A window is larger than its padded input."),
    "padding-too-large": Code("A pooling window could be all padding."),
    "groups": Code("Channels cannot be split into so many groups."),
    "input-width": Code(
        "A written `in_channels`, `in_features` or `num_features` is not what the layer receives."
    ),
    "same-stride": Code("`padding: same` with a stride."),
    "branches-differ": Code("Branches of a block give shapes that do not fit together."),
    "duplicate-name": Code("Two layers have the same name."),
    "no-logits": Code("The last layer gives images; to train, logits are wanted."),
    "softmax-before-loss": Code(
        "The last layer gives probabilities; the loss takes logits, and has the softmax in it."
    ),
    "too-many-layers": Code("More layers than `limits.layers`."),
    "too-many-parameters": Code("More parameters than `limits.parameters`."),
    "too-many-activations": Code("More activations in a batch than `limits.activations`."),
    # whether the sections fit together
    "input-mismatch": Code("`input` is not the shape of the data's images."),
    "too-few-logits": Code("Fewer logits than the data has classes."),
    "normalize-channels": Code("`normalize` has not one number for each channel."),
    "too-few-images": Code("More images are asked for than the data has."),
    "one-value": Code("A batch of one image has a single value for each channel to normalise."),
    "unreadable-data": Code("The file of the data cannot be read, or holds something else."),
    "too-much-data": Code("More numbers in the images of the data than `limits.images`."),
    # what is allowed, but seldom meant
    "missing-data": Code("There is no file where the data is said to be.", "warning"),
    "odd-pixels": Code("Images whose numbers are too large, or hardly differ.", "warning"),
    "channels-last": Code("Images that look as if their channels come last.", "warning"),
    "ends-in-images": Code("The last layer gives images, and there is no data.", "warning"),
    "ends-in-probabilities": Code(
        "The last layer gives probabilities, and there is no data.", "warning"
    ),
    "spare-logits": Code("More logits than the data has classes.", "warning"),
    "one-logit": Code("A single logit: the loss is always 0, and nothing trains.", "warning"),
    "rectified-logits": Code("The last layer makes 0 of every logit below 0.", "warning"),
    "dropped-logits": Code("The last layer drops logits in training.", "warning"),
    "no-parameters": Code("No layer has parameters: there is nothing to train.", "warning"),
    "zero-learning-rate": Code("A learning rate of 0: nothing trains.", "warning"),
    "one-batch": Code("`batch_size` is larger than the training set.", "warning"),
    # for `cnnspec fmt`
    "not-laid-out": Code("The file cannot be laid out anew, by a fault of cnnspec's own."),
    # how many there are
    "too-many-problems": Code("Problems beyond the first 100 are counted, not shown."),
}
"""Every code, in the order in which a spec is checked."""
