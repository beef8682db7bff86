"""Trains the small network that tells left from right in single frames, and writes it with its card.

    python benchmarks/release_sides.py --data ../shared/data --to src/maquette/weights

Recorded people (CMU, train split) on varied bodies, through cameras at the heights at which people hold them and some
others, with the joints and the mistakes of detectors (:mod:`maquette.datasets.landmarks`,
:mod:`~maquette.datasets.detector_noise`). Many detectors report nothing, or little confidence, where a face is turned
away; half of the samples that have a face imitate that. The network gives every labelling of a frame a plausibility; it
is trained to choose the right one among it and the same frame with parts of the body exchanged (cross-entropy of the
softmax over the labellings).
"""

import argparse
import hashlib
import time
from fractions import Fraction
from pathlib import Path

import numpy as np

from maquette.datasets.augment import vary_poses
from maquette.datasets.bodies import draw_lengths, head_frame, set_lengths, shift_rig
from maquette.datasets.cameras import Views, look, project
from maquette.datasets.detector_noise import disturb
from maquette.datasets.landmarks import FORMAT_SHARES, mark
from maquette.datasets.mocap import clips_of_split, load_clips, positions_of
from maquette.datasets.samples import MotionLibrary
from maquette.formats.npz import write_arrays
from maquette.keypoints import Keypoints
from maquette.refine.keypoints_swaps_evidence import CHANNELS, LOOKED_AT, PAIRS, evidence_of, exchanged_channels
from maquette.skeletons import LANDMARKS_27

FRAMES, STEP_S = 27, 0.04
SEED = 5
FORMATS = tuple(FORMAT_SHARES)
SHARES = np.array([{"blazepose-33": 4, "coco-17": 5, "openpose-body-25": 5}.get(name, 1.5) for name in FORMATS])
LABELLINGS = (
    PAIRS,
    PAIRS,
    ("eye", "ear", "shoulder", "elbow", "wrist"),
    ("hip", "knee", "ankle", "heel", "toe"),
    ("knee", "ankle", "heel", "toe"),
    ("shoulder", "elbow", "wrist"),
    ("elbow", "wrist"),
    ("eye", "ear"),
    ("shoulder",),
    ("hip",),
    ("elbow",),
    ("wrist",),
    ("knee",),
    ("ankle", "heel", "toe"),
)
"""Pairs that are exchanged in the labellings to choose from; all of them counts twice, being the hardest to tell."""
HIDDEN, WIDTHS = 96, 48


def draw_views(rng: np.random.Generator, n: int, hip_m: np.ndarray) -> Views:
    """Cameras 0.4 to 2.5 m above the ground, a fifth of them anywhere up to 4 m, 2.2 to 12 m away, turned as people do
    it.

    Args:
        hip_m: height of the hip over the ground.
    """
    height = np.where(rng.random(n) < 0.8, np.clip(rng.normal(1.4, 0.35, n), 0.4, 2.5), rng.uniform(0.2, 4.0, n))
    distance = np.exp(rng.uniform(np.log(2.2), np.log(12), n))
    down = np.arctan2(height - hip_m, distance)
    focal = np.minimum(np.exp(rng.uniform(np.log(0.75), np.log(2.1), n)), 0.5 * distance)
    place = rng.uniform(-0.3, 0.3, (n, 2))
    elevation = down - np.arctan(place[:, 1] / focal)
    R = look(rng.uniform(0, 2 * np.pi, n), elevation, np.radians(2.5 * rng.standard_normal(n)))
    ray = np.concatenate([place / focal[:, None], np.ones((n, 1))], axis=1)
    root = ray / np.linalg.norm(ray, axis=1, keepdims=True) * distance[:, None]
    size = np.ones((n, 2))
    return Views(R, *(a.astype(np.float32) for a in (root, focal, size, focal)))


