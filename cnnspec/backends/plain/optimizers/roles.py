"""What the parameters of an optimizer's constructor, method or function are, by their names."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cnnspec.backends.plain.alike import alike
from cnnspec.backends.plain.errors import HintError
from cnnspec.backends.plain.methods import parameters_of
from cnnspec.backends.plain.names import LEARNING_RATES
from cnnspec.spec.optimizers import Optimizer

PARAMETERS, GRADIENTS, PAIRS = "parameters", "gradients", "pairs"
LAYER, LAYERS, MODEL = "layer", "layers", "model"
BIAS, GRAD_BIAS = "bias", "bias gradient"
STATE, CONFIG, STEP, KEY = "state", "config", "step", "key"

CONTAINERS = (PARAMETERS, BIAS, GRADIENTS, GRAD_BIAS, PAIRS, LAYER, LAYERS, MODEL)
"""Roles of what has weights in it, or gradients."""

WORDS: Mapping[str, tuple[str, ...]] = {
    PAIRS: ("grads_and_vars", "params_and_grads", "params_grads", "grads_and_params"),
    PARAMETERS: (
        *("params", "parameters", "param", "parameter", "weights", "weight", "w", "theta"),
        *("variables", "vars", "trainable_params", "model_params", "x", "p"),
    ),
    GRADIENTS: (
        *("grads", "gradients", "grad", "gradient", "g", "dw", "dx", "d_params", "grad_w"),
        *("grad_wrt_w", "dtheta", "d_weights", "gradient_w", "grad_x", "derivatives"),
    ),
    BIAS: ("b", "bias", "biases"),
    GRAD_BIAS: ("db", "d_b", "grad_b", "dbias", "d_bias", "grad_bias", "b_grad"),
    LAYERS: ("layers", "trainable_layers"),
    LAYER: ("layer",),
    MODEL: ("model", "net", "network", "nn"),
    CONFIG: ("config", "cfg", "hyperparams", "hyperparameters", "options"),
    STEP: ("t", "step", "iteration", "iter", "timestep", "time_step", "epoch", "it", "n_iter"),
    KEY: ("key", "name", "layer_name", "param_name", "id"),
    STATE: (
        *("v", "velocity", "vel", "m", "s", "r", "cache", "state", "momentum_buffer", "buf"),
        *("buffer", "moment", "moments", "first_moment", "second_moment", "optim_state"),
        *("m_t", "v_t", "opt_state", "optimizer_state", "velocities", "states"),
    ),
}

OPTION_WORDS: Mapping[str, tuple[str, ...]] = {
    "learning_rate": LEARNING_RATES,
    "weight_decay": ("weight_decay", "wd", "l2", "reg", "lambda_", "lmbda", "l2_reg", "l2_lambda"),
}

INDIFFERENT = ("name", "verbose", "seed", "dtype", "device", "debug")
"""Parameters that make no other optimizer."""

SPLIT = "{}[{}]"
"""An option that is a pair, and which one of it."""


@dataclass(frozen=True)
class Roles:
    """What is handed to a callable, by its own names."""

    of: Mapping[str, str]
    """Roles of parameters that are handed something in every call."""
    options: Mapping[str, str]
    """Options of the optimizer, by parameter."""
    state: tuple[str, ...]
    """Parameters that are handed what the call before returned, in their order."""
    first_state: tuple[str, ...]
    """Those among them that want something before the first call."""
    unknown: tuple[str, ...]
    """Parameters that keep their default, and may be an option nobody here knows."""
    arguments: Mapping[str, Any]
    """What the user said that parameters are given."""

    @property
    def containers(self) -> frozenset[str]:
        """Return the roles of what has weights or gradients in it."""
        return frozenset(self.of.values()) & frozenset(CONTAINERS)


def words_of(option: str, kind: type[Optimizer]) -> tuple[str, ...]:
    """Return what people call an option."""
    tables = (kind.words.parameters, kind.words.options, kind.words.guesses)
    own = [word for table in tables for word in table.get(option, "").split()]
    return option, *OPTION_WORDS.get(option, ()), *own


def roles_of(
    run: Callable[..., Any],
    kind: type[Optimizer],
    names: Mapping[str, str],
    arguments: Mapping[str, Any],
    *,
    makes: bool = False,
) -> Roles:
    """Read a signature; of a constructor, which `makes` the optimizer, nothing is guessed.

    Raises:
        HintError: it wants something of which nobody knows what it is.
    """
    parameters = parameters_of(run)
    given = {word: arguments[word] for word in parameters if word in arguments}
    left = {word: each for word, each in parameters.items() if word not in given}
    options: dict[str, str] = {}
    for option in own_options(kind):
        options |= _option(option, kind, left, names)
    found: dict[str, str] = {}
    state, unknown = list[str](), list[str]()
    for word in [word for word in left if word not in options]:
        required = left[word].default is inspect.Parameter.empty
        role = _role(word, makes=makes)
        if role in (STATE, CONFIG):
            state.append(word)
        elif role and (required or role != KEY):
            found[word] = role
        elif not required:
            unknown.append(word)
        else:
            guesses = () if makes else (PARAMETERS, GRADIENTS)
            found[word] = next((role for role in guesses if role not in found.values()), "")
            if not found[word]:
                raise HintError(
                    f"it wants `{word}`: give it a value, --arg {word}=VALUE; or say which option "
                    f"it is, as in --map momentum={word}"
                )
    first = (word for word in state if left[word].default is inspect.Parameter.empty)
    silent = (word for word in unknown if not alike(INDIFFERENT, [word]))
    return Roles(found, options, tuple(state), tuple(first), tuple(silent), given)


def _role(word: str, *, makes: bool) -> str:
    """Return what a parameter is by its name; a constructor is handed no step and no state."""
    roles = CONTAINERS if makes else WORDS
    return next(
        (role for role, words in WORDS.items() if role in roles and alike(words, [word])), ""
    )


def nameable(kind: type[Optimizer]) -> list[str]:
    """Return what a user may say another name for: the options, and the method `step`."""
    return [*own_options(kind), "step"]


def own_options(kind: type[Optimizer]) -> list[str]:
    """Return the options of a kind of optimizer."""
    return [*kind.model_fields]


def _option(
    option: str,
    kind: type[Optimizer],
    parameters: Mapping[str, inspect.Parameter],
    names: Mapping[str, str],
) -> dict[str, str]:
    """Return the parameters that an option is, one, or two for a pair."""
    if option in names:
        return {names[option]: option} if names[option] in parameters else {}
    for pair in kind.words.sides.get(option, "").split():
        words = [alike([each], parameters) for each in pair.split(",")]
        if all(words):
            return {str(word): SPLIT.format(option, at) for at, word in enumerate(words)}
    word = alike(words_of(option, kind), parameters)
    return {word: option} if word else {}


def value_of(options: Optimizer, option: str) -> Any:
    """Return the value of an option, or of one of a pair."""
    name, bracket, at = option.partition("[")
    value = getattr(options, name)
    return value[int(at[0])] if bracket else value


def names_in_config(kind: type[Optimizer]) -> dict[str, str]:
    """Return the names that people have for options in a dictionary, and which each is."""
    found: dict[str, str] = {}
    for option in own_options(kind):
        found |= dict.fromkeys(words_of(option, kind), option)
        for pair in kind.words.sides.get(option, "").split():
            found |= {word: SPLIT.format(option, at) for at, word in enumerate(pair.split(","))}
    return found


def option_of(role: str) -> str:
    """Return the option of which something is a part, or all."""
    return role.partition("[")[0]
