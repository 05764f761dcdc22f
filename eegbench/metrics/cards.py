"""The card of a metric as Markdown, and what the cards of several metrics say alike.

Each card stands beside its metric's formula; `docs/metrics.md` is written from them by `scripts/write_docs.py`.
"""

from eegbench.contracts import Metric

EXACT = {"features": "1e-6 relative", "value": "1e-6 relative"}
BRAIN_DIFFUSER = "Ozcelik and VanRullen 2023 (Brain-Diffuser); Scotti et al. 2023 (MindEye)"
FIDELITY_IMAGE = (
    "uint8, bilinear to 299 px as TensorFlow 1 does it (no antialias), (x - 128) / 128, Inception 2015-12-05"
)
LOGITS, POOLED = f"{FIDELITY_IMAGE}, softmax of the unbiased logits", f"{FIDELITY_IMAGE}, 2048 pooled values"
FIDELITY_WEIGHTS = ("weights-inception-2015-12-05-6726825d.pth",)


def render(metric: Metric) -> str:
    """The card of a metric as Markdown; without one the facts alone."""
    card = metric.card
    low, high = metric.bounds
    chance = "the mean over all pairs of different pictures" if metric.chance == "permuted" else metric.chance
    facts: dict[str, object] = {
        "Better": "up" if metric.higher_is_better else "down",
        "Chance": "none" if chance is None else chance,
        "Bounds": f"{low:g} to {high:g}",
        "Value": "one for each item, and their mean" if metric.per_item else "one for the whole set",
        "Needs": f"`{metric.needs}`",
        **({"Computed": "where it is asked for, as with `evaluate --also`"} if metric.on_request else {}),
        "Version": metric.version,
    }
    lines = [f"## {metric.id}" + (f": {card.title}" if card else ""), ""]
    if card:
        facts = {"Formula": card.formula, "Source": card.source, **facts}
        facts["Reference suite"] = card.reference
        if card.weights:
            facts["Weights"] = ", ".join(f"`{file}`" for file in card.weights)
        for stage, allowed in card.tolerance.items():
            facts[f"Tolerance, {stage}"] = allowed
    lines += [f"- {name}: {value}" for name, value in facts.items()]
    if card and card.traps:
        lines += ["", "Beware:", "", *(f"- {trap}" for trap in card.traps)]
    return "\n".join(lines) + "\n"