def hide_faces(rng: np.random.Generator, seen: np.ndarray, head: np.ndarray, views: Views, honest: np.ndarray) -> None:
    """Nothing is seen of what the head hides, in the windows that are ``honest``; ``head``: axes in the world."""
    to_camera = -np.einsum(
        "nij,ni->nj", views.R_camera_world, views.root_m / np.linalg.norm(views.root_m, axis=1)[:, None]
    )
    left, _, forward = (np.einsum("nfi,ni->nf", head[..., axis], to_camera) for axis in range(3))
    slack = rng.normal(-0.15, 0.12, (len(seen), 1))
    for name, toward in {
        "face_nose": forward,
        "l_eye": forward + 0.35 * left,
        "r_eye": forward - 0.35 * left,
        "l_ear": left - 0.15 * forward,
        "r_ear": -left - 0.15 * forward,
    }.items():
        seen[:, :, LANDMARKS_27.index(name)] &= (toward > slack) | ~honest[:, None]


def windows(library: MotionLibrary, seed: int, n: int) -> np.ndarray:
    """Channels of ``n`` frames as detectors see them."""
    rng = np.random.default_rng([SEED, seed])
    vectors = library.draw_segments(rng, n, FRAMES, STEP_S)
    lengths = draw_lengths(rng, vectors, keep_probability=0.25)
    vectors = vary_poses(rng, vectors, strength=0.4)
    vectors = shift_rig(rng, set_lengths(vectors, lengths), probability=0.6, sd_m=0.014)
    nodes = positions_of(vectors)
    formats = rng.choice(len(FORMATS), n, p=SHARES / SHARES.sum())
    landmarks = mark(rng, vectors, nodes, formats)
    middle = nodes[:, FRAMES // 2]
    hip_m = middle[:, 0, 1] - middle[..., 1].min(1)
    views = draw_views(rng, n, hip_m)
    picture, front = project(views, landmarks.points - middle[:, None, :1])
    picture, seen = disturb(
        rng,
        picture,
        front & landmarks.has[:, None],
        person_side=views.focal / views.root_m[:, 2],
        size=views.size,
        clean_share=0.2,
        swap_share=0.0,
    )
    honest = (rng.random(n) < 0.55) & (formats != FORMATS.index("blazepose-33"))
    hide_faces(rng, seen, head_frame(vectors), views, honest)
    rows = []
    for points, there in zip(picture * 1000.0, seen, strict=True):
        if there[FRAMES // 2, LOOKED_AT].sum() >= 6:
            track = Keypoints(points.astype(np.float64), there.astype(float), LANDMARKS_27, Fraction(25))
            found = evidence_of(track)
            assert found is not None
            rows.append(found.channels()[FRAMES // 2])
    return np.array(rows)


def train(data: np.ndarray, held_out: np.ndarray, epochs: int) -> tuple[list[np.ndarray], dict[str, float]]:
    """Weights and biases of the three layers; how well the right labelling is told from each other one."""
    import torch

    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    orders = torch.tensor(np.stack([np.arange(CHANNELS), *(exchanged_channels(pairs) for pairs in LABELLINGS)]))
    whole = torch.tensor(exchanged_channels(PAIRS))
    layers = [torch.nn.Linear(CHANNELS, HIDDEN), torch.nn.Linear(HIDDEN, WIDTHS), torch.nn.Linear(WIDTHS, 1)]
    network = torch.nn.Sequential(layers[0], torch.nn.ReLU(), layers[1], torch.nn.ReLU(), layers[2])
    optimiser = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=0.01)
    rows, batch = torch.tensor(data), 256
    steps = epochs * (len(rows) // batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=steps)
    mirror = torch.ones(CHANNELS)
    mirror[: 2 * len(LOOKED_AT) : 2] = -1
    mirror[3 * len(LOOKED_AT)] = -1
    start = time.perf_counter()
    for step in range(steps):
        x = rows[torch.randint(len(rows), (batch,))]
        # A mirrored picture shows a person whose left is its right.
        flip = torch.rand(batch, 1) < 0.5
        x = torch.where(flip, x[:, whole] * mirror, x)
        scores = network(x[:, orders])[..., 0]
        loss = torch.nn.functional.cross_entropy(scores, torch.zeros(batch, dtype=torch.long))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if step % 500 == 0:
            print(f"step {step} of {steps}: loss {loss.item():.3f}, {time.perf_counter() - start:.0f} s", flush=True)
    with torch.no_grad():
        scores = network(torch.tensor(held_out)[:, orders])[..., 0].numpy()
    right = {" ".join(p): float((scores[:, 0] > scores[:, k + 1]).mean()) for k, p in enumerate(LABELLINGS)}
    return [p.detach().numpy() for layer in layers for p in (layer.weight.T, layer.bias)], right


def card(path: Path, arrays: list[np.ndarray], seen: int, right: dict[str, float]) -> str:
    """The text beside the weights."""
    rows = "\n".join(f"| {name} | {share:.3f} |" for name, share in right.items())
    return CARD.format(
        parameters=f"{sum(array.size for array in arrays):,}",
        kilobytes=round(path.stat().st_size / 1000),
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        seed=SEED,
        seen=f"{seen:,}",
        rows=rows,
        trained_on=(
            "CMU Graphics Lab Motion Capture Database (mocap.cs.cmu.edu), train split by subject, virtual cameras, "
            "simulated detector"
        ),
        licence=(
            "MIT (weights); the CMU data may be used freely, also in products, and may not be resold, even converted"
        ),
        acknowledgement=(
            "The data used in this project was obtained from mocap.cs.cmu.edu. The database was created with funding "
            "from NSF EIA-0196217."
        ),
    )


CARD = """# maquette-sides

Which labelling of left and right in a single frame of 2D keypoints looks like a person: what
`maquette.refine.keypoints_swaps_evidence` asks where continuity says nothing. Three layers, {parameters} parameters,
{kilobytes} kB. In: 20 landmarks in pairs and the tip of the nose, from the middle of the trunk in body heights, which
of them are seen, the velocity of the trunk and the growth of the person. Out: one number, the logarithm of the
plausibility of the labelling up to a constant of the frame.

| | |
|---|---|
| sha256 | `{sha256}` |
| trained on | {trained_on} |
| licence | {licence} |
| acknowledgement | {acknowledgement} |
| command | `python benchmarks/release_sides.py --data ../shared/data --to src/maquette/weights` |
| seed | {seed} |
| samples seen | {seen} |

## Accuracy

Share of single frames (CMU val, subjects 06 and 135, never trained on, with detector errors) in which the right labels
are more plausible than those with these landmarks exchanged. What the repair makes of it: `benchmarks/swap_repair.py`.

| exchanged | right |
|---|---|
{rows}

## Limits

* All labels exchanged are the picture of another possible person, seen from the other side: only perspective, the
  camera's height, the way someone walks and what hides a face tell the two apart. Far away, and in side views, little
  does.
* People near the ground, upside down or seen from steeply above are rare in the training.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with cmu/")
    parser.add_argument("--samples", type=int, default=40_000)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--to", type=Path, default=Path("src/maquette/weights"), help="folder for weights and card")
    args = parser.parse_args()
    clips = load_clips(args.data / "cmu")
    start = time.perf_counter()
    sets = {}
    for name, split, count in (("train", "train", args.samples), ("val", "val", 4000)):
        library = MotionLibrary(clips_of_split(clips, split))
        first = 0 if name == "train" else 1 << 20
        sets[name] = np.concatenate([windows(library, first + k, 250) for k in range(count // 250)])
        print(f"{name}: {len(sets[name])} frames, {time.perf_counter() - start:.0f} s", flush=True)
    arrays, right = train(sets["train"], sets["val"], args.epochs)
    path = args.to / "maquette-sides.npz"
    names = [f"{kind}_{k}" for k in range(3) for kind in ("weight", "bias")]
    with path.open("wb") as file:
        write_arrays(file, {n: a.astype(np.float16) for n, a in zip(names, arrays, strict=True)}, compressed=True)
    path.with_suffix(".md").write_text(card(path, arrays, args.samples * args.epochs, right), encoding="utf-8")


if __name__ == "__main__":
    main()
