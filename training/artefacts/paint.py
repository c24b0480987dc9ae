"""Paints artefacts of random kind, place, size and strength into clean low-power pictures.

Everything happens in optical density. The painter shares no code with the one that the tests and the
benchmark use (crates/testkit/src/artefacts), so what the network learns is held against artefacts of
another hand.
"""

import math

import numpy as np
from scipy import ndimage

CLASSES = ["clean", "fold", "tear", "bubble", "dirt", "cover-slip-edge", "ink"]
CLEAN, FOLD, TEAR, BUBBLE, DIRT, EDGE, INK = range(7)
IGNORED = 255
SIDE = 160
UM = 8.0
# Optical density of haematoxylin and eosin, Ruifrok and Johnston 2001, table 1; the third is across.
STAINS = np.array([[0.650, 0.704, 0.286], [0.072, 0.990, 0.105], [0.268, 0.570, 0.776]], np.float32)
STAINS /= np.linalg.norm(STAINS, axis=1, keepdims=True)
BARE = 0.03


class Canvas:
    """One crop: density (side, side, 3), labels, and the random source."""

    def __init__(self, density, ignored, rng, um):
        self.density, self.rng, self.um = density, rng, um
        self.labels = np.where(ignored, IGNORED, CLEAN).astype(np.uint8)
        mean = density.mean(2)
        self.stained = mean > BARE
        self.hull = ndimage.gaussian_filter(self.stained.astype(np.float32), 6) > 0.5
        self.y, self.x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)

    def label(self, share, name, where=True):
        """What is half covered has the label, what is partly covered is not judged."""
        self.labels[(share > 0.15) & where] = IGNORED
        self.labels[(share >= 0.5) & where] = name

    def place(self, on_tissue=0.85):
        """A random pixel, mostly on tissue."""
        ys, xs = np.nonzero(self.stained)
        if len(ys) > 50 and self.rng.random() < on_tissue:
            at = self.rng.integers(len(ys))
            return float(xs[at]), float(ys[at])
        return tuple(self.rng.uniform(0, SIDE, 2))

    def px(self, um):
        return um / self.um

    def stroke(self, length_um, width_um, bend, taper=False):
        """Signed distance to a wavy line's middle and its half width, both in pixels."""
        rng, (cx, cy) = self.rng, self.place()
        angle, length = rng.uniform(0, 2 * math.pi), self.px(length_um)
        t = np.linspace(0, 1, 14)
        swing = sum(rng.uniform(-1, 1) / k * np.sin(t * k * math.pi) for k in (1, 2, 3)) * bend
        along = (t - rng.uniform(0.2, 0.8)) * length
        xs = cx + np.cos(angle) * along - np.sin(angle) * swing * length
        ys = cy + np.sin(angle) * along + np.cos(angle) * swing * length
        half = np.full(14, self.px(width_um) / 2)
        if taper:
            half *= np.sqrt(np.sin(t * math.pi).clip(0)) * (1 - 0.3 * rng.random(14))
        else:
            half *= 1 - 0.25 * rng.random() * rng.random(14)
        return self.along(xs, ys, half)

    def along(self, xs, ys, half):
        best = np.full((SIDE, SIDE), 1e9, np.float32)
        side, width = np.zeros_like(best), np.zeros_like(best)
        for i in range(len(xs) - 1):
            dx, dy = xs[i + 1] - xs[i], ys[i + 1] - ys[i]
            px, py = self.x - xs[i], self.y - ys[i]
            t = np.clip((px * dx + py * dy) / max(dx * dx + dy * dy, 1e-9), 0, 1)
            distance = np.hypot(px - t * dx, py - t * dy)
            nearer = distance < best
            best[nearer] = distance[nearer]
            side[nearer] = np.sign(dx * py - dy * px)[nearer]
            width[nearer] = (half[i] + (half[i + 1] - half[i]) * t)[nearer]
        return best * np.where(side < 0, -1, 1), width

    def blob(self, radius_um, wobble, centre=None):
        """Signed distance in pixels to an irregular outline, negative inside."""
        rng = self.rng
        cx, cy = centre or self.place()
        turn, flat = rng.uniform(0, math.pi), rng.uniform(0.6, 1.0)
        dx, dy = self.x - cx, self.y - cy
        u = (np.cos(turn) * dx + np.sin(turn) * dy)
        v = (np.cos(turn) * dy - np.sin(turn) * dx) / flat
        angle, distance = np.arctan2(v, u), np.hypot(u, v)
        factor = 1 + sum(wobble * w * np.sin(k * angle + rng.uniform(0, 6.3))
                         for k, w in ((2, 0.5), (3, 0.3), (5, 0.2), (7, 0.15)))
        return (distance - self.px(radius_um) * factor) * flat

    def lay(self, share, density):
        """Replaces what is there by a density, as far as `share` covers it (light adds, not density)."""
        share = share[..., None]
        light = (1 - share) * 10.0 ** -self.density + share * 10.0 ** -density
        self.density = -np.log10(np.maximum(light, 1e-3)).astype(np.float32)


