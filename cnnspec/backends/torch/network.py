"""TorchNetwork: the Network protocol over an nn.Sequential."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from types import MappingProxyType

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import Optimizer

from cnnspec.backends.border import (
    check_images,
    check_layer,
    check_loss,
    check_replay,
    check_state,
    check_step,
    check_training,
)
from cnnspec.backends.network import Batch, Labels, LayerTimes, StepResult
from cnnspec.backends.sharing import Making, Shared, by_turns
from cnnspec.backends.torch.device import device_of
from cnnspec.backends.torch.kinds import LOSSES
from cnnspec.backends.torch.masked import Masked
from cnnspec.backends.torch.modules import build_module, build_optimizer
from cnnspec.noise import Masks, Noise
from cnnspec.plan import INPUT, Plan
from cnnspec.spec.training import Training
from cnnspec.trace import Array, LayerTrace, LossTrace, State, Trace

COMPILATIONS = 1 << 20
"""That dynamo may make of one function, in how many networks it is: as good as any number."""

if hasattr(os, "register_at_fork"):  # there is no forking on Windows
    # A forked process has none of the threads of torch's OpenMP, and would wait for them.
    os.register_at_fork(after_in_child=partial(torch.set_num_threads, 1))

NOTHING: Mapping[str, Tensor] = MappingProxyType({})

_DTYPES = {"float32": torch.float32, "float64": torch.float64}


class TorchNetwork(Shared):
    """Standard torch modules, torch's loss and torch's optimizer.

    With `autocast`, torch computes in `bfloat16` or `float16` where it holds that to be good
    enough (never in a float64 network); with `compile`, by torch.compile: the whole network, and
    each layer that runs alone.
    """

    def __init__(
        self,
        plan: Plan,
        training: Training,
        device: torch.device,
        *,
        autocast: str | None = None,
        compile: bool = False,
    ) -> None:
        super().__init__()
        self._made_of = plan, training, str(device), autocast, compile
        self.plan = plan
        self.backend = "torch"
        self._device = device
        self._dtype = _DTYPES[training.precision]
        self._autocast = getattr(torch, autocast) if autocast else None
        with torch.device("cpu"):  # somebody's file may have set another default
            self.module, self._modules = build_module(plan)
        self.module.to(device, self._dtype)
        self._layers: dict[str, Callable[..., Tensor]] = dict(self._modules)
        self._run: Callable[[Tensor], Tensor] = self.module
        if compile:
            allow_compilations()
            self._run = torch.compile(self.module)
            # For each shape by itself: of images of several sizes, what torch 2.13 compiles for all
            # of them in one fails in the backward pass of a convolution.
            self._layers = {
                name: torch.compile(layer, dynamic=False) for name, layer in self._layers.items()
            }
        self._loss = LOSSES[training.loss.keyword]
        self._noise = Noise(plan, training.seed)
        with torch.device("cpu"):  # where torch keeps the number of a step
            self._optimizer = build_optimizer(training.optimizer, self.module.parameters())
        self._steps = 0
        """The number that the optimizer's slots have of the last step."""

    def _making(self) -> Making:
        return _with_state, (*self._made_of, self.state(), self.optimizer_state())

    @by_turns
    def state(self) -> State:
        return {name: _array(tensor) for name, tensor in self._own().items()}

    @by_turns
    def load_state(self, state: Mapping[str, Array]) -> None:
        own = self._own()
        check_state(state, {name: tuple(own[name].shape) for name in own}, "weights")
        with torch.no_grad():
            for name, tensor in own.items():
                tensor.copy_(self._tensor(state[name]))

    @by_turns
    def optimizer_state(self) -> State:
        return {name: _array(tensor) for name, tensor in self._slots()}

    @by_turns
    def load_optimizer_state(self, state: Mapping[str, Array]) -> None:
        own = dict(self._slots())
        check_state(state, {name: tuple(own[name].shape) for name in own}, "optimizer slots")
        for name, tensor in own.items():
            tensor.copy_(self._tensor(state[name]))

    @by_turns
    def predict(self, images: Array) -> Array:
        check_images(images, self.plan)
        self._train(False)
        with torch.no_grad(), self._precision():
            return _array(self._run(self._tensor(images)))

    @by_turns
    @torch.enable_grad()
    def train_step(self, batch: Batch, learning_rate: float, step: int) -> StepResult:
        check_training(batch, self.plan, step)
        self._train(True)
        with self._drawn(self._noise.masks(step, *batch.places())), self._precision():
            logits = self._run(self._tensor(batch.images))
            loss = self._loss(logits, self._labels(batch.targets))
        if self._optimizer is not None:
            self._optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self._step(self._optimizer, learning_rate, step)
        return StepResult(loss.item(), _array(logits))

    @by_turns
    def update(self, gradients: Mapping[str, Array], learning_rate: float, step: int) -> None:
        check_step(step)
        own = self._parameters()
        check_state(gradients, {name: tuple(own[name].shape) for name in own}, "gradients")
        for name, parameter in own.items():
            parameter.grad = self._tensor(gradients[name])
        if self._optimizer is not None:
            self._step(self._optimizer, learning_rate, step)

    @by_turns
    @torch.enable_grad()
    def trace(self, batch: Batch, *, step: int) -> Trace:
        check_training(batch, self.plan, step)
        self._train(True)
        values = {INPUT: self._tensor(batch.images).requires_grad_()}
        received: dict[str, list[Tensor]] = {}
        with _kept(self.module):
            with self._drawn(self._noise.masks(step, *batch.places())), self._precision():
                for at in self.plan.layers:
                    # A view of its own for each reader: what each sends back is to be seen.
                    given = [values[source].view_as(values[source]) for source in at.inputs]
                    received[at.name] = given
                    values[at.name] = self._layers[at.name](*given)
                logits = values[self.plan.layers[-1].name]
                loss = self._loss(logits, self._labels(batch.targets))
            wanted: dict[tuple[str, int | str | None], Tensor] = {
                **{(name, None): value for name, value in values.items()},
                **{(name, n): x for name, given in received.items() for n, x in enumerate(given)},
                **{
                    (name, parameter): tensor
                    for name, module in self._modules.items()
                    for parameter, tensor in module.named_parameters()
                },
            }
            gradients = torch.autograd.grad(loss, list(wanted.values()))
            buffers = {
                at.name: {
                    name: _array(self._modules[at.name].get_buffer(name)) for name in at.buffers
                }
                for at in self.plan.layers
            }
        grads = {place: _array(gradient) for place, gradient in zip(wanted, gradients)}
        arrays = {name: _array(value) for name, value in values.items()}
        layers = {
            at.name: LayerTrace(
                tuple(arrays[source] for source in at.inputs),
                arrays[at.name],
                grads[at.name, None],
                tuple(grads[at.name, n] for n in range(len(at.inputs))),
                {name: grads[at.name, name] for name in at.parameters},
                buffers[at.name],
            )
            for at in self.plan.layers
        }
        return Trace(layers, LossTrace(loss.item(), grads[self.plan.layers[-1].name, None]))

    @by_turns
    @torch.enable_grad()
    def replay(
        self,
        layer: str,
        inputs: Sequence[Array],
        grad_output: Array,
        *,
        state: Mapping[str, Array] | None = None,
        noise: NDArray[np.bool] | None = None,
    ) -> LayerTrace:
        at = check_layer(layer, self.plan)
        check_replay(inputs, grad_output, at, state, noise)
        self._train(True)
        module = self._modules[layer]
        given = [self._tensor(x).requires_grad_() for x in inputs]
        others = {name: self._tensor(array) for name, array in (state or {}).items()}
        masks = {} if noise is None else {layer: noise}
        with _kept(module, others):
            with self._drawn(masks), self._precision():
                output = self._layers[layer](*given)
            parameters = dict(module.named_parameters())
            upstream = self._tensor(grad_output).to(output.dtype)
            gradients = torch.autograd.grad(output, [*given, *parameters.values()], upstream)
            buffers = {name: _array(module.get_buffer(name)) for name in at.buffers}
        grads = list(map(_array, gradients))
        return LayerTrace(
            tuple(map(_array, given)),
            _array(output),
            _array(upstream),
            tuple(grads[: len(given)]),
            dict(zip(parameters, grads[len(given) :])),
            buffers,
        )

    @by_turns
    @torch.enable_grad()
    def layer_times(self, batch: Batch) -> dict[str, LayerTimes]:
        """Time each layer, cut off from the others; autograd has no times of its own."""
        check_training(batch, self.plan)
        self._train(True)
        values, passed, forward = {INPUT: self._tensor(batch.images)}, [], []
        with self._drawn(self._noise.masks(1, *batch.places())), self._precision():
            for at in self.plan.layers:
                given = [
                    values[source].detach().requires_grad_(values[source].requires_grad)
                    for source in at.inputs
                ]
                start = self._now()
                values[at.name] = self._layers[at.name](*given)
                forward.append(self._now() - start)
                passed.append(given)
            logits = values[self.plan.layers[-1].name].detach().requires_grad_()
            loss = self._loss(logits, self._labels(batch.targets))
        grads = dict(zip([self.plan.layers[-1].name], torch.autograd.grad(loss, [logits])))
        backward = []
        for at, given in zip(reversed(self.plan.layers), reversed(passed)):
            learnt = list(self._modules[at.name].parameters())
            sources = [(name, x) for name, x in zip(at.inputs, given) if x.requires_grad]
            output = values[at.name]
            start = self._now()
            if output.requires_grad:
                wanted = [*learnt, *(x for _, x in sources)]
                found = torch.autograd.grad(output, wanted, grads[at.name].to(output.dtype))
                for (name, _), grad in zip(sources, found[len(learnt) :]):
                    grads[name] = grads[name] + grad if name in grads else grad
            backward.append(self._now() - start)
        times = zip(self._layers, forward, reversed(backward))
        return {name: LayerTimes(ahead, back) for name, ahead, back in times}

    def _now(self) -> float:
        if self._device.type != "cpu":  # which only queues what it is told
            torch.accelerator.synchronize()
        return time.perf_counter()

    @by_turns
    @torch.enable_grad()
    def replay_loss(self, logits: Array, labels: Labels) -> LossTrace:
        check_loss(logits, labels)
        inner = self._tensor(logits).requires_grad_()
        with self._precision():
            loss = self._loss(inner, self._labels(labels))
        (grad,) = torch.autograd.grad(loss, [inner])
        return LossTrace(loss.item(), _array(grad))

    @contextmanager
    def threads(self, count: int) -> Iterator[None]:
        """Let torch compute with so many threads, while the context lasts."""
        before = torch.get_num_threads()
        torch.set_num_threads(count)
        try:
            yield
        finally:
            torch.set_num_threads(before)

    def _train(self, mode: bool) -> None:
        if self.module.training != mode:  # it goes through all modules
            self.module.train(mode)

    @contextmanager
    def _drawn(self, masks: Masks) -> Iterator[None]:
        """Give the modules that draw what is drawn for them, while the context lasts."""
        drawing = {name: self._modules[name] for name in masks}
        for name, module in drawing.items():
            assert isinstance(module, Masked), name  # as its layer states that it draws
            module.mask = torch.from_numpy(masks[name]).to(self._device)
        try:
            yield
        finally:
            for module in drawing.values():
                del module.mask

    def _precision(self) -> AbstractContextManager[object]:
        if self._autocast is None:
            return nullcontext()
        return torch.autocast(self._device.type, dtype=self._autocast)

    def _step(self, optimizer: Optimizer, learning_rate: float, step: int) -> None:
        for group in optimizer.param_groups:
            group["lr"] = learning_rate
            for parameter in group["params"]:
                slots = optimizer.state[parameter]
                if step != self._steps + 1 and "step" in slots:
                    slots["step"].fill_(step - 1)
        optimizer.step()
        self._steps = step

    def _own(self) -> dict[str, Tensor]:
        """Return parameters and buffers, without torch's count of batches: it has no effect."""
        return {
            f"{at.name}.{name}": tensor
            for at in self.plan.layers
            for name, tensor in self._modules[at.name].state_dict().items()
            if name in at.state
        }

    def _parameters(self) -> dict[str, Tensor]:
        return {
            f"{layer}.{name}": parameter
            for layer, module in self._modules.items()
            for name, parameter in module.named_parameters()
        }

    def _slots(self) -> Iterator[tuple[str, Tensor]]:
        if self._optimizer is None:
            return
        for name, parameter in self._parameters().items():
            for slot, tensor in self._optimizer.state[parameter].items():
                if slot != "step":
                    yield f"{name}.{slot}", tensor

    def _tensor(self, array: Array) -> Tensor:
        """Copy an array to the device and the precision of the network.

        NumPy converts it, as torch lacks some of its types, and torch lays it out: it takes other
        kernels, which round otherwise, where memory begins elsewhere than its own does, or where
        the strides of a view of one channel may be read as channels last.
        """
        tensor = torch.empty(array.shape, dtype=self._dtype, device="cpu")
        with np.errstate(over="ignore"):  # a number that is too large becomes infinite
            tensor.numpy()[...] = array
        return tensor.to(self._device)

    def _labels(self, labels: Labels) -> Tensor:
        return torch.from_numpy(labels.astype(np.int64)).to(self._device)


