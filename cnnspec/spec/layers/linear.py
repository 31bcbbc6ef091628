"""The fully connected layer."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import PositiveInt

from cnnspec.spec.kind_words import Words
from cnnspec.spec.layers.layer import Family, Layer
from cnnspec.spec.sizes import PartialShape, Shape
from cnnspec.spec.skeleton import Made, Skeleton
from cnnspec.spec.starts import Drawn, Start


class Linear(Layer):
    """y = W x + b: (in_features,) -> (out_features,), as in torch.nn.Linear."""

    keyword: ClassVar[str] = "linear"
    skeleton: ClassVar[Skeleton] = Skeleton(
        options=("in_features", "out_features", "bias"),
        x="(n, in_features)",
        output="(n, out_features)",
        arrays={
            "weight": Made(
                "(out_features, in_features)",
                "0.1 * rng.normal(size=(out_features, in_features))",
            ),
            "bias": Made("(out_features,)", "np.zeros(out_features)"),
        },
    )
    family: ClassVar[Family] = "fully connected"
    takes: ClassVar[Literal["features"]] = "features"
    width: ClassVar[str] = "out_features"
    input_width: ClassVar[str] = "in_features"
    words: ClassVar[Words] = Words(
        synonyms="dense fc fully_connected fullyconnected inner_product innerproduct",
        options={"out_features": "units", "bias": "use_bias"},
        guesses={
            "out_features": "features num_output out_channels",
            "in_features": "in_channels num_features",
        },
        parameters={
            "out_features": "output_size output_dim n_out n_outputs num_outputs out_dim out_size "
            "outputs output_features fan_out n_output d_out n_units num_units n_neurons "
            "output_units nout num_output output_neurons nodes neurons num_neurons output_len "
            "output out",
            "in_features": "input_size input_dim n_in n_inputs num_inputs in_dim in_size inputs "
            "input_features fan_in n_input d_in input_units nin num_input input_neurons input_len "
            "input_length input in_",
            "bias": "with_bias",
        },
        calls={"Linear": "in_features out_features bias", "Dense": "out_features"},
    )

    out_features: PositiveInt
    """Number of outputs."""
    bias: bool = True
    """Add a learnt number to each output."""
    in_features: PositiveInt | None = None
    """Asserted where written; inferred otherwise."""

    def outline(self, input: PartialShape | None) -> PartialShape | None:
        return (self.out_features,)

    def parameters(self, input: Shape) -> dict[str, Shape]:
        weight = (self.out_features, input[0])
        return {"weight": weight} | ({"bias": (self.out_features,)} if self.bias else {})

    def starts(self, input: Shape) -> dict[str, Start | Drawn]:
        fan_in = input[0]
        return {"weight": Drawn(fan_in), "bias": Drawn(fan_in, is_bias=True)}

    def macs(self, input: Shape, output: Shape) -> int:
        return input[0] * self.out_features

    @classmethod
    def projection(cls, input: Shape, output: Shape) -> Self | None:
        return cls(out_features=output[0]) if len(input) == len(output) == 1 else None

    def reductions(self, input: Shape, output: Shape, batch: int) -> dict[str, int]:
        return {
            "output": input[0] + 1,
            "grad_input": self.out_features,
            "weight": batch,
            "bias": batch,
        }
