"""Whether EEG can be in the unit that it is said to be in, by how far its channels spread."""

import math

# The spread (standard deviation) of one channel within a trial, the median over trials and channels. In V: EEG has 5 to
# 100 uV; a mean of 80 trials of a narrow band may have 0.1 uV, and half a millivolt is movement, not EEG. After
# whitening by its noise or z-scoring it is near 1, whatever the amplifier.
PLAUSIBLE = {"V": (1e-7, 5e-4), "whitened": (0.005, 30.0), "z-scored": (0.005, 30.0)}
USUAL = {"V": 1e-5, "whitened": 1.0, "z-scored": 1.0}
NEAR = (0.1, 10.0)  # of whitened or z-scored EEG: outside there is a note, within PLAUSIBLE no refusal
RECORDED = {"volts": (1e-6, 5e-4), "microvolts": (1.0, 500.0)}  # of EEG that is not whitened
NAMES = {1e3: "millivolts", 1e6: "microvolts", 1e9: "nanovolts"}
FACTORS = (1e-9, 1e-6, 1e-3, 1e3, 1e6, 1e9)


def unit_fault(spread: float, unit: str) -> tuple[str, list[str]]:
    """Why EEG of this median spread is not in `unit`, "" if it may be; and notes on what is doubtful then.

    Units without a size ("unstated", "embedding") are not judged.
    """
    if unit not in PLAUSIBLE:
        return "", []
    low, high = PLAUSIBLE[unit]
    if low <= spread <= high:
        near = unit == "V" or NEAR[0] <= spread <= NEAR[1]
        return "", [] if near else [f"its median spread is {spread:.2g}, where {unit} EEG has about 1: is it {unit}?"]
    expected = f"volts are declared, whose spread is {low:g} to {high:g}" if unit == "V" else f"{unit} EEG has about 1"
    factor = min(FACTORS, key=lambda each: abs(math.log(spread / each / USUAL[unit])))
    if not low <= spread / factor <= high:
        return f"no unit of EEG fits a median spread of {spread:.2g}; {expected}; export it again", []
    mend = f"divide by {_power(factor)}" if factor > 1 else f"multiply by {_power(1 / factor)}"
    if unit == "V":
        looks = NAMES.get(factor, f"volts divided by {_power(1 / factor)}")
        return f"EEG looks like {looks} (median spread {spread:.2g}): {mend}; {expected}", []
    times = f"{_power(factor)} times" if factor > 1 else f"1/{_power(1 / factor)} of"
    seems = next(
        (f" (or is it in {name}?)" for name, likely in RECORDED.items() if likely[0] <= spread <= likely[1]), ""
    )
    return f"EEG has about {times} the spread of {unit} EEG (median {spread:.2g}, wanted about 1): {mend}{seems}", []


def _power(factor: float) -> str:
    return f"1e{round(math.log10(factor))}"
