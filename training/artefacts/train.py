"""Trains the artefact network of `bianque check`.

    python training/artefacts/train.py --backgrounds backgrounds --out models/quality/artefacts

Backgrounds are written by backgrounds.py. `--leave-out NAME` leaves pictures out whose name contains
NAME, to see what the network finds on tissue that it has not seen. About half an hour on two cores.
"""

import argparse
import pathlib
import time

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

import paint
from network import ArtefactNetwork

# Slides whose own gaps and cracks nobody has looked at: no answer is asked for there.
GAPS_UNKNOWN = ("camelyon",)
# Real pictures are few: each counts as often as this many generated ones.
REAL_WEIGHT = 3.0
CLASS_WEIGHTS = [0.6, 1.5, 1.5, 1.0, 1.5, 1.5, 1.0]


class Examples(IterableDataset):
    def __init__(self, folder, leave_out, seed):
        files = sorted(pathlib.Path(folder).glob("*.png"))
        self.files = [f for f in files if not any(name in f.name for name in leave_out)]
        self.seed = seed

    def __iter__(self):
        worker = get_worker_info()
        rng = np.random.default_rng([self.seed, worker.id if worker else 0])
        pictures = [
            paint.Picture(np.asarray(Image.open(f).convert("RGB"), np.float64),
                          any(name in f.name for name in GAPS_UNKNOWN)) for f in self.files]
        weights = np.array([1.0 if "generated" in f.name else REAL_WEIGHT for f in self.files])
        weights /= weights.sum()
        while True:
            density, labels = paint.example(pictures[rng.choice(len(pictures), p=weights)], rng)
            yield torch.from_numpy(density), torch.from_numpy(labels.astype(np.int64))


def dice_loss(logits, labels):
    """One less the mean overlap of the artefacts' classes, over the judged pixels of a batch."""
    judged = (labels != paint.IGNORED)
    truth = torch.nn.functional.one_hot(labels.where(judged, 0), len(paint.CLASSES)).permute(0, 3, 1, 2)
    truth = truth * judged[:, None]
    likely = logits.softmax(1) * judged[:, None]
    both, sizes = (likely * truth).sum((0, 2, 3)), (likely + truth).sum((0, 2, 3))
    return 1 - ((2 * both + 50) / (sizes + 50))[1:].mean()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backgrounds", required=True)
    parser.add_argument("--out", required=True, type=pathlib.Path)
    parser.add_argument("--leave-out", action="append", default=[])
    parser.add_argument("--steps", type=int, default=2200)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(arguments.seed)
    examples = Examples(arguments.backgrounds, arguments.leave_out, arguments.seed)
    print("backgrounds:", ", ".join(f.stem for f in examples.files), flush=True)
    loader = DataLoader(examples, batch_size=arguments.batch, num_workers=2, prefetch_factor=4)
    network = ArtefactNetwork().to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(network.parameters(), 4e-3, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, 4e-3, total_steps=arguments.steps, pct_start=0.15)
    weights, started, running = torch.tensor(CLASS_WEIGHTS), time.time(), 0.0
    for step, (density, labels) in zip(range(arguments.steps), loader):
        logits = network(density.to(memory_format=torch.channels_last))
        loss = torch.nn.functional.cross_entropy(
            logits, labels, weights, ignore_index=paint.IGNORED) + dice_loss(logits, labels)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        running = loss.item() if step == 0 else 0.98 * running + 0.02 * loss.item()
        if step % 100 == 99:
            print(f"step {step + 1}: loss {running:.3f}, {time.time() - started:.0f} s", flush=True)
            save(network, arguments.out)
    save(network, arguments.out)


def save(network, folder):
    save_file(network.export(), folder / "weights.safetensors")
    torch.save(network.state_dict(), folder / "network.pt")


if __name__ == "__main__":
    main()