def band(distance, low, high):
    """Share of a pixel between two distances from a line."""
    return np.clip(np.minimum(distance + 0.5, high) - np.maximum(distance - 0.5, low), 0, 1)


def log_uniform(rng, low, high):
    return math.exp(rng.uniform(math.log(low), math.log(high)))


def fold(c):
    rng = c.rng
    width = log_uniform(rng, 28, 180)
    distance, half = c.stroke(log_uniform(rng, 300, 2500), width, rng.uniform(0, 0.3),
                              rng.random() < 0.4)
    share = band(distance, -half, half)
    far = c.px(rng.uniform(30, 500))
    angle = rng.uniform(0, 2 * math.pi)
    shift = (math.sin(angle) * far, math.cos(angle) * far, 0)
    second = ndimage.shift(c.density, shift, order=1, mode="reflect")
    rim = np.clip((np.abs(distance) / np.maximum(half, 1e-3) - 0.7) * 4, 0, 1) * rng.uniform(0, 0.8)
    layers = rng.uniform(0.7, 2.2) * (1 + rim)
    sigma = rng.uniform(0, 0.6)
    doubled = ndimage.gaussian_filter(c.density + second * layers[..., None], (sigma, sigma, 0))
    before = c.density.mean(2)
    c.lay(share, doubled)
    visible = (doubled.mean(2) > before + 0.06) & (before > BARE)
    c.label(share, FOLD, visible)
    if rng.random() < 0.35:  # the section pulled away beside the fold
        gap = band(distance, half, half + c.px(rng.uniform(5, 30)))
        c.lay(gap, np.zeros(3, np.float32))
        c.label(gap, IGNORED)


def tear(c):
    rng = c.rng
    width = log_uniform(rng, 30, 260)
    distance, half = c.stroke(log_uniform(rng, max(300, 3 * width), 2500), width,
                              rng.uniform(0, 0.25), rng.random() < 0.7)
    ragged = ndimage.gaussian_filter(rng.normal(size=(SIDE, SIDE)), 1.5)
    ragged *= rng.uniform(0, 2.0) / max(ragged.std(), 1e-6) * 0.6
    share = band(distance, -half + ragged, half + ragged)
    c.lay(share, np.full(3, rng.uniform(0, 0.012), np.float32))
    c.label(share, TEAR, c.hull & (ndimage.maximum_filter(c.stained, 5)))


def bubble(c):
    rng, strength = c.rng, c.rng.uniform(0.35, 1.0)
    distance = c.blob(log_uniform(rng, 90, 900), rng.uniform(0, 0.25))
    inside = np.clip(0.5 - distance, 0, 1)
    sigma = rng.uniform(0, 1.2) * strength
    within = ndimage.gaussian_filter(c.density, (sigma, sigma, 0)) * (1 - rng.uniform(0, 0.5) * strength)
    c.lay(inside, within)
    rim = c.px(rng.uniform(6, 35))
    grey = rng.uniform(0.4, 0.9) * np.array([1, rng.uniform(0.95, 1.05), rng.uniform(0.95, 1.05)])
    softness = rng.uniform(0.6, 1.0)
    c.lay(band(-distance, 0, rim) * strength * softness, c.density * 0.3 + grey.astype(np.float32))
    bright = band(-distance, rim, rim * rng.uniform(1.3, 2.0)) * strength * rng.uniform(0.2, 0.7)
    c.lay(bright, np.zeros(3, np.float32))
    c.label(inside, BUBBLE)


