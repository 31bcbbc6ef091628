"""What to do about faults that any part may have, or several kinds, by their codes.

Those of one kind stand in its room. Every code has a line, which is true of each fault that the
code stands for.
"""

from __future__ import annotations

from cnnspec.compare.verdict import Cause

HELP: dict[str, str] = {
    "scale": "look for a factor too many, or one that is left out",
    "shape": "print the shape where the array is made, and where it is returned",
    "flipped-kernel": "leave the kernel as it is; only an input gradient that is computed as a "
    "correlation needs it flipped, along its height and its width",
    "overlaps-overwritten": "add with `+=`, not `=`, where windows share cells",
    "bias-missing": "add the bias to the output",
    "stride-ignored": "let the windows start at multiples of the stride",
    "padding-ignored": "pad the input; cut the padding off the input gradient, on all sides",
    "windows-left-out": "check where the loops over windows end, and where they return",
    "channels-left-out": "check where the loops over channels end, and where they return",
    "taps-left-out": "check where the loops over the kernel end",
    "windows-missing": "check the number of windows along each axis",
    "truncated": "make the array of floats: np.zeros(shape), or dtype=x.dtype",
    "clipped": "leave the numbers as they are; a clip of gradients is the optimizer's work",
    "rounded": "round nothing that is computed with; round what is printed",
    "low-precision": "keep every array in the precision of the network",
    "accumulated": "set the gradient to zero before each pass, or assign it",
    "penalty-in-gradient": "leave the weight decay to the optimizer",
    "all-zeros": "check that the result is computed, and returned",
    "missing": "compute the array, and return it under its name",
    "axis-reversed": "check slices such as [::-1], and loops that run backwards",
    "channels-reversed": "check slices such as [::-1], and loops that run backwards",
    "images-reversed": "check slices such as [::-1], and loops that run backwards",
    "turned": "check slices such as [::-1], and loops that run backwards",
    "channels-swapped": "check the order of the array's axes",
    "transposed": "check the order of the array's axes",
    "height-width-swapped": "let the height come before the width",
    "misread-layout": "change the order of axes with `transpose`; `reshape` does not",
    "shifted": "look for an index that is off by one",
    "rolled": "look for an index that is off by one, or a shift by `np.roll`",
    "whole-is-not-its-parts": "check which parts run, in which order, and which arrays they share",
    "images-left-out": "check where the loops over images end, and add up what they give",
    "changes-input": "work on a copy",
    "parameters-left-out": "check where the loop over the parameters ends",
    "overwritten-by-a-reader": "work in place only where nobody else reads the array",
    "gradient-of-one-reader": "add what each reader sends back: `+=`, not `=`",
    "updates-own-weights": "return the gradients, and leave the weights as they are",
    "not-repeatable": "keep nothing between calls but what the backward pass needs",
    "kept-size": "take the size from the input of each forward pass",
    "shared-state": "keep what belongs to a layer in `self`, and nothing of it in the class, in a "
    "global or in a default argument",
    "other-in-evaluation": "return in evaluation what training returns",
    "updates-in-evaluation": "update the running statistics in training alone",
    "first-call-only": "set what is kept between calls anew in each forward pass",
    "first-weights-used": "read the weights anew in each pass",
    "drawn-at-random": "draw numbers in the constructor alone, for the first weights",
    "objects-differ": "let what a pass gives depend on the weights and the input alone",
    "activation-built-in": "return what the layer gives before the activation, and the gradients "
    "of that; put the activation behind it, as a layer",
    "another-quantity": "check which array is returned under which name",
    "updated-weights-used": "compute the input gradient before anything is updated",
    "takes-probabilities": "check the softmax with it, FILE.py:Softmax+CrossEntropy, or it "
    "alone as a loss of probabilities: --like '{of: probabilities}'",
    "upstream-missing": "multiply by the upstream gradient: the chain rule",
}


def known_cause(code: str, sentence: str) -> Cause:
    """Return a cause that any part may have."""
    return Cause(code, sentence, HELP.get(code, ""))
