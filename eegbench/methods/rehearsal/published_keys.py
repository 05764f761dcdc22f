"""State-dict keys and shapes of published files of which no class is at hand to ask: written down from their code.

Sources: dongyangli-del/EEG_Image_decode (ATM-S, subject_layers; diffusion_prior.py) and SenJia/EML-NET-Saliency
(resnet.py, decoder.py).
"""

from itertools import pairwise

from eegbench.backbones.weights import Shape, Shapes


def atm_s() -> Shapes:
    """The encoder of 63 channels by 250 times, 1024-d, ten subjects, without what is unused."""
    layer = "encoder.encoder.attn_layers.0"
    shapes: Shapes = {}
    for name, shape in {
        "encoder.enc_embedding.value_embedding": (250, 250),
        **{f"{layer}.attention.{which}_projection": (248, 250) for which in ("query", "key", "value")},
        f"{layer}.attention.out_projection": (250, 248),
        f"{layer}.conv1": (256, 250, 1),
        f"{layer}.conv2": (250, 256, 1),
        f"{layer}.norm1": (250,),
        f"{layer}.norm2": (250,),
        "encoder.encoder.norm": (250,),
        "enc_eeg.0.tsconv.0": (40, 1, 1, 25),
        "enc_eeg.0.tsconv.4": (40, 40, 63, 1),
        "enc_eeg.0.projection.0": (40, 40, 1, 1),
        "proj_eeg.0": (1024, 1440),
        "proj_eeg.1.fn.1": (1024, 1024),
        "proj_eeg.2": (1024,),
    }.items():
        shapes |= _weight_and_bias(name, shape)
    for place in (2, 5):
        shapes |= _batch_norm(f"enc_eeg.0.tsconv.{place}", 40)
    table = "encoder.enc_embedding.subject_embedding"
    return shapes | {
        f"{table}.subject_embedding.weight": (10, 250),
        f"{table}.shared_embedding": (1, 250),
        f"{table}.mask_embedding": (1, 250),
        "logit_scale": (),
    }


def prior() -> Shapes:
    """The diffusion prior of 1024-d embeddings under 1024-d conditions."""
    widths, time = (1024, 512, 256, 128, 64), 512
    shapes = _weight_and_bias("input_layer.0", (1024, 1024)) | _weight_and_bias("input_layer.1", (1024,))
    shapes |= _weight_and_bias("output_layer", (1024, 1024))
    for side, levels in (("encode", list(pairwise(widths))), ("decode", list(pairwise(widths[::-1])))):
        for place, (a, b) in enumerate(levels):
            shapes |= _weight_and_bias(f"{side}_time_embedding.{place}.linear_1", (a, time))
            shapes |= _weight_and_bias(f"{side}_time_embedding.{place}.linear_2", (a, a))
            shapes |= _weight_and_bias(f"{side}_cond_embedding.{place}", (a, 1024))
            shapes |= _weight_and_bias(f"{side}_layers.{place}.0", (b, a))
            shapes |= _weight_and_bias(f"{side}_layers.{place}.1", (b,))
    return shapes


def eml_net() -> dict[str, Shapes]:
    """Keys and shapes of each of the three files: the two streams, and the decoder."""
    decoder = _readout("combined", 10)
    for side in ("img_model", "pla_model"):
        for depth in range(5):
            decoder |= _readout(f"{side}.{depth}", 1)
    return {"imagenet": _eml_stream(), "places": _eml_stream(), "decoder": decoder}


def _eml_stream() -> Shapes:
    """A ResNet-50 without its classifier, and six readouts."""
    shapes: Shapes = {"conv1.weight": (64, 3, 7, 7)} | _batch_norm("bn1", 64)
    before = 64
    for depth, (blocks, width) in enumerate(((3, 64), (4, 128), (6, 256), (3, 512)), start=1):
        for block in range(blocks):
            path, inputs = f"layer{depth}.{block}", before if block == 0 else 4 * width
            convolutions = ((width, inputs, 1, 1), (width, width, 3, 3), (4 * width, width, 1, 1))
            for place, shape in enumerate(convolutions, start=1):
                shapes |= {f"{path}.conv{place}.weight": shape} | _batch_norm(f"{path}.bn{place}", shape[0])
            if block == 0:
                shapes |= {f"{path}.downsample.0.weight": (4 * width, inputs, 1, 1)}
                shapes |= _batch_norm(f"{path}.downsample.1", 4 * width)
        before = 4 * width
    for depth, channels in enumerate((64, 256, 512, 1024, 2048)):
        shapes |= _readout(f"output{depth}", channels)
    return shapes | _readout("combined", 5)


def _readout(name: str, channels: int) -> Shapes:
    return _weight_and_bias(f"{name}.0", (1, channels, 3, 3)) | _batch_norm(f"{name}.1", 1)


def _batch_norm(name: str, channels: int) -> Shapes:
    four = ("weight", "bias", "running_mean", "running_var")
    return {f"{name}.{which}": (channels,) for which in four} | {f"{name}.num_batches_tracked": ()}


def _weight_and_bias(name: str, shape: Shape) -> Shapes:
    return {f"{name}.weight": shape, f"{name}.bias": shape[:1]}
