"""
Look at a data set
==================

Scenes of ``sim-things``, and the **simulated** EEG of a subject who looks at them.
"""

# sphinx_gallery_thumbnail_number = 2

import matplotlib.pyplot as plt
import numpy as np

import eegbench

data = eegbench.dataset("sim-things")
queries, answers = data.queries(8), data.answers(8)
times = 1000 * (queries.info.start + np.arange(queries.info.times) / queries.info.rate)
print(data.about)
print(queries.eeg.shape, queries.info.unit, queries.info.rate, "Hz")

# %%
# Four of the 200 pictures that the subject is shown in the test.

figure, axes = plt.subplots(1, 4, figsize=(8, 2.3), layout="constrained")
for axis, place in zip(axes, (0, 40, 80, 120), strict=True):
    axis.imshow(answers.images[place])
    axis.set(title=answers.concepts[place], xticks=[], yticks=[])

# %%
# The mean over all pictures is the evoked response that each of them has. What tells pictures apart is how far a single
# one strays from it, and that is all that a method can go by.

figure, (mean, spread) = plt.subplots(2, 1, figsize=(8, 5), sharex=True, layout="constrained")
mean.plot(times, 1e6 * queries.eeg.mean(axis=0).T, linewidth=1)
mean.set(ylabel="mean over pictures (µV)", title="17 electrodes, simulated, 80 repetitions averaged")
spread.plot(times, 1e6 * queries.eeg.std(axis=0).T, linewidth=1)
spread.set(ylabel="deviation over pictures (µV)", xlabel="time from stimulus onset (ms)")
for axis in (mean, spread):
    axis.axvline(0, color="grey", linewidth=0.8)