def dirt(c):
    rng = c.rng
    cx, cy = c.place()
    grey = rng.uniform(0.55, 1.1) * np.array([1, rng.uniform(0.93, 1.07), rng.uniform(0.9, 1.1)], np.float32)
    opacity, spread = rng.uniform(0.7, 1.0), c.px(rng.uniform(50, 500))
    radius = log_uniform(rng, 9, 55)
    for _ in range(rng.integers(1, 14)):
        centre = (cx + rng.normal() * spread, cy + rng.normal() * spread)
        share = np.clip(0.5 - c.blob(radius * rng.uniform(0.6, 1.5), 0.4, centre), 0, 1)
        c.lay(share * opacity, grey)
        c.label(share, DIRT)
    for _ in range(rng.integers(0, 3)):
        distance, half = c.stroke(rng.uniform(100, 700), rng.uniform(7, 25), rng.uniform(0, 0.5))
        share = band(distance, -half, half)
        c.lay(share * opacity, grey)
        c.label(ndimage.maximum_filter(share, 2), DIRT)


def cover_slip_edge(c):
    rng, strength = c.rng, c.rng.uniform(0.35, 1.0)
    distance, half = c.stroke(rng.uniform(2500, 5000), log_uniform(rng, 14, 60), rng.uniform(0, 0.01))
    border = half * rng.uniform(-0.2, 0.6)
    grey = rng.uniform(0.35, 0.8) * np.ones(3, np.float32)
    c.lay(band(distance, -half, border) * strength, grey)
    c.lay(band(distance, border, half) * strength * rng.uniform(0.2, 0.9), np.zeros(3, np.float32))
    beyond = np.clip(distance, 0, 1)[..., None] * rng.uniform(-0.01, 0.03)
    c.density = np.maximum(c.density + beyond.astype(np.float32), 0)
    share = band(distance, -half, half)
    c.label(np.maximum(share, ndimage.maximum_filter(share, 2) * 0.6), EDGE)


# Absorption in red, green and blue of felt pens and margin inks; our own values, jittered.
PENS = np.array([[1.0, 0.4, 0.7], [1.0, 0.65, 0.25], [0.08, 1.0, 0.85], [1.0, 0.97, 0.93],
                 [0.15, 0.55, 1.0], [1.0, 0.3, 0.35], [0.45, 1.0, 0.5]], np.float32)


def ink(c):
    rng = c.rng
    colour = PENS[rng.choice(7, p=[0.16, 0.16, 0.26, 0.24, 0.06, 0.06, 0.06])]
    colour = np.clip(colour + rng.uniform(-0.12, 0.12, 3), 0, 1).astype(np.float32)
    strength = log_uniform(rng, 0.3, 1.7)
    uneven = ndimage.gaussian_filter(rng.normal(size=(SIDE, SIDE)), c.px(rng.uniform(30, 120)))
    uneven = 1 + rng.uniform(0.1, 0.35) * uneven / max(uneven.std(), 1e-6)
    share = np.zeros((SIDE, SIDE), np.float32)
    for _ in range(rng.integers(1, 4)):
        if rng.random() < 0.75:
            distance, half = c.stroke(rng.uniform(400, 2500), log_uniform(rng, 60, 450), rng.uniform(0, 0.3))
            share = np.maximum(share, band(distance, -half, half))
        else:
            share = np.maximum(share, np.clip(0.5 - c.blob(rng.uniform(60, 400), 0.4), 0, 1))
    density = c.density + strength * uneven[..., None].clip(0.3, 2) * colour
    c.lay(share, density.astype(np.float32))
    c.label(share, INK)


PAINTERS = {FOLD: fold, TEAR: tear, BUBBLE: bubble, DIRT: dirt, EDGE: cover_slip_edge, INK: ink}
SHARES = [0.22, 0.22, 0.16, 0.10, 0.12, 0.18]


def dense_patch(c):
    """No artefact: follicles, keratin, tumour are denser than what is around them, in another hue."""
    rng = c.rng
    if rng.random() < 0.5:
        share = np.clip(0.5 - c.blob(log_uniform(rng, 60, 500), 0.35) / rng.uniform(0.5, 6), 0, 1)
    else:
        distance, half = c.stroke(rng.uniform(200, 1500), rng.uniform(30, 300), 0.4)
        share = np.clip((half - np.abs(distance)) / rng.uniform(0.5, 5) + 0.5, 0, 1)
    amounts = np.maximum(c.density @ np.linalg.inv(STAINS), 0)
    gains = np.array([rng.uniform(0.7, 2.6), rng.uniform(0.6, 1.8), 1.0], np.float32)
    if abs(gains[0] - gains[1]) < 0.4:
        gains[1] = max(0.5, gains[0] - 0.6)
    c.density += share[..., None] * ((amounts * gains) @ STAINS - c.density)


