"""TorchNetwork: the Network protocol over an nn.Sequential."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim import Optimizer

from cnnspec.backends.network import (
    Labels,
    Step,
    check_batch,
    check_images,
    check_state,
    check_training_images,
)
from cnnspec.backends.torch.modules import build_module, build_optimizer
from cnnspec.plan import Plan
from cnnspec.spec.training import Training
from cnnspec.trace import Array, LayerTrace, LossTrace, State, Trace

_DTYPES = {"float32": torch.float32, "float64": torch.float64}


class TorchNetwork:
    """Standard torch modules, torch's loss and torch's optimizer."""

    def __init__(self, plan: Plan, training: Training, device: torch.device) -> None:
        self.plan = plan
        self.backend = "torch"
        self._device = device
        self._dtype = _DTYPES[training.precision]
        self.module = build_module(plan).to(device, self._dtype)
        self._optimizer = build_optimizer(training.optimizer, self.module.parameters())

    def state(self) -> State:
        return {name: _array(tensor) for name, tensor in self._own().items()}

    def load_state(self, state: Mapping[str, Array]) -> None:
        own = self._own()
        check_state(state, {name: tuple(own[name].shape) for name in own}, "weights")
        with torch.no_grad():
            for name, tensor in own.items():
                tensor.copy_(self._tensor(state[name]))

    def optimizer_state(self) -> State:
        return {name: _array(tensor) for name, tensor in self._slots()}

    def load_optimizer_state(self, state: Mapping[str, Array]) -> None:
        own = dict(self._slots())
        check_state(state, {name: tuple(own[name].shape) for name in own}, "optimizer slots")
        for name, tensor in own.items():
            tensor.copy_(self._tensor(state[name]))

    def predict(self, images: Array) -> Array:
        check_images(images, self.plan)
        self.module.eval()
        with torch.no_grad():
            return _array(self.module(self._tensor(images)))

    def train_step(self, images: Array, labels: Labels, learning_rate: float, step: int) -> Step:
        check_training_images(images, self.plan)
        self.module.train()
        logits = self.module(self._tensor(images))
        loss = cross_entropy(logits, self._labels(labels))
        if self._optimizer is not None:
            self._optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self._step(self._optimizer, learning_rate, step)
        return Step(loss.item(), _array(logits))

    def update(self, gradients: Mapping[str, Array], learning_rate: float, step: int) -> None:
        own = dict(self.module.named_parameters())
        check_state(gradients, {name: tuple(own[name].shape) for name in own}, "gradients")
        for name, parameter in own.items():
            parameter.grad = self._tensor(gradients[name])
        if self._optimizer is not None:
            self._step(self._optimizer, learning_rate, step)

    def trace(self, images: Array, labels: Labels) -> Trace:
        check_training_images(images, self.plan)
        self.module.train()
        values = [self._tensor(images).requires_grad_()]
        with _kept(self.module):
            for module in self.module:
                values.append(module(values[-1]))
            loss = cross_entropy(values[-1], self._labels(labels))
            parameters = dict(self.module.named_parameters())
            gradients = torch.autograd.grad(loss, [*values, *parameters.values()])
            buffers = {name: _array(tensor) for name, tensor in self.module.named_buffers()}
        by_name = dict(zip(parameters, gradients[len(values) :]))
        layers = {
            at.name: LayerTrace(
                _array(values[index + 1]),
                _array(gradients[index]),
                {name: _array(by_name[f"{at.name}.{name}"]) for name in at.parameters},
                {name: buffers[f"{at.name}.{name}"] for name in at.buffers},
            )
            for index, at in enumerate(self.plan.layers)
        }
        return Trace(layers, LossTrace(loss.item(), _array(gradients[len(values) - 1])))

    def replay(self, layer: str, x: Array, grad_output: Array) -> LayerTrace:
        at = self.plan.layer(layer)
        check_batch(len(x), at)
        self.module.train()
        module = self.module.get_submodule(layer)
        inner = self._tensor(x).requires_grad_()
        with _kept(module):
            output = module(inner)
            parameters = dict(module.named_parameters())
            grad_input, *gradients = torch.autograd.grad(
                output, [inner, *parameters.values()], self._tensor(grad_output)
            )
            buffers = {name: _array(module.get_buffer(name)) for name in at.buffers}
        grad_parameters = {name: _array(grad) for name, grad in zip(parameters, gradients)}
        return LayerTrace(_array(output), _array(grad_input), grad_parameters, buffers)

    def replay_loss(self, logits: Array, labels: Labels) -> LossTrace:
        inner = self._tensor(logits).requires_grad_()
        loss = cross_entropy(inner, self._labels(labels))
        (grad,) = torch.autograd.grad(loss, [inner])
        return LossTrace(loss.item(), _array(grad))

    @staticmethod
    def _step(optimizer: Optimizer, learning_rate: float, step: int) -> None:
        for group in optimizer.param_groups:
            group["lr"] = learning_rate
            for parameter in group["params"]:
                slots = optimizer.state[parameter]
                if "step" in slots:
                    slots["step"].fill_(step - 1)
        optimizer.step()

    def _own(self) -> dict[str, Tensor]:
        """Return parameters and buffers, without torch's count of batches: it has no effect."""
        state = self.module.state_dict()
        return {name: state[name] for name in self.plan.state}

    def _slots(self) -> Iterator[tuple[str, Tensor]]:
        if self._optimizer is None:
            return
        for name, parameter in self.module.named_parameters():
            for slot, tensor in self._optimizer.state[parameter].items():
                if slot != "step":
                    yield f"{name}.{slot}", tensor

    def _tensor(self, array: Array) -> Tensor:
        """Copy an array to the device and the precision of the network."""
        return torch.tensor(np.ascontiguousarray(array), dtype=self._dtype, device=self._device)

    def _labels(self, labels: Labels) -> Tensor:
        return torch.tensor(np.asarray(labels), dtype=torch.int64, device=self._device)


@contextmanager
def _kept(module: nn.Module) -> Iterator[None]:
    """Put a module's buffers back as they were before a pass that only looks.

    The gradients belong to that pass: torch refuses to take them once a buffer has changed.
    """
    before = [buffer.clone() for buffer in module.buffers()]
    try:
        yield
    finally:
        for buffer, was in zip(module.buffers(), before):
            buffer.copy_(was)


def _array(tensor: Tensor) -> Array:
    """Copy a tensor out."""
    array: Array = tensor.detach().cpu().numpy().copy()
    return array
