"""A learner that is trained step by step, and what it is on the way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..accuracy import FloatArray, IntArray
from .learners import CLASSES, DataSplit

__all__ = ["CHECKPOINTS", "UPDATES", "NeuralNetwork"]

#: UPDATES, BATCH, STEP: of a network's training, whatever the number of samples; by then accuracy
#: has stopped rising on all sizes of the digits.
UPDATES, BATCH, STEP = 240, 64, 0.005

#: CHECKPOINTS: updates after which the network is kept.
CHECKPOINTS = (1, 2, 4, 7, 10, 14, 19, 25, 32, 40, 52, 68, 90, 120, 160, UPDATES)


@dataclass(frozen=True, eq=False)
class NeuralNetwork:
    """A small neural network: one hidden layer of rectified linear units, scikit-learn's.

    Trained by Adam on batches of the samples, again and again; the same rows give the same network.
    On the way it passes through worse models, its checkpoints.

    Attributes
    ----------
    pool, test : (M, D), (L, D) ndarray
        Features of a split.
    hidden : int >= 1
        Units of the hidden layer.

    Examples
    --------
    >>> x = np.array([[0.0], [0.1], [5.0], [5.1]])
    >>> network = NeuralNetwork(x, x + 0.05)
    >>> network.predict(np.array([0, 2]), np.array([3, 8])).tolist()
    [3, 3, 8, 8]
    >>> network.checkpoints(np.array([0, 2]), np.array([3, 8])).shape == (len(CHECKPOINTS), 4)
    True
    """

    pool: FloatArray
    test: FloatArray
    hidden: int = 64

    @classmethod
    def of(cls, split: DataSplit) -> NeuralNetwork:
        """A network for a split."""
        return cls(split.pool, split.test)

    def predict(self, rows: IntArray, labels: IntArray) -> IntArray:
        """Train on rows of the pool with these labels; classes of the test points, (L,)."""
        (answers,) = self._answers(rows, labels, (UPDATES,))
        return answers

    def checkpoints(self, rows: IntArray, labels: IntArray) -> IntArray:
        """Classes of the test points at each checkpoint, (E, L); the last are those of `predict`.

        Raises
        ------
        ImportError
            If scikit-learn is missing; it comes with the extra ``book``.
        """
        return np.array(self._answers(rows, labels, CHECKPOINTS))

    def _answers(self, rows: IntArray, labels: IntArray, kept: tuple[int, ...]) -> list[IntArray]:
        try:
            from sklearn.neural_network import MLPClassifier
        except ImportError as error:
            raise ImportError(
                "NeuralNetwork needs scikit-learn: pip install 'paid-with-models[book]'"
            ) from error
        rng = np.random.default_rng(rows)
        network = MLPClassifier(
            (self.hidden,), learning_rate_init=STEP, random_state=int(rng.integers(2**31))
        )
        passes = -(-UPDATES * BATCH // len(rows))
        order = np.concatenate([rng.permutation(len(rows)) for _ in range(passes)])
        found = []
        for k in range(UPDATES):
            batch = order[k * BATCH : (k + 1) * BATCH]
            network.partial_fit(self.pool[rows[batch]], labels[batch], classes=np.arange(CLASSES))
            if k + 1 in kept:
                found.append(np.asarray(network.predict(self.test), dtype=np.int64))
        return found