def restain(density, rng):
    """Another laboratory: haematoxylin and eosin in other amounts and slightly other colours."""
    stains = STAINS + rng.normal(0, 0.04, (3, 3)).astype(np.float32)
    amounts = density @ np.linalg.inv(STAINS)
    gains = np.exp(rng.normal(0, 0.35)) * np.exp(rng.normal(0, 0.25, 3))
    return np.maximum((amounts * gains.astype(np.float32)) @ stains, 0)


def crop(picture, rng):
    """A turned piece of a picture of 4 um a pixel at 5.5 to 12 um, as density."""
    um = math.exp(rng.uniform(math.log(5.6), math.log(11.5)))
    step, reach = um / 4.0, SIDE * um / 4.0
    height, width = picture.shape[:2]
    top = rng.uniform(-0.25 * reach, max(height - 0.75 * reach, 1))
    left = rng.uniform(-0.25 * reach, max(width - 0.75 * reach, 1))
    rows = top + (np.arange(SIDE) + 0.5) * step
    columns = left + (np.arange(SIDE) + 0.5) * step
    return sampled(picture, rows, columns, step), um


def sampled(picture, rows, columns, step):
    """Means over boxes around rows and columns by a running sum; outside the picture is glass."""
    height, width = picture.shape[:2]

    def edges(centres, length):
        low = np.clip(centres - step / 2, 0, length)
        return low, np.clip(centres + step / 2, 0, length)

    (top, bottom), (left, right) = edges(rows, height), edges(columns, width)
    sums = picture.sums

    def at(ys, xs):
        y, x = np.floor(ys).astype(int).clip(0, height - 1), np.floor(xs).astype(int).clip(0, width - 1)
        fy, fx = (ys - y)[:, None, None], (xs - x)[None, :, None]
        a, b = sums[y][:, x], sums[y][:, x + 1]
        d, e = sums[y + 1][:, x], sums[y + 1][:, x + 1]
        return (a * (1 - fx) + b * fx) * (1 - fy) + (d * (1 - fx) + e * fx) * fy

    total = at(bottom, right) - at(top, right) - at(bottom, left) + at(top, left)
    area = ((bottom - top)[:, None] * (right - left)[None, :])[..., None]
    full = step * step
    return ((total + (full - area) * 1.0) / full).astype(np.float32)


class Picture:
    """A clean picture as light, 0 to 1 of its glass, with its running sums."""

    def __init__(self, rgb, gaps_unknown):
        glass = np.percentile(rgb.reshape(-1, 3), 97, axis=0)
        light = np.minimum(rgb / glass, 1.05).astype(np.float64)
        self.shape, self.gaps_unknown = rgb.shape, gaps_unknown
        self.sums = np.zeros((rgb.shape[0] + 1, rgb.shape[1] + 1, 3))
        self.sums[1:, 1:] = light.cumsum(0).cumsum(1)


def example(picture, rng):
    """One training example: density (3, side, side) and labels (side, side)."""
    light, um = crop(picture, rng)
    density = np.maximum(-np.log10(np.maximum(light, 3e-3)), 0).astype(np.float32)
    density = restain(density, rng)
    density = np.rot90(density, rng.integers(4))
    density = np.ascontiguousarray(density[:, ::-1] if rng.random() < 0.5 else density)
    bare = density.mean(2) < BARE
    ignored = bare & (ndimage.gaussian_filter((~bare).astype(np.float32), 8) > 0.4)
    c = Canvas(density, ignored if picture.gaps_unknown else np.zeros_like(bare), rng, um)
    for _ in range(rng.integers(0, 3)):
        dense_patch(c)
    for _ in range(rng.choice(4, p=[0.2, 0.4, 0.25, 0.15])):
        PAINTERS[1 + rng.choice(6, p=SHARES)](c)
    sigma = rng.uniform(0, 0.7) * (rng.random() < 0.5)
    light = ndimage.gaussian_filter(10.0 ** -c.density, (sigma, sigma, 0)) * rng.uniform(0.96, 1.03, 3)
    light += rng.normal(0, rng.uniform(0, 0.012), light.shape)
    density = -np.log10(np.clip(light, 4e-3, 1))
    return density.transpose(2, 0, 1).astype(np.float32), c.labels
