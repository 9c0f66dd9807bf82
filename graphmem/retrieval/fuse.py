"""Make one pool of the pools that several wordings of a question found, each scored by its own.

Knows no store and no text. Scores are calibrated within a question (``rank``), so the best of them
counts, not the ranks: reciprocal rank fusion forgets how sure each wording is (decision 0013). What
somebody asked counts whole, what a model made of it only a share.
"""

from collections.abc import Sequence

import numpy as np

from graphmem.retrieval.columns import Columns
from graphmem.retrieval.scoring import Scores, placed


def fuse(scored: Sequence[Scores], *, share: float) -> Scores:
    """Return every candidate once, with its best score and the arms that made it.

    The first scores are those of the question as it was asked; the others count ``share`` of
    theirs. Ties go to the earlier wording; in ``order`` they break as in ``rank.score``. At least
    one must be given. O(total candidates · log).
    """
    if len(scored) == 1:
        return scored[0]
    factors = [1.0] + [share] * (len(scored) - 1)
    best: dict[str, tuple[float, int, int]] = {}
    for number, (scores, factor) in enumerate(zip(scored, factors, strict=True)):
        for row, name in enumerate(scores.rows.id):
            total = float(scores.total[row]) * factor
            if name not in best or total > best[name][0]:
                best[name] = (total, number, row)
    rows = placed(Columns.of(scored[number].rows[row] for _, number, row in best.values()))
    picked = [best[name] for name in rows.id]
    total = np.array([total for total, _, _ in picked])
    arms = {
        arm: np.array([scored[n].arms[arm][row] * factors[n] for _, n, row in picked])
        for arm in dict.fromkeys(arm for scores in scored for arm in scores.arms)
    }
    order = np.lexsort((-np.array(rows.seq), -np.array(rows.occurred_at), -total))
    return Scores(rows, total, arms, order.tolist())
