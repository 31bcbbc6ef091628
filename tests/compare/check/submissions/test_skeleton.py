"""What students fill in: of every kind, and understood by `cnnspec check` once it is filled in."""

import ast
import textwrap
from pathlib import Path

import pytest

from cnnspec.compare.check import KINDS, Checked, Grade, check_class
from cnnspec.compare.check.submissions.assignment import CHECKED
from cnnspec.compare.check.submissions.reading import parse_assignment
from cnnspec.compare.check.submissions.skeleton import asked_for, skeleton, usual
from cnnspec.spec.optimizers import OPTIMIZERS

ALL = skeleton(usual(KINDS), "layers.py")


def test_every_kind_has_a_class() -> None:
    classes = {node.name: node for node in ast.parse(ALL).body if isinstance(node, ast.ClassDef)}
    assert [*classes] == [CHECKED[kind].__name__ for kind in KINDS]
    for node in classes.values():
        methods = [part for part in node.body if isinstance(part, ast.FunctionDef)]
        names = [each.name for each in methods if each.name != "__init__"]
        assert names in (["forward", "backward"], ["update"])
        for part in (node, *methods):
            assert ast.get_docstring(part)


def test_lines_are_short_and_end_in_no_blanks() -> None:
    for line in ALL.splitlines():
        assert len(line) <= 100
        assert line == line.rstrip()


@pytest.mark.parametrize("kind", KINDS)
def test_constructors_take_options_and_make_what_they_say(kind: str) -> None:
    made: dict[str, type] = {}
    exec(ALL, made)
    form = CHECKED[kind].skeleton
    required = {option: 3 for option in form.options if option in ("kernel_size", "out_features")}
    required |= {option: 4 for option in form.options if option.startswith(("in_", "num_", "out_"))}
    layer = made[CHECKED[kind].__name__](**required)
    assert {*form.options, *form.arrays} == {*vars(layer)}
    for option in form.pairs:
        assert len(getattr(layer, option)) == 2
    for array, told in form.arrays.items():
        assert getattr(layer, array).ndim == len(told.shape.strip("(),").split(","))


def test_the_classes_are_those_of_an_assignment() -> None:
    text = 'layers: [conv: {class: ["*Conv*", Convolution]}, relu, linear: {class: Dense}]'
    assert asked_for(parse_assignment(text, file="a.yaml")) == {
        "Convolution": "conv",
        "ReLU": "relu",
        "Dense": "linear",
    }


