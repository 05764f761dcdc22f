"""What decoded embeddings aim at: the embeddings of the true images, and of the texts that name their concepts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from eegbench.benchmark.measure import EMBEDDING, TEXT_EMBEDDING
from eegbench.contracts import Answers
from eegbench.errors import InputError
from eegbench.runs.tensors import Embeddings


@dataclass(frozen=True)
class Targets:
    """Embeddings of the true images by stimulus id, and of texts by concept; None where there are none.

    concepts: what concept each stimulus shows, by its id.
    """

    images: Embeddings | None = None
    texts: Embeddings | None = None
    concepts: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, answers: Answers, images: Embeddings | None, texts: Embeddings | None) -> Self:
        """The targets of a data set's answers."""
        return cls(images, texts, dict(zip(answers.stimuli, answers.concepts, strict=True)))

    def rows(self, stimuli: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """By feature what each stimulus aims at, (n, d), of those features that are there.

        Raises InputError where a stimulus or its concept has none.
        """
        features = {}
        if self.images is not None:
            features[EMBEDDING] = rows_of(self.images, stimuli, "the true image of stimulus")
        if self.texts is not None:
            features[TEXT_EMBEDDING] = rows_of(self.texts, [self.concepts[s] for s in stimuli], "the concept")
        return features


def rows_of(embeddings: Embeddings, names: Sequence[str], what: str) -> NDArray[np.float32]:
    """The embeddings of these names, (n, d); raises InputError for one that is not there. what: the word for a name."""
    missing = [name for name in names if name not in embeddings]
    if missing:
        raise InputError(f"no embedding of {what} {missing[0]!r}; make the run again")
    return np.stack([embeddings[name] for name in names])
