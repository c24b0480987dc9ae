"""Round trips through other programs' files, and the files that must be refused.

Run in the folder python: `python -m unittest discover -s tests`.
"""

from __future__ import annotations

import importlib.util
import io
import json
import os
import tempfile
import unittest
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import h5py
import numpy as np

from bianque_features import Features, Grid, Problem, annotated, clam, ruipath, trident
from bianque_features.__main__ import main
from bianque_features.digest import digest
from bianque_features.places import Wishes, placed

SLIDE = (20_000, 15_000)


def features(tiles: int = 40, steps: int = 1, dimension: int = 6) -> Features:
    grid = Grid(256, 0.5, steps, *SLIDE, slide_mpp=(0.25, 0.25))
    random = np.random.default_rng(1)
    places = random.choice(grid.rows * grid.columns, tiles, replace=False)
    cells = np.stack(np.divmod(places, grid.columns), axis=1)
    values = random.normal(size=(tiles, dimension))
    encoder = {"name": "uni_v1", "version": "1", "licence": "CC-BY-NC-ND-4.0"}
    return Features("name:a", grid, cells, values, encoder, digest("recipe"))


def as_trident(path: Path, coordinates: np.ndarray, overlap: int = 0, **changed: object) -> None:
    """A file as TRIDENT 0.3 writes it: tiles of 256 px at 20x on a slide of 40x."""
    attributes = {
        "patch_size": 256,
        "patch_size_level0": 512,
        "level0_magnification": 40,
        "target_magnification": 20,
        "overlap": overlap,
        "name": "s",
        "savetodir": "x",
        "level0_width": SLIDE[0],
        "level0_height": SLIDE[1],
    } | changed
    with h5py.File(path, "w") as file:
        values = np.arange(len(coordinates) * 4, dtype=np.float32).reshape(-1, 4)
        file.create_dataset("features", data=values, chunks=(1, 4), maxshape=(None, 4))
        coords = file.create_dataset("coords", data=coordinates, chunks=(1, 2), maxshape=(None, 2))
        for key, value in attributes.items():
            if value is not None:
                coords.attrs[key] = value


