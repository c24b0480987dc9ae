"""The same data through scikit-learn: reads the examples as JSON, prints measures as JSON."""

import json
import sys

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, confusion_matrix, log_loss, roc_auc_score

data = json.load(sys.stdin)
x = np.array(data["features"], dtype=np.float64).reshape(-1, data["dimension"])
y = np.array(data["labels"])
classes = data["classes"]

deviation = x.std(axis=0)
standard = (x - x.mean(axis=0)) / np.where(deviation > 0, deviation, 1)
model = LogisticRegression(
    C=1 / (data["l2"] * len(y)), class_weight="balanced", tol=1e-10, max_iter=10_000
)
fitted = model.fit(standard, y).predict_proba(standard)

# The measures are taken on the probabilities that were handed over, not on those fitted here.
p = np.array(data["probabilities"], dtype=np.float64).reshape(-1, classes)
p = p / p.sum(axis=1, keepdims=True)
truth = np.eye(classes)[y]
confidence, right = p.max(axis=1), p.argmax(axis=1) == y
bins = np.clip(np.ceil(confidence * 15).astype(int), 1, 15)
pairs = []
for a in range(classes):
    for b in range(a + 1, classes):
        chosen = (y == a) | (y == b)
        pairs.append(roc_auc_score(y[chosen] == b, p[chosen, b] / (p[chosen, a] + p[chosen, b])))
json.dump(
    {
        "fitted": fitted.ravel().tolist(),
        "balanced_accuracy": balanced_accuracy_score(y, p.argmax(axis=1)),
        "confusion": confusion_matrix(y, p.argmax(axis=1)).tolist(),
        "one_vs_rest": [roc_auc_score(y == c, p[:, c]) for c in range(classes)],
        "pairwise": pairs,
        "log_loss": log_loss(y, p),
        "brier": float(((p - truth) ** 2).sum(axis=1).mean()),
        "ece": float(
            sum(
                abs(confidence[bins == b].sum() - right[bins == b].sum()) for b in range(1, 16)
            )
            / len(y)
        ),
    },
    sys.stdout,
)
