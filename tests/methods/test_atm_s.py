"""ATM-S has the published shape, keys and rules."""

import pytest
import torch

from eegbench.errors import InputError
from eegbench.methods.encoders.atm_s import AT_ONCE, AtmS, Window, _Convolution


def _count(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_parameter_counts_are_those_of_the_papers_table_2() -> None:
    encoder = AtmS(63, 250, 1024)
    assert _count(encoder.enc_eeg) == 103_680
    assert _count(encoder.proj_eeg) == 2_527_232


@pytest.mark.parametrize(
    ("key", "shape"),
    [
        ("encoder.enc_embedding.value_embedding.weight", (250, 250)),
        ("encoder.enc_embedding.subject_embedding.subject_embedding.weight", (10, 250)),
        ("encoder.enc_embedding.subject_embedding.shared_embedding", (1, 250)),
        ("encoder.encoder.attn_layers.0.attention.query_projection.weight", (248, 250)),
        ("encoder.encoder.attn_layers.0.attention.out_projection.weight", (250, 248)),
        ("encoder.encoder.attn_layers.0.conv1.weight", (256, 250, 1)),
        ("encoder.encoder.norm.weight", (250,)),
        ("enc_eeg.0.tsconv.0.weight", (40, 1, 1, 25)),
        ("enc_eeg.0.tsconv.4.weight", (40, 40, 63, 1)),
        ("enc_eeg.0.projection.0.weight", (40, 40, 1, 1)),
        ("proj_eeg.0.weight", (1024, 1440)),
        ("proj_eeg.1.fn.1.weight", (1024, 1024)),
        ("logit_scale", ()),
    ],
)
def test_state_dict_has_the_published_keys_and_shapes(key: str, shape: tuple[int, ...]) -> None:
    assert tuple(AtmS(63, 250, 1024).state_dict()[key].shape) == shape


def test_keep_subject_leaves_out_the_last_channel_and_keep_channels_does_not() -> None:
    torch.manual_seed(0)
    eeg, subject = torch.randn(2, 17, 100), torch.tensor([7, 7])
    tokens = AtmS(17, 100, 32).eval().encoder(eeg, subject)
    assert tokens.shape == (2, 18, 100)  # the subject token comes first


def test_one_subject_past_the_table_sends_the_whole_batch_to_the_shared_token() -> None:
    torch.manual_seed(0)
    encoder = AtmS(17, 100, 32).eval()
    eeg = torch.randn(1, 17, 100)
    with torch.no_grad():
        both = encoder(eeg.repeat(2, 1, 1), torch.tensor([3, 10]))
        known = encoder(eeg, torch.tensor([3]))
    assert torch.allclose(both[0], both[1], atol=1e-6)  # float32 rounding between rows of a batch
    assert not torch.allclose(both[0], known[0], atol=1e-3)


def test_too_few_samples_are_refused() -> None:
    with pytest.raises(InputError, match="at least 75 samples"):
        AtmS(17, 74, 32)


def test_the_published_milliseconds_give_the_published_steps_at_another_rate() -> None:
    assert Window().steps(250) == Window(kernel=10, pool=20, stride=2).steps(100) == 36


@pytest.mark.parametrize(
    ("channels", "times", "window"), [(17, 100, Window(kernel=10, pool=20, stride=2)), (63, 250, Window())]
)
def test_a_fit_averages_first_and_gives_what_the_published_order_gives(
    channels: int, times: int, window: Window
) -> None:
    torch.manual_seed(0)
    network = AtmS(channels, times, 32, window=window)
    convolution = network.enc_eeg.get_submodule("0")
    assert isinstance(convolution, _Convolution)
    x, outputs, gradients = torch.randn(4, channels, times), [], []
    for published in (True, False):
        torch.manual_seed(1)  # the same dropout
        network.zero_grad()
        if published:
            seen = convolution.projection(convolution.tsconv(x[:, None]))
            out = seen.squeeze(2).transpose(1, 2).flatten(1)
        else:
            out = convolution.train()(x)
        out.square().sum().backward()
        outputs.append(out.detach())
        gradient = convolution.tsconv.get_parameter("0.weight").grad
        assert gradient is not None
        gradients.append(gradient.clone())
    torch.testing.assert_close(*outputs, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(*gradients, atol=1e-3, rtol=1e-3)
    fitted = convolution.eval()
    published = fitted.projection(fitted.tsconv(x[:, None])).squeeze(2).transpose(1, 2).flatten(1)
    assert torch.equal(fitted(x), published)


def test_many_trials_pass_the_filters_in_parts_and_give_what_all_at_once_give() -> None:
    torch.manual_seed(0)
    module = _Convolution(4, Window()).eval()
    eeg = torch.randn(2 * AT_ONCE + 3, 4, 100)
    seen: list[int] = []
    module.tsconv.register_forward_hook(lambda _, given, out: seen.append(len(out)))
    with torch.no_grad():
        in_parts = module(eeg)
        at_once = module.projection(module.tsconv(eeg[:, None])).squeeze(2).transpose(1, 2).flatten(1)
    assert seen == [AT_ONCE, AT_ONCE, 3, len(eeg)]
    assert torch.allclose(in_parts, at_once, rtol=1e-6, atol=1e-6)