def _with_state(
    plan: Plan,
    training: Training,
    device: str,
    autocast: str | None,
    compile: bool,
    state: State,
    slots: State,
) -> TorchNetwork:
    """Build a network, with torch's modules and its optimizer as another has them."""
    chosen = device_of(device, training)
    made = TorchNetwork(plan, training, chosen, autocast=autocast, compile=compile)
    made.load_state(state)
    made.load_optimizer_state(slots)
    return made


@contextmanager
def _kept(module: nn.Module, others: Mapping[str, Tensor] = NOTHING) -> Iterator[None]:
    """Put a module's buffers back as they were after a pass that only looks.

    With `others`, its parameters and buffers are these meanwhile. The gradients belong to that
    pass: torch refuses to take them once an array has changed.
    """
    own = dict(module.named_buffers())
    if others:
        own |= dict(module.named_parameters())
    before = {name: tensor.detach().clone() for name, tensor in own.items()}
    with torch.no_grad():
        for name, tensor in others.items():
            own[name].copy_(tensor)
    try:
        yield
    finally:
        with torch.no_grad():
            for name, tensor in own.items():
                tensor.copy_(before[name])


def allow_compilations() -> None:
    """Let dynamo compile every layer of every network for every shape.

    It counts the layers of a kind as one function. Beyond its limit it would go on without
    compiling, which would not be what was asked for.
    """
    config = torch._dynamo.config
    config.recompile_limit = config.accumulated_recompile_limit = COMPILATIONS
    config.fail_on_recompile_limit_hit = True


def _array(tensor: Tensor) -> Array:
    """Copy a tensor out; of the formats that NumPy lacks, as float32, which holds them all."""
    known = tensor.detach() if tensor.dtype in _DTYPES.values() else tensor.detach().float()
    array: Array = known.cpu().numpy().copy()
    return array
