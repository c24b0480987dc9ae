"""Measures of slides by scikit-learn and SciPy: reads predictions as JSON, prints them as JSON."""

import json
import sys

import numpy as np
from scipy.stats import binomtest, norm
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import (
    average_precision_score,
    balanced_accuracy_score,
    cohen_kappa_score,
    f1_score,
    roc_auc_score,
)

data = json.load(sys.stdin)
truth, said = np.array(data["truth"]), np.array(data["said"])
positive = np.array(data["positive"])
first, second = np.array(data["first"]), np.array(data["second"])


def structure(scores):
    """Every pair of a positive and a negative: 1, 1/2 or 0; its means by row and by column."""
    pairs = np.sign(scores[positive][:, None] - scores[~positive][None, :]) / 2 + 0.5
    return pairs.mean(axis=1), pairs.mean(axis=0)


up = np.cov(np.stack([structure(first)[0], structure(second)[0]]))
down = np.cov(np.stack([structure(first)[1], structure(second)[1]]))
covariance = up / positive.sum() + down / (~positive).sum()
contrast = np.array([1, -1])
error = float(np.sqrt(contrast @ covariance @ contrast))
areas = roc_auc_score(positive, first), roc_auc_score(positive, second)
fit = IsotonicRegression(out_of_bounds="clip").fit(first, positive)
json.dump(
    {
        "balanced_accuracy": balanced_accuracy_score(truth, said),
        "weighted_f1": f1_score(truth, said, average="weighted"),
        "kappa": cohen_kappa_score(truth, said, weights="quadratic"),
        "auprc": average_precision_score(positive, first),
        "isotonic": fit.predict(data["places"]).tolist(),
        "delong": {
            "first": areas[0],
            "error": error,
            "p": float(2 * norm.sf(abs(areas[0] - areas[1]) / error)),
        },
        "mcnemar": binomtest(7, 26, 0.5).pvalue,
    },
    sys.stdout,
)
