"""ABMIL in PyTorch by a plan of bench_mil: prints each pass's losses and seconds as JSON."""

import json
import sys
import time

import numpy as np
import torch
from torch import nn

plan = json.load(open(sys.argv[1]))
settings, head = plan["settings"], plan["settings"]["head"]
torch.set_num_threads(plan["threads"])
torch.manual_seed(settings["seed"])
tiles, dimension = plan["tiles"], plan["dimension"]
features = np.fromfile(plan["features"], dtype=np.float32)
features = torch.from_numpy(features).reshape(-1, tiles, dimension)
labels = torch.tensor(plan["labels"])


class Abmil(nn.Module):
    def __init__(self):
        super().__init__()
        hidden, width = head["hidden"], head["attention"]
        self.hidden = nn.Linear(dimension, hidden)
        self.tanh = nn.Linear(hidden, width)
        self.sigmoid = nn.Linear(hidden, width)
        self.score = nn.Linear(width, 1, bias=False)
        self.output = nn.Linear(hidden, 2)
        self.drop = nn.Dropout(head["dropout"])

    def forward(self, x):
        h = self.drop(torch.relu(self.hidden(x)))
        gate = self.drop(torch.tanh(self.tanh(h))) * self.drop(torch.sigmoid(self.sigmoid(h)))
        a = torch.softmax(self.score(gate).T, dim=1)
        return self.output(a @ h)


model = Abmil()
names = {
    "hidden": model.hidden,
    "attention.tanh": model.tanh,
    "attention.sigmoid": model.sigmoid,
    "attention.score": model.score,
    "output": model.output,
}
with torch.no_grad():
    for name, layer in names.items():
        for part in ("weight", "bias"):
            given = plan["parameters"].get(f"{name}.{part}")
            own = getattr(layer, part)
            if given is not None:
                own.copy_(torch.tensor(given["values"]).reshape(own.shape))

decayed = [p for n, p in model.named_parameters() if n.endswith("weight")]
others = [p for n, p in model.named_parameters() if n.endswith("bias")]
optimiser = torch.optim.AdamW(
    [{"params": decayed, "weight_decay": settings["weight_decay"]}, {"params": others, "weight_decay": 0.0}],
    lr=settings["learning_rate"],
)
loss_of = nn.CrossEntropyLoss()
history = []
for order in plan["orders"]:
    model.train()
    begun = time.perf_counter()
    for first in range(0, len(order), settings["batch"]):
        batch = order[first : first + settings["batch"]]
        optimiser.zero_grad()
        for slide in batch:
            (loss_of(model(features[slide]), labels[slide : slide + 1]) / len(batch)).backward()
        optimiser.step()
    seconds = time.perf_counter() - begun
    model.eval()
    with torch.no_grad():
        losses = [loss_of(model(features[s]), labels[s : s + 1]).item() for s in plan["validation"]]
    history.append({"validation_loss": float(np.mean(losses)), "seconds": seconds})
json.dump(history, sys.stdout)
