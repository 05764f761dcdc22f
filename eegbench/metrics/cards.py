"""One card a metric: what the number is, where it comes from, how images reach it, what to beware of.

The direction, chance and bounds stand in the metric itself; a card adds words. `docs/metrics.md` is written from
here by `scripts/write_docs.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from eegbench.contracts import Metric


@dataclass(frozen=True)
class Card:
    """Texts about one metric. `reference`: from a protocol's base image to what the formula sees. `tolerance`: by
    stage, how far our numbers may lie from those of the published scripts."""

    title: str
    formula: str
    source: str
    reference: str
    weights: tuple[str, ...] = ()
    traps: tuple[str, ...] = ()
    tolerance: Mapping[str, str] = field(default_factory=dict)


EXACT = {"features": "1e-6 relative", "value": "1e-6 relative"}
COMPARISONS = {"features": "1e-6 relative", "value": "one comparison"}
DISTANCES = {
    "features": "1e-6 relative",
    "value": "1e-4 relative: published code takes 1 - r in float32 where r is nearly 1",
}
TWO_WAY = "mean over reconstructions j of #{i != j : r(truth i, rec j) < r(truth j, rec j)} / (n - 1), Pearson's r"
BRAIN_DIFFUSER = "Ozcelik and VanRullen 2023 (Brain-Diffuser); Scotti et al. 2023 (MindEye)"
TWO_WAY_TRAPS = (
    "A tie or an undefined r is a failure, as in the published code.",
    "The value depends on the distractors: 200 concepts and 982 scenes give different numbers for one model.",
    "Where one picture stands behind several items, the other copies are left out as distractors; published code "
    "counts each of them as a failure.",
    "Mispaired images give about .5 on every judge at once.",
)
NWAY_TRAPS = (
    "The class is the judge's argmax on the true image, not the image's label.",
    "Published code draws the 49 other classes some 50 to 1000 times; this is the value those draws estimate.",
    "A `max` over samples, which some papers print beside it, is not this number.",
    "Chance is 1/50 only where all classes are equally frequent: where a few are popular among truths and "
    "reconstructions alike it is far above, so it is estimated.",
)
FIDELITY_IMAGE = (
    "uint8, bilinear to 299 px as TensorFlow 1 does it (no antialias), (x - 128) / 128, Inception 2015-12-05"
)
LOGITS, POOLED = f"{FIDELITY_IMAGE}, softmax of the unbiased logits", f"{FIDELITY_IMAGE}, 2048 pooled values"
FIDELITY_WEIGHTS = ("weights-inception-2015-12-05-6726825d.pth",)
EML = (
    "uint8, PIL bilinear to 480 x 640, [0, 1]; EML-Net's two streams; gaussian of 5 px, stretched to 0..255, "
    "cut off to uint8"
)
EML_WEIGHTS = ("res_imagenet.pth", "res_places.pth", "res_decoder.pth")
CIRCULAR = "On the track oracle the map that guides the method and the map that scores it come from one network."
OLD_SKIMAGE = (
    "scikit-image below 0.20 with `multichannel=True` computed `ssim_columns`: .615 where 2-D SSIM is .439. Papers "
    "print both under the name SSIM."
)
PIXEL_TRAPS = (
    "Chance is not 0: it is the mean over all pairs that show different pictures, seen at fewer places.",
    "Torchvision resized tensors without antialias up to 0.16; uint8 tensors are rounded after each resize.",
)
FEW = "With n images below the 2048 features the covariance is singular; the bias grows as 1/n: compare equal n only."

CARDS: dict[str, Card] = {
    "pixcorr": Card(
        "Pixel correlation", "mean over pairs of Pearson's r over all RGB values", BRAIN_DIFFUSER,
        "bilinear to 425 px, antialiased, float in [0, 1]",
        traps=("One r a pair, then the mean: one r over all pixels of all pairs is another number.", *PIXEL_TRAPS),
        tolerance=EXACT,
    ),
    "ssim": Card(
        "Structural similarity",
        "mean over pairs of 2-D SSIM on grey: gaussian window of sigma 1.5, population covariance, data range 1",
        f"Wang et al. 2004; {BRAIN_DIFFUSER}",
        "bilinear to 425 px, antialiased, float; scikit-image's luminance weights",
        traps=(OLD_SKIMAGE, "Grey values of 0..255 with a data range of 1 make the constants vanish.", *PIXEL_TRAPS),
        tolerance=EXACT,
    ),
    "ssim_columns": Card(
        "Structural similarity of columns", "mean over pairs of the mean of the 1-D SSIMs of image columns",
        "what scikit-image below 0.20 computed for the field's call", "as ssim",
        traps=("A historical number: unrelated photographs reach about .6.", OLD_SKIMAGE), tolerance=EXACT,
    ),
    "alexnet2": Card(
        "Two-way identification, AlexNet(2)", TWO_WAY, BRAIN_DIFFUSER,
        "bilinear to 256 px, ImageNet's mean and std, no crop; features.4 of AlexNet, after ReLU",
        ("alexnet-owt-7be5be79.pth",),
        ("Some re-implementations count pooling layers and take features.2.", *TWO_WAY_TRAPS), COMPARISONS,
    ),
    "alexnet5": Card(
        "Two-way identification, AlexNet(5)", TWO_WAY, BRAIN_DIFFUSER,
        "bilinear to 256 px, ImageNet's mean and std, no crop; features.11 of AlexNet, after ReLU",
        ("alexnet-owt-7be5be79.pth",),
        ("Some re-implementations count pooling layers and take features.5.", *TWO_WAY_TRAPS), COMPARISONS,
    ),
    "inception": Card(
        "Two-way identification, Inception-v3", TWO_WAY, BRAIN_DIFFUSER,
        "bilinear to 342 px, ImageNet's mean and std, no crop; the pooled 2048 values of Inception-v3",
        ("inception_v3_google-0cc3c7bd.pth",),
        ("With its published weights torchvision re-maps the normalisation; a bare network does not.", *TWO_WAY_TRAPS),
        COMPARISONS,
    ),
    "clip": Card(
        "Two-way identification, CLIP", TWO_WAY, BRAIN_DIFFUSER,
        "bilinear to 224 px, OpenAI's mean and std, no crop; image embedding of ViT-L/14 in float32, un-normalised",
        ("timm/vit_large_patch14_clip_224.openai",),
        (
            "OpenAI's weights need QuickGELU: plain GELU moves coordinates by up to 1.3.",
            "MindEye ran it in half precision on a GPU.",
            "Methods guided by a CLIP are favoured by it.",
            "Not the `CLIP score` (mean cosine) that some papers print.",
            *TWO_WAY_TRAPS,
        ),
        COMPARISONS,
    ),
    "swav": Card(
        "SwAV distance", "mean over pairs of 1 - Pearson's r of the features", BRAIN_DIFFUSER,
        "bilinear to 224 px, ImageNet's mean and std, no crop; the pooled 2048 values of SwAV's ResNet-50",
        ("swav_800ep_pretrain.pth.tar",), ("Down is better.",), DISTANCES,
    ),
    "effnet": Card(
        "EfficientNet distance", "mean over pairs of 1 - Pearson's r of the features", BRAIN_DIFFUSER,
        "bilinear to 255 px, ImageNet's mean and std, no crop; the pooled 1280 values of EfficientNet-B1, V2 weights",
        ("efficientnet_b1-c27df63c.pth",),
        ("Brain-Diffuser has the V1 weights, MindEye and its followers V2: other distances.", "Down is better."),
        DISTANCES,
    ),
    "nway50_top1": Card(
        "50-way top-1", "mean over pairs of C(r, 49) / C(K - 1, 49); r classes lie strictly below the truth's class",
        "Chen et al. 2023 (MinD-Vis), in closed form",
        "uint8, the weights' own transform (518 px, bicubic, PIL); softmax of ViT-H/14, SWAG end to end",
        ("vit_h_14_swag-80465313.pth",), NWAY_TRAPS,
        {"features": "1e-6 relative", "value": "three standard errors of the sampled value"},
    ),
    "nway50_top1_vit_b_16": Card(
        "50-way top-1 by ViT-B/16", "as nway50_top1", "this benchmark, for machines without a GPU",
        "uint8, the weights' own transform (256, crop 224, PIL); softmax of ViT-B/16, IMAGENET1K_V1",
        ("vit_b_16-c867db91.pth",), ("Not comparable with published 50-way accuracies: another judge.", *NWAY_TRAPS),
        {"features": "1e-6 relative", "value": "three standard errors of the sampled value"},
    ),
    "is": Card(
        "Inception score", "exp of the mean KL(p(class | image) || mean p), the whole sample as one split",
        "Salimans et al. 2016", LOGITS,
        FIDELITY_WEIGHTS,
        ("The truths are not looked at: class-pure invention is rewarded.", "Cannot exceed the number of images."),
        EXACT,
    ),
    "is_10split": Card(
        "Inception score, ten splits", "mean of the scores of 10 contiguous splits of the shuffled sample (seed 2020)",
        "Salimans et al. 2016; Obukhov et al. 2020 (torch-fidelity)", LOGITS,
        FIDELITY_WEIGHTS,
        ("With 200 images it cannot exceed 20.", "The printed std is over splits: no error of the estimate."), EXACT,
    ),
    "kid": Card(
        "Kernel inception distance",
        "mean over i != j of k(x_i, x_j) + k(y_i, y_j) - 2 k(x_i, y_j), k(x, y) = (x.y / d + 1)^3",
        "Gretton et al. 2012, without pairs that belong together; kernel of Binkowski et al. 2018", POOLED,
        FIDELITY_WEIGHTS,
        (
            "May be below 0; its mean is 0 where both sets have one distribution.",
            "Version 1 is `kid_published`: its own pairs move it below 0 where reconstructions resemble their truths.",
        ),
        EXACT,
    ),
    "kid_published": Card(
        "Kernel inception distance, as published",
        "squared MMD of both full sets, unbiased were they independent, kernel (x.y / d + 1)^3",
        "Binkowski et al. 2018", POOLED, FIDELITY_WEIGHTS,
        (
            "For comparison with papers. Reconstructions are no independent set: it is biased by -2/n times what the "
            "kernel gives own pairs more than others.",
            "May be below 0.",
            "torch-fidelity averages 100 subsets of 1000 and refuses fewer images.",
        ),
        EXACT,
    ),
    "fid": Card(
        "Frechet inception distance", "|difference of means|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2))", "Heusel et al. 2017",
        POOLED, FIDELITY_WEIGHTS,
        (FEW, "JPEG storage and the resize filter move it.", "MinD-Vis printed FID on 64 features."), EXACT,
    ),
    "cc": Card(
        "Saliency correlation", "mean over pairs of Pearson's r of the two saliency maps", "pysaliency, CC", EML,
        EML_WEIGHTS, (CIRCULAR, "EML-Net's map is a density-like map, no probability."), EXACT,
    ),
    "sim": Card(
        "Saliency similarity", "mean over pairs of the sum of the lesser of two maps that each sum to 1",
        "pysaliency, SIM", EML, EML_WEIGHTS, (CIRCULAR,), EXACT,
    ),
    "kl": Card(
        "Saliency divergence", "mean over pairs of KL(truth || reconstruction) in nats, epsilon 2.2e-16",
        "pysaliency, MIT_KLDiv(reconstruction, truth)", EML, EML_WEIGHTS,
        (CIRCULAR, "The direction, the epsilon and zeros of uint8 maps each move it by large factors."), EXACT,
    ),
    "kl_reversed": Card(
        "Saliency divergence, reversed", "mean over pairs of KL(reconstruction || truth) in nats, 1e-20 added",
        "Abramov and Makarov's call of pysaliency's image_based_kl_divergence", EML, EML_WEIGHTS,
        (CIRCULAR, "A zero of the truth's map costs about 46 nats times the reconstruction's share there."), EXACT,
    ),
    "retrieval_top1": Card(
        "Retrieval top-1", "share of trials whose own image is nearest by cosine to the decoded embedding",
        "Song et al. 2024 (NICE); Li et al. 2024 (ATM)", "the method's own target embedding of the shown image",
        traps=(
            "Among all test images, the shown one included: NICE retrieves a concept's mean of other images.",
            "Where one picture stands behind several items it counts once, and chance is 1 / pictures. "
            "Version 1 took each copy for a rival; where no picture repeats, both versions are equal.",
            "Published tables average ten subjects.",
        ),
    ),
    "retrieval_top5": Card(
        "Retrieval top-5", "share of trials whose own image is among the 5 nearest by cosine",
        "Song et al. 2024 (NICE); Li et al. 2024 (ATM)", "as retrieval_top1", traps=("As retrieval_top1.",),
    ),
}  # fmt: skip


def render(metric: Metric) -> str:
    """The card of a metric as Markdown; of a plug-in's metric, which has none, the facts alone."""
    card = CARDS.get(metric.id)
    low, high = metric.bounds
    chance = "the mean over all pairs of different pictures" if metric.chance == "permuted" else metric.chance
    facts: dict[str, object] = {
        "Better": "up" if metric.higher_is_better else "down",
        "Chance": "none" if chance is None else chance,
        "Bounds": f"{low:g} to {high:g}",
        "Value": "one for each item, and their mean" if metric.per_item else "one for the whole set",
        "Needs": f"`{metric.needs}`",
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
