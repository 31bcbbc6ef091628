"""A model written in Python, trained by NumPy alone: no YAML, no torch."""

from cnnspec import (
    Adam,
    Conv,
    Digits,
    Flatten,
    Linear,
    ModelSpec,
    Pool,
    ReLU,
    Training,
    build,
    dump_spec,
    load_data,
    resolve,
    train,
)

spec = ModelSpec(
    name="in-python",
    input=(1, 8, 8),
    layers=[
        Conv(out_channels=16, kernel_size=3, padding=1),
        ReLU(),
        Pool(kernel_size=2),
        Flatten(),
        Linear(out_features=10),
    ],
    data=Digits(),
    training=Training(epochs=10, optimizer=Adam(learning_rate=0.003)),
)
plan = resolve(spec)
print(dump_spec(spec))
print(f"{plan.parameter_count:,} parameters, {plan.macs:,} multiply-accumulates an image")

network = build(plan, spec.training, backend="numpy")
history = train(network, load_data(spec.data), spec.training)
print(f"test accuracy {100 * history[-1].test_accuracy:.1f} %")
