"""Relative information encoding on our own lifters' landmarks."""

import numpy as np
import torch

from maquette.lifting.normalize import CHANNELS, LANDMARKS, normalise_windows
from maquette.models.decoder import VALUES
from maquette.models.rie_landmarks import CENTRE, LANDMARK_GROUPS, LandmarkEncoding, joints_of
from maquette.skeletons import LANDMARKS_27, LIFTED_21


def windows(n: int = 3) -> np.ndarray:
    rng = np.random.default_rng(4)
    points = rng.uniform(300, 600, (n, 27, LANDMARKS, 2)) + np.linspace(0, 80, 27)[:, None, None]
    seen = rng.random((n, 27, LANDMARKS)) > 0.2
    return normalise_windows(points, seen, 1200.0, (640.0, 360.0)).features


def network(**sizes) -> LandmarkEncoding:
    torch.manual_seed(1)
    fields = {
        "levels": 3,
        "channels": 8,
        "latent": 6,
        "hidden": 12,
        "dropout": 0.0,
        "head_dropout": 0.0,
        "stage": 3,
        **sizes,
    }
    return LandmarkEncoding(**fields).eval()


def test_left_and_right_groups_are_mirror_images() -> None:
    groups = {group.name: group for group in LANDMARK_GROUPS.groups}
    for limb in ("Arm", "Leg"):
        left, right = groups[f"L{limb}"], groups[f"R{limb}"]
        assert [LANDMARKS_27.mirror_permutation[i] for i in left.inputs] == list(right.inputs)
        assert [LIFTED_21.mirror_permutation[i] for i in left.outputs] == list(right.outputs)
    assert set(range(LANDMARKS + 1)) == {i for group in LANDMARK_GROUPS.groups for i in group.inputs}


def test_positions_relative_to_the_root_are_the_features_own() -> None:
    """The features hold positions relative to the centre, 0 for a missing one: that is the positional encoding."""
    features = torch.from_numpy(windows())
    joints = joints_of(features)
    relative = joints[..., :2] - joints[..., CENTRE : CENTRE + 1, :2]
    own = features[..., : 2 * LANDMARKS].unflatten(-1, (LANDMARKS, 2))
    torch.testing.assert_close(relative[..., :LANDMARKS, :], own)
    missing = joints[..., :LANDMARKS, 2] == 0
    assert missing.any()
    assert (relative[..., :LANDMARKS, :][missing].abs() < 1e-6).all()


def test_values_are_those_that_the_decoder_reads() -> None:
    net, features = network(), torch.from_numpy(windows())
    with torch.no_grad():
        values = net(features)
        raw = net.encoding(joints_of(features))[:, 0]
    assert features.shape[2] == CHANNELS
    assert values.shape == (3, VALUES)
    assert net.window_frames == 27
    knee = LIFTED_21.index("l_knee")
    torch.testing.assert_close(values[:, 3 * knee : 3 * knee + 3], raw[:, knee, :3])
    torch.testing.assert_close(values[:, 63 + knee], raw[:, knee, 3])