class Interchange(unittest.TestCase):
    def setUp(self) -> None:
        kept = tempfile.TemporaryDirectory()
        self.addCleanup(kept.cleanup)
        self.folder = Path(kept.name)

    def equal(self, one: Features, other: Features) -> None:
        np.testing.assert_array_equal(one.coordinates, other.coordinates)
        np.testing.assert_array_equal(one.values, other.values)

    def refused(self, part: str, work, *arguments: object, **named: object) -> None:
        with self.assertRaises(Problem) as caught:
            work(*arguments, **named)
        self.assertIn(part, str(caught.exception))

    def run_main(self, *arguments: object) -> tuple[int, str, str]:
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = main([str(argument) for argument in arguments])
        return code, out.getvalue(), err.getvalue()

    def test_digests_are_blake3(self) -> None:
        # Of the published test vectors: nothing, and one byte 0.
        self.assertEqual(digest("")[7:19], "af1349b9f5f9")
        self.assertEqual(digest("\0")[7:19], "2d3adedff11b")
        self.assertEqual(len(digest("x" * 1024)), 71)

    def test_own_files_come_back(self) -> None:
        for steps in (1, 2):
            made = features(steps=steps)
            made.write(self.folder / "a.safetensors")
            back = Features.read(self.folder / "a.safetensors")
            self.equal(made, back)
            self.assertEqual(made.facts(), back.facts())

    def test_broken_own_files_are_refused(self) -> None:
        path = self.folder / "a.safetensors"
        features().write(path)
        whole = path.read_bytes()
        for length in (0, 7, 100, len(whole) - 1):
            path.write_bytes(whole[:length])
            self.refused(str(path), Features.read, path)
        made = features()
        values = made.values.astype(np.float32)
        values[3, 2] = 1e6
        grid = made.grid
        self.refused("half precision", Features, "s", grid, made.cells, values, {}, "")
        twice = np.zeros_like(made.cells)
        self.refused("same place", Features, "s", grid, twice, made.values, {}, "")

    def test_trident_round_trip(self) -> None:
        for steps in (1, 2):
            made = features(steps=steps)
            trident.write(made, self.folder / "a.h5", "a")
            back, _ = placed(trident.read(self.folder / "a.h5"), Wishes("uni_v1", mpp=0.25))
            self.equal(made, back)

    def awkward(self, steps: int = 1) -> Features:
        """A scale that no power amounts to, an encoder with a digest."""
        grid = Grid(224, 0.5, steps, *SLIDE, slide_mpp=(0.499, 0.499))
        made = features(steps=steps)
        encoder = {"name": "kaiko-s16", "version": "2", "digest": digest("w"), "licence": "MIT"}
        cells = made.cells[(made.cells < (grid.rows, grid.columns)).all(axis=1)]
        values = made.values[: len(cells)]
        source = {"kind": "property", "key": "aperio.MPP"}
        return Features(digest("s"), grid, cells, values, encoder, digest("r"), source, "high", 0.35, "bianque 0.1")

    def test_own_facts_come_back_through_other_forms(self) -> None:
        for steps in (1, 2):
            made = self.awkward(steps)
            made.write(self.folder / "own" / "a.safetensors")
            for program, inside in (("trident", "."), ("clam", "h5_files"), ("clam", "pt_files")):
                there, back = self.folder / f"{program}{steps}", self.folder / f"back{steps}{inside}"
                self.assertEqual(self.run_main(f"to-{program}", self.folder / "own", "--out", there)[0], 0)
                code, said, complaint = self.run_main(f"from-{program}", there / inside, "--out", back)
                self.assertEqual((code, complaint), (0, ""))
                self.assertIn("made by Bianque", said)
                read = Features.read(back / "a.safetensors")
                self.assertEqual(read.facts(), made.facts())
                self.equal(read, made)

    def test_own_attributes_are_plain_to_others(self) -> None:
        trident.write(self.awkward(), self.folder / "a.h5", "a")
        with h5py.File(self.folder / "a.h5") as file:
            own = dict(file["coords"].attrs)
        self.assertEqual((own["bianque_encoder"], own["bianque_licence"]), ("kaiko-s16", "MIT"))
        self.assertEqual((own["bianque_encoder_digest"], own["bianque_mpp"][0]), (digest("w"), 0.499))

    def test_what_contradicts_own_facts_is_refused_or_said(self) -> None:
        made, path = self.awkward(), self.folder / "a.h5"
        trident.write(made, path, "a")
        other, notes = placed(trident.read(path), Wishes("uni_v1", mpp=0.25))
        self.assertEqual((other.encoder["name"], other.grid.slide_mpp), ("uni_v1", (0.25, 0.25)))
        self.assertIn("is not used", notes[0])
        facts = json.dumps(made.facts() | {"mpp": {"x": 0.3, "y": 0.3, "source": {}, "confidence": "high"}})
        no_steps = json.dumps(made.facts() | {"grid": made.facts()["grid"] | {"steps": 0, "tile_px": "x"}})
        narrow = json.dumps(made.facts() | {"dimension": 7})
        for text, part in (("{", "damaged"), ("[]", "damaged"), ('{"encoder": {}}', "damaged"), (facts, "grid"),
                           (no_steps, "damaged"), (narrow, "7 values")):
            with h5py.File(path, "r+") as file:
                file["coords"].attrs["bianque_facts"] = text
            self.refused(part, lambda: placed(trident.read(path), Wishes()))
        as_trident(path, np.array([(0, 0)]))
        self.refused("--encoder", placed, trident.read(path), Wishes(mpp=0.25))  # another program's

    def test_tridents_columns_first_and_overlap_are_understood(self) -> None:
        # With an overlap TRIDENT's second column begins a whole tile after the first.
        step = 512 - 256
        along = [0] + [512 + step * i for i in range(20)]
        coordinates = np.array([(x, y) for x in along for y in along[:9]])
        path = self.folder / "s.h5"
        as_trident(path, coordinates, overlap=128)
        made, notes = placed(trident.read(path), Wishes("uni_v1"))
        self.assertEqual(sorted(map(tuple, made.coordinates)), sorted(map(tuple, coordinates)))
        self.assertEqual(made.grid.steps, 2)
        self.assertIn("derived from the power 40", notes[0])
        order = {tuple(c): v for c, v in zip(coordinates, trident.read(path).features)}
        for corner, vector in zip(made.coordinates, made.values):
            np.testing.assert_array_equal(vector, order[tuple(corner)].astype(np.float16))

    def test_other_conventions_are_refused_with_the_reason(self) -> None:
        path = self.folder / "s.h5"
        regular = np.array([(x, y) for x in range(0, 19_000, 512) for y in range(0, 9_000, 512)])
        wishes = Wishes("uni_v1", mpp=0.25)
        cases = [
            (regular * 2, {}, "not in level-0 pixels"),
            (regular[:, ::-1], {}, "exchanged"),
            (regular - 512, {}, "negative"),
            (regular + 199, {}, "--snap"),
        ]
        for coordinates, changed, part in cases:
            size = {"level0_height": 9_500} | changed
            as_trident(path, coordinates, **size)
            self.refused(part, placed, trident.read(path), wishes)
        as_trident(path, regular, level0_magnification=None)
        self.refused("--mpp", placed, trident.read(path), Wishes("uni_v1"))
        as_trident(path, regular, patch_size_level0=None)
        self.refused("from-clam", trident.read, path)
        path.write_bytes(b"no HDF5")
        self.refused("no HDF5 file", trident.read, path)

    def clam_patches(self) -> tuple[Path, Path, np.ndarray]:
        """Two pieces of tissue, each with a grid of its own, as CLAM cuts them."""
        pieces = [
            [(1_003 + 512 * x, 777 + 512 * y) for y in range(6) for x in range(5)],
            [(9_250 + 512 * x, 4_111 + 512 * y) for y in range(4) for x in range(7)],
        ]
        coordinates = np.array(pieces[0] + pieces[1], np.int32)
        patches, made = self.folder / "patches" / "s.h5", self.folder / "h5_files" / "s.h5"
        for path in (patches, made):
            path.parent.mkdir(exist_ok=True)
        with h5py.File(patches, "w") as file:
            coords = file.create_dataset("coords", data=coordinates)
            level = {"patch_size": 256, "patch_level": 1, "downsample": (2.0, 2.0)}
            size = {"level_dim": (SLIDE[0] // 2, SLIDE[1] // 2)}
            for key, value in (level | size).items():
                coords.attrs[key] = value
        with h5py.File(made, "w") as file:
            values = np.random.default_rng(2).normal(size=(len(coordinates), 5))
            file["features"], file["coords"] = values.astype(np.float32), coordinates
        return patches, made, coordinates

    def test_clams_pieces_are_moved_only_when_that_is_allowed(self) -> None:
        patches, made, coordinates = self.clam_patches()
        foreign = clam.read(made, patches)
        self.assertEqual((foreign.tile_level0, foreign.size), (512, SLIDE))
        self.refused("--snap", placed, foreign, Wishes("resnet50", mpp=0.25))
        moved, notes = placed(foreign, Wishes("resnet50", mpp=0.25, snap=16))
        self.assertIn("were moved by at most", notes[0])
        self.assertEqual(len(moved.cells), len(coordinates))
        near = np.abs(moved.coordinates[:, None] - coordinates[None]).max(axis=2).min(axis=1)
        self.assertLessEqual(near.max(), 16)
        self.refused("how tiles were cut", clam.read, made)
        self.refused("no scale", placed, foreign, Wishes("resnet50"))

    def test_clam_round_trip(self) -> None:
        made = features()
        written = clam.write(made, self.folder / "clam", "a")
        for path in written:
            back, _ = placed(clam.read(path), Wishes("uni_v1", mpp=0.25))
            self.equal(made, back)

    @unittest.skipUnless(importlib.util.find_spec("torch"), "PyTorch is absent")
    def test_a_pt_that_runs_code_is_refused(self) -> None:
        import torch

        class Hostile:
            def __reduce__(self):
                return os.mkdir, (str(self.folder),)

            folder = self.folder / "ran"

        path = self.folder / "pt_files" / "s.pt"
        path.parent.mkdir()
        torch.save(Hostile(), path)
        self.refused("no plain tensor", clam.read_pt, path)
        self.assertFalse(Hostile.folder.exists())
        self.refused("no coordinates", clam.read, path)

    @unittest.skipUnless(importlib.util.find_spec("anndata"), "anndata is absent")
    def test_anndata_round_trip(self) -> None:
        import anndata

        made = features(steps=2)
        path = self.folder / "a.h5ad"
        annotated.write(made, path, "a")
        read = anndata.read_h5ad(path)
        self.assertEqual(read.shape, (40, 6))
        middles = made.coordinates + 256
        np.testing.assert_array_equal(read.obsm["spatial"], middles)
        self.assertEqual(str(read.uns["bianque"]["encoder"]), "uni_v1")
        self.equal(made, annotated.read(path))

    def test_ruipaths_table_and_bundles(self) -> None:
        tiles = np.random.default_rng(3).integers(0, 256, (300, 16, 16, 3), np.uint8)
        corners = [[i, i] for i in range(300)]
        facts = {"coordinates": corners, "slide": "d", "slide_name": "s.svs", "tile_px": 16, "tile_mpp": 0.5}
        count = ruipath.pack(tiles, facts, self.folder / "s.h5")
        for ending in ("csv", "tsv"):
            table = self.folder / f"manifest.{ending}"
            bundles = [ruipath.Bundle("s.h5", count), ruipath.Bundle("s.h5", 7)]
            ruipath.write_manifest(bundles, table)
            self.assertEqual(ruipath.read_manifest(table, self.folder), bundles)
        self.assertEqual((self.folder / "manifest.csv").read_text().splitlines()[2], "s.h5,7,307")
        with h5py.File(self.folder / "s.h5") as file:
            np.testing.assert_array_equal(file["patches"][:], tiles)
        table = self.folder / "wrong.csv"
        table.write_text("h5_path,patch_count,cum_sum\ns.h5,4,4\ns.h5,4,9\n")
        self.refused("line 3", ruipath.read_manifest, table)
        table.write_text("h5_path,patch_count\ns.h5,4\n")
        self.refused("cum_sum", ruipath.read_manifest, table)
        self.refused("8-bit RGB", ruipath.pack, tiles[:0], facts, self.folder / "t.h5")

    def test_the_command_line_converts_a_folder_and_names_what_failed(self) -> None:
        regular = np.array([(x, y) for x in range(0, 9_000, 512) for y in range(0, 9_000, 512)])
        given = self.folder / "given"
        given.mkdir()
        as_trident(given / "good.h5", regular)
        as_trident(given / "bad.h5", regular * 9)
        out = self.folder / "out"
        run = ("from-trident", given, "--out", out, "--encoder", "uni_v1", "--mpp", 0.25)
        code, said, complaint = self.run_main(*run)
        self.assertEqual((code, [path.name for path in out.iterdir()]), (1, ["good.safetensors"]))
        self.assertIn("good: 324 tiles", said)
        self.assertIn("bad: tiles lie at", complaint)
        code, _, _ = self.run_main("to-trident", out, "--out", self.folder / "back")
        self.assertEqual((code, (self.folder / "back" / "good.h5").is_file()), (0, True))
        code, _, complaint = self.run_main("to-clam", self.folder / "none", "--out", out)
        self.assertEqual((code, "no such file" in complaint), (1, True))


if __name__ == "__main__":
    unittest.main()
