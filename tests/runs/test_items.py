"""scores.csv comes back as it was written, in both schema versions, and survives hostile files."""

import math
from pathlib import Path

import numpy as np
import pytest

from eegbench.errors import InputError
from eegbench.runs.items import ItemValues, read_values, write_values

STIMULI = ("b/2", 'a,"1"', "c é")
TWO = np.array([[0.25, math.nan, -1e-300], [0.75, 1.0, 3.0]])  # two samples
HEAD = "stimulus,sample,ssim@1\n"


def test_values_come_back_sorted_and_averaged_over_samples(tmp_path: Path) -> None:
    (tmp_path / "scores.csv").write_text(write_values({("ssim", 1): TWO, ("kl", 12): 2 * TWO}, STIMULI))
    found = read_values(tmp_path / "scores.csv")
    assert found.stimuli == ('a,"1"', "b/2", "c é") and list(found.metrics) == [("ssim", 1), ("kl", 12)]
    np.testing.assert_array_equal(found.metrics["ssim", 1], [math.nan, 0.5, 1.5])
    np.testing.assert_array_equal(found.metrics["kl", 12], [math.nan, 1.0, 3.0])


def test_a_table_without_metrics_of_single_stimuli_is_empty(tmp_path: Path) -> None:
    (tmp_path / "scores.csv").write_text(write_values({}, STIMULI))
    assert read_values(tmp_path / "scores.csv") == ItemValues((), {})


def test_a_table_of_schema_version_1_holds_the_same(tmp_path: Path) -> None:
    lines = ["stimulus,sample,metric,version,value"]
    lines += [f"s{i},{k},ssim,1,{i + k / 4}" for k in (1, 0) for i in (2, 0, 1)] + ["s0,0,cc,2,", "s0,1,cc,2,1"]
    lines += [f"s{i},{k},cc,2,.5" for i in (1, 2) for k in (0, 1)]
    (tmp_path / "scores.csv").write_text("\n".join(lines) + "\n")
    found = read_values(tmp_path / "scores.csv")
    np.testing.assert_array_equal(found.metrics["ssim", 1], [0.125, 1.125, 2.125])
    np.testing.assert_array_equal(found.metrics["cc", 2], [math.nan, 0.5, 0.5])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "begins with ''"),
        ("<!doctype html>", "begins with '<!doctype"),
        (HEAD + "a,0,.5\na,0,.5\n", "each stimulus once for each sample"),
        (HEAD + "a,0,.5\nb,1,.5\n", "each stimulus once for each sample"),
        (HEAD + "a,-1,.5\n", "each stimulus once for each sample"),
        (HEAD + "a,0,inf\n", "infinite"),
        (HEAD + "a,0,1e999\n", "infinite"),
        (HEAD + "a,0,.5,.5\n", "have 2 values; wanted 1"),
        (HEAD + "a\n", "cannot be read"),
        (HEAD + "a,0,high\n", "cannot be read"),
        (HEAD + "../a,0,.5\n", "names the stimulus '../a'"),
        (HEAD + f"a,{'9' * 5000},.5\n", "cannot be read"),
        ('stimulus,sample,ssim@1,"<b>@1"\na,0,1,1\n', "metric is '<b>'"),
        ("stimulus,sample,ssim@0\n", "wanted <metric>@<version>"),
        ("stimulus,sample,ssim@1,ssim@2\n", "two columns with one metric"),
        ("stimulus,sample,metric,version,value\na,0,ssim,1,1\na,0,ssim,1,1\n", "twice"),
        ("stimulus,sample,metric,version,value\na,0,ssim,1,1\nb,0,cc,1,1\n", "has no ssim of stimulus 'b'"),
    ],
)  # fmt: skip
def test_a_hostile_table_is_an_input_error_in_one_line(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "scores.csv").write_text(text)
    with pytest.raises(InputError, match=words) as caught:
        read_values(tmp_path / "scores.csv")
    assert str(caught.value).startswith(f"{tmp_path / 'scores.csv'}: ") and "\n" not in str(caught.value)


def test_a_table_that_is_no_text_is_an_input_error(tmp_path: Path) -> None:
    (tmp_path / "scores.csv").write_bytes(b"stimulus,sample,ssim@1\n\xff,0,1\n")
    with pytest.raises(InputError, match="cannot be read"):
        read_values(tmp_path / "scores.csv")
