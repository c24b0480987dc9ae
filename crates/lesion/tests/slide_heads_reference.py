"""Slide heads in PyTorch, written from their papers: reads weights and a bag as JSON, prints each
head's outputs, loss and gradient as JSON."""

import json
import sys

import numpy as np
import torch
from torch.nn.functional import conv1d, conv2d, cross_entropy, layer_norm, linear, pad, relu


def layer(p, name, x):
    return linear(x, p[f"{name}.weight"], p[f"{name}.bias"])


def gated(p, x):
    h = relu(layer(p, "hidden", x))
    gate = torch.tanh(layer(p, "attention.tanh", h)) * torch.sigmoid(layer(p, "attention.sigmoid", h))
    a = torch.softmax(linear(gate, p["attention.score.weight"]), dim=0).T
    return h, a, a @ h


def clam(p, x, head, classes, label):
    h, a, m = gated(p, x)
    if head["branch_per_class"]:
        out = (m * p["output.weight"]).sum(dim=1)[None] + p["output.bias"]
    else:
        out = layer(p, "output", m)
    losses = []
    k = head["instances"]
    for c in range(classes):
        scores = a[c if head["branch_per_class"] else 0]
        top = torch.topk(scores, k).indices
        low = torch.topk(-scores, k).indices
        if c == label:
            rows, truth = torch.cat([top, low]), torch.tensor([1] * k + [0] * k)
        elif classes > 2:
            rows, truth = top, torch.zeros(k, dtype=torch.long)
        else:
            continue
        losses.append(cross_entropy(layer(p, f"instance.{c}", h[rows]), truth))
    return [out], sum(losses) / len(losses), head["instance_weight"]


def dsmil(p, x):
    scores = layer(p, "instance", x)
    most, critical = scores.max(dim=0)

    def query(t):
        return torch.tanh(layer(p, "query.second", relu(layer(p, "query.first", t))))

    q = query(x)
    a = torch.softmax(q @ query(x[critical]).T / q.shape[1] ** 0.5, dim=0)
    return [most[None], layer(p, "output", (a.T @ x).reshape(1, -1))]


def inverse(a):
    z = a.T / (a.sum(dim=0).max() * a.sum(dim=1).max())
    eye = torch.eye(len(a))
    for _ in range(6):
        w = a @ z
        z = z @ (13 * eye - w @ (15 * eye - w @ (7 * eye - w))) / 4
    return z


def norm(p, name, x):
    return layer_norm(x, x.shape[1:], p[f"{name}.scale"][0], p[f"{name}.shift"][0], 1e-5)


def transformer(p, name, x, heads, landmarks):
    n = norm(p, f"{name}.norm", x)
    rows, width = n.shape
    count = min(landmarks, rows)
    bounds = [i * rows // count for i in range(count + 1)]

    def means(t):
        return torch.stack([t[a:b].mean(dim=0) for a, b in zip(bounds, bounds[1:])])

    def split(part):
        return linear(n, p[f"{name}.{part}.weight"]).reshape(rows, heads, -1).unbind(dim=1)

    results = []
    for q, k, v in zip(split("query"), split("key"), split("value")):
        q = q / q.shape[1] ** 0.5
        to = torch.softmax(q @ means(k).T, dim=1)
        between = torch.softmax(means(q) @ means(k).T, dim=1)
        back = torch.softmax(means(q) @ k.T, dim=1)
        results.append(to @ (inverse(between) @ (back @ v)))
    v = linear(n, p[f"{name}.value.weight"])
    kernel = p[f"{name}.sequence.weight"].repeat_interleave(width // heads, dim=0)[:, None]
    near = conv1d(v.T[None], kernel, padding=kernel.shape[2] // 2, groups=width)[0].T
    return x + layer(p, f"{name}.result", torch.cat(results, dim=1) + near)


def transmil(p, x, head):
    x = torch.cat([p["class_token"], relu(layer(p, "hidden", x))])
    x = transformer(p, "first", x, head["heads"], head["landmarks"])
    tiles, width = x[1:], x.shape[1]
    side = int(np.ceil(np.sqrt(len(tiles))))
    square = pad(tiles, (0, 0, 0, side * side - len(tiles))).T.reshape(1, width, side, side)
    total = tiles
    for reach in (7, 5, 3):
        kernel = p[f"position.{reach}.weight"].reshape(width, 1, reach, reach)
        out = conv2d(square, kernel, p[f"position.{reach}.bias"][0], padding=reach // 2, groups=width)
        total = total + out.reshape(width, -1).T[: len(tiles)]
    x = transformer(p, "second", torch.cat([x[:1], total]), head["heads"], head["landmarks"])
    return [layer(p, "output", norm(p, "norm", x[:1]))]


def run(case, x):
    head, classes = case["head"], case["classes"]
    p = {
        name: torch.tensor(t["values"]).reshape(t["shape"]).requires_grad_()
        for name, t in case["parameters"].items()
    }
    if "survival" in case:
        return survival(case, p, x)
    outputs, instance_loss, share = forward(head, p, x, classes)
    if classes == 1:
        losses = [((o - (5.0 - 2.0) / 4.0) ** 2).sum() for o in outputs]
    else:
        losses = [cross_entropy(o, torch.tensor([1])) for o in outputs]
    loss = (1 - share) * sum(losses) / len(losses) + share * instance_loss
    mean = (sum(outputs) / len(outputs)).ravel()
    return result(loss, mean, p)


def survival(case, p, x):
    """Cox's partial likelihood, tied times as Breslow counts them: each event against all slides
    that were followed at least as long."""
    facts = case["survival"]
    times, events = torch.tensor(facts["times"]), torch.tensor(facts["events"])
    outputs = [forward(case["head"], p, bag, 1)[0] for bag in x.split(facts["tiles"])]
    hazards = torch.stack([(sum(of) / len(of)).squeeze() for of in outputs])
    terms = [torch.logsumexp(hazards[times >= times[i]], dim=0) - hazards[i] for i in range(len(times)) if events[i]]
    return result(sum(terms) / len(terms), hazards, p)


def result(loss, outputs, p):
    loss.backward()
    slope = {n: (t.grad if t.grad is not None else torch.zeros_like(t)).ravel().tolist() for n, t in p.items()}
    return {"loss": loss.item(), "outputs": outputs.tolist(), "gradient": slope}


def forward(head, p, x, classes):
    instance_loss, share = 0.0, 0.0
    if head["kind"] == "mean":
        outputs = [layer(p, "output", x.mean(dim=0, keepdim=True))]
    elif head["kind"] == "max":
        outputs = [layer(p, "output", x.max(dim=0, keepdim=True).values)]
    elif head["kind"] == "abmil":
        outputs = [layer(p, "output", gated(p, x)[2].reshape(1, -1))]
    elif head["kind"] == "clam":
        outputs, instance_loss, share = clam(p, x, head, classes, 1)
    elif head["kind"] == "transmil":
        outputs = transmil(p, x, head)
    else:
        outputs = dsmil(p, x)
    return outputs, instance_loss, share


data = json.load(sys.stdin)
bag = torch.tensor(data["bag"]).reshape(-1, data["inputs"])
json.dump([run(case, bag) for case in data["cases"]], sys.stdout)
