"""How far what was claimed agrees with gold: shares of right claims, clusters, separation.

Knows no data set. Every share of nothing is 0.
"""

from collections import Counter
from collections.abc import Hashable, Sequence

import numpy as np
import numpy.typing as npt


def precision_recall(*, right: int, claimed: int, gold: int) -> dict[str, float]:
    """Return precision, recall and their harmonic mean, with the counts."""
    precision = right / claimed if claimed else 0.0
    recall = right / gold if gold else 0.0
    return {
        "right": right,
        "claimed": claimed,
        "gold": gold,
        "precision": precision,
        "recall": recall,
        "f1": harmonic(precision, recall),
    }


def harmonic(one: float, other: float) -> float:
    """Return the harmonic mean of two shares."""
    return 2 * one * other / (one + other) if one + other else 0.0


def b_cubed(ours: Sequence[Hashable], gold: Sequence[Hashable]) -> dict[str, float]:
    """Return B-cubed precision, recall and F1 of clusters (Bagga and Baldwin, LREC 1998).

    ``ours`` and ``gold`` name the cluster of each mention, in the same order. O(mentions).
    """
    if len(ours) != len(gold):
        raise ValueError(f"{len(ours)} and {len(gold)} mentions cannot be compared")
    both = Counter(zip(ours, gold, strict=True))
    made, true = Counter(ours), Counter(gold)
    total = len(gold) or 1
    precision = sum(n * n / made[cluster] for (cluster, _), n in both.items()) / total
    recall = sum(n * n / true[cluster] for (_, cluster), n in both.items()) / total
    return {
        "n": len(gold),
        "clusters": len(made),
        "gold_clusters": len(true),
        "precision": precision,
        "recall": recall,
        "f1": harmonic(precision, recall),
    }


def roc_auc(higher: Sequence[float], lower: Sequence[float]) -> float:
    """Return how often one of ``higher`` exceeds one of ``lower``, a tie counting half.

    The area under the ROC curve (Hanley and McNeil, Radiology 1982): 0.5 tells nothing, 1 is
    perfect. 0.5 where either is empty.
    """
    if not higher or not lower:
        return 0.5
    ordered: npt.NDArray[np.float64] = np.sort(np.asarray(lower, float))
    below = np.searchsorted(ordered, higher, side="left")
    upto = np.searchsorted(ordered, higher, side="right")
    return float((below + upto).sum() / (2 * len(higher) * len(lower)))


def best_floor(kept: Sequence[float], refused: Sequence[float]) -> float:
    """Return the score below which refusing is best, by Youden's J (Cancer, 1950).

    ``kept`` are scores that should not be below it, ``refused`` those that should. Ties go to the
    lowest floor, minus infinity (refuse nothing) among them.
    """
    good: npt.NDArray[np.float64] = np.sort(np.asarray(kept, float))
    bad: npt.NDArray[np.float64] = np.sort(np.asarray(refused, float))
    floors = np.concatenate(([-np.inf], np.unique(np.concatenate((good, bad)))))
    rightly = np.searchsorted(bad, floors, side="left") / max(len(bad), 1)
    wrongly = np.searchsorted(good, floors, side="left") / max(len(good), 1)
    return float(floors[int(np.argmax(rightly - wrongly))])