FILLED = {
    "relu": ("self.mask = x > 0\nreturn x * self.mask", "return grad_output * self.mask"),
    "leaky_relu": (
        "self.slope = np.where(x > 0, 1, self.negative_slope)\nreturn x * self.slope",
        "return grad_output * self.slope",
    ),
    "flatten": (
        "self.shape = x.shape\nreturn x.reshape(len(x), -1)",
        "return grad_output.reshape(self.shape)",
    ),
    "global_pool": (
        "self.shape = x.shape\nreturn x.mean(axis=(2, 3), keepdims=True)",
        "return np.broadcast_to(grad_output, self.shape) / np.prod(self.shape[2:])",
    ),
    "linear": (
        "self.x = x\nout = x @ self.weight.T\nreturn out if self.bias is None else out + self.bias",
        "self.grad_weight = grad_output.T @ self.x\nself.grad_bias = grad_output.sum(axis=0)\n"
        "return grad_output @ self.weight",
    ),
    "conv": (
        """\
        (ph, pw), (sh, sw), (kh, kw) = self.padding, self.stride, self.kernel_size
        self.padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
        n, _, h, w = self.padded.shape
        out = np.zeros((n, self.out_channels, (h - kh) // sh + 1, (w - kw) // sw + 1))
        for i, j in np.ndindex(out.shape[2:]):
            patch = self.padded[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
            out[:, :, i, j] = np.tensordot(patch, self.weight, ([1, 2, 3], [1, 2, 3]))
        return out if self.bias is None else out + self.bias[:, None, None]
        """,
        """\
        (ph, pw), (sh, sw), (kh, kw) = self.padding, self.stride, self.kernel_size
        self.grad_weight = np.zeros(self.weight.shape)
        self.grad_bias = grad_output.sum(axis=(0, 2, 3))
        grad = np.zeros(self.padded.shape)
        for i, j in np.ndindex(grad_output.shape[2:]):
            window = np.s_[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
            part = grad_output[:, :, i, j]
            self.grad_weight += np.tensordot(part, self.padded[window], ([0], [0]))
            grad[window] += np.tensordot(part, self.weight, ([1], [0]))
        return grad[:, :, ph : grad.shape[2] - ph, pw : grad.shape[3] - pw]
        """,
    ),
    "pool": (
        """\
        self.x = x
        (sh, sw), (kh, kw) = self.stride, self.kernel_size
        n, c, h, w = x.shape
        out = np.zeros((n, c, (h - kh) // sh + 1, (w - kw) // sw + 1))
        for i, j in np.ndindex(out.shape[2:]):
            patch = x[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
            out[:, :, i, j] = patch.max(axis=(2, 3))
        return out
        """,
        """\
        (sh, sw), (kh, kw) = self.stride, self.kernel_size
        grad = np.zeros(self.x.shape)
        for n, c, i, j in np.ndindex(grad_output.shape):
            patch = self.x[n, c, i * sh : i * sh + kh, j * sw : j * sw + kw]
            row, column = divmod(patch.argmax(), kw)
            grad[n, c, i * sh + row, j * sw + column] += grad_output[n, c, i, j]
        return grad
        """,
    ),
    "batch_norm": (
        """\
        self.axes = (0, 2, 3) if x.ndim == 4 else (0,)
        shape = (1, -1, 1, 1) if x.ndim == 4 else (1, -1)
        self.shape = shape
        if training:
            mean, var = x.mean(axis=self.axes), x.var(axis=self.axes)
            count = x.size // len(mean)
            self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * mean
            unbiased = var * count / (count - 1)
            self.running_var = (1 - self.momentum) * self.running_var + self.momentum * unbiased
        else:
            mean, var = self.running_mean, self.running_var
        self.scale = 1 / np.sqrt(var.reshape(shape) + self.eps)
        self.normal = (x - mean.reshape(shape)) * self.scale
        return self.normal * self.weight.reshape(shape) + self.bias.reshape(shape)
        """,
        """\
        self.grad_weight = (grad_output * self.normal).sum(axis=self.axes)
        self.grad_bias = grad_output.sum(axis=self.axes)
        g = grad_output * self.weight.reshape(self.shape)
        mean = g.mean(axis=self.axes, keepdims=True)
        along = (g * self.normal).mean(axis=self.axes, keepdims=True)
        return (g - mean - self.normal * along) * self.scale
        """,
    ),
    "dropout": (
        """\
        self.mask = np.random.random(x.shape) >= self.p if training else np.ones(x.shape)
        self.mask = self.mask / (1 - self.p) if training else self.mask
        return x * self.mask
        """,
        "return grad_output * self.mask",
    ),
    "sgd": (
        """\
        for name in params:
            before = vars(self).setdefault("velocity", {}).get(name, 0)
            self.velocity[name] = self.momentum * before + grads[name]
            params[name] -= self.learning_rate * self.velocity[name]
        """,
    ),
    "adam": (
        """\
        if not hasattr(self, "t"):
            self.t, self.m, self.v = 0, dict.fromkeys(params, 0), dict.fromkeys(params, 0)
        self.t += 1
        beta1, beta2 = self.betas
        for name, grad in grads.items():
            self.m[name] = beta1 * self.m[name] + (1 - beta1) * grad
            self.v[name] = beta2 * self.v[name] + (1 - beta2) * grad**2
            m, v = self.m[name] / (1 - beta1**self.t), self.v[name] / (1 - beta2**self.t)
            params[name] -= self.learning_rate * m / (np.sqrt(v) + self.eps)
        """,
    ),
    "cross_entropy": (
        """\
        z = logits - logits.max(axis=1, keepdims=True)
        log = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
        self.probabilities, self.labels = np.exp(log), labels
        return -log[np.arange(len(labels)), labels].mean()
        """,
        """\
        grad = self.probabilities.copy()
        grad[np.arange(len(grad)), self.labels] -= 1
        return grad / len(grad)
        """,
    ),
}
"""The two passes of some kinds."""


def checked(kind: str, place: Path, *passes: str) -> Checked:
    """Check the skeleton of a kind, with its passes filled in, if they are given."""
    name = CHECKED[kind].__name__
    text = skeleton({name: kind}, "layers.py")
    methods = ("update",) if kind in OPTIMIZERS else ("forward pass", "backward pass")
    for what, code in zip(methods, passes):
        empty = f'        raise NotImplementedError("the {what} of {name} is not written yet")'
        assert empty in text
        text = text.replace(empty, textwrap.indent(textwrap.dedent(code).strip(), " " * 8))
    (place / "layers.py").write_text(text)
    return check_class(f"{place / 'layers.py'}:{name}", kind)


def test_what_is_filled_in_is_right(tmp_path: Path) -> None:
    assert checked("linear", tmp_path, *FILLED["linear"]).grade is Grade.RIGHT


@pytest.mark.slow
@pytest.mark.parametrize("kind", FILLED)
def test_every_kind_that_is_filled_in_is_right(kind: str, tmp_path: Path) -> None:
    found = checked(kind, tmp_path, *FILLED[kind])
    assert not found.wrong, [each for each in found.findings if each.wrong]
    assert found.grade is not None


def test_what_is_not_filled_in_says_so(tmp_path: Path) -> None:
    found = checked("relu", tmp_path)
    assert found.grade is Grade.WRONG
    assert found.passed == 0
    assert found.findings[0].message.startswith(
        "NotImplementedError: the forward pass of ReLU is not written yet (line "
    )
