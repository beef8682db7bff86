"""BVH for each program: names, order, unit; places by a parser of another make; Euler curves that do not jump."""

import dataclasses

import numpy as np
import other_bvh_reader
import pytest
from made_body import made_motion, wild_motion  # pyright: ignore[reportMissingImports]
from scipy.spatial.transform import Rotation

from maquette.errors import OutputError
from maquette.exporters.bvh import animation_to_bvh
from maquette.exporters.bvh_presets import BVH_PRESETS
from maquette.exporters.choices import PER_METRE
from maquette.rig import RigAnimation, animate
from maquette.rig.forward import node_positions_m


def read(text: bytes) -> tuple[dict[str, np.ndarray], list[other_bvh_reader.Node], np.ndarray]:
    nodes, values, _ = other_bvh_reader.read(text.decode())
    return other_bvh_reader.positions(nodes, values), nodes, values


@pytest.mark.parametrize("preset", [*BVH_PRESETS, None])
@pytest.mark.parametrize("motion", [made_motion(seed=5), wild_motion(seed=5)], ids=["made", "wild"])
def test_places_are_the_same_for_every_program(motion, preset, caplog: pytest.LogCaptureFixture) -> None:
    animation = animate(motion)
    places, nodes, _ = read(animation_to_bvh(animation, preset=preset))
    per_metre = PER_METRE[BVH_PRESETS[preset].unit if preset else "cm"]
    found = [node.name for node in nodes if not node.name.endswith("_end")]
    expected, _ = node_positions_m(animation)
    kept = [name for name in animation.names if not (preset == "3dsmax" and name in ("LHipJoint", "RHipJoint"))]
    assert len(found) == len(kept)
    errors = [
        np.linalg.norm(places[name] / per_metre - expected[:, animation.names.index(ours)], axis=1).max()
        for name, ours in zip(found, kept, strict=True)
    ]
    if preset == "3dsmax" and max(errors) > 1e-3:
        # Thighs that move in the hips: Biped has no place for that, and the log says by how much.
        said = float(caplog.text.split("in the hips by up to ")[1].split(" mm")[0])
        assert abs(1000 * max(errors) - said) < 0.06
        assert motion.scale_source != "made"
    else:
        assert max(errors) < 2e-5


def test_names_that_biped_asks_for() -> None:
    """As Autodesk's table for Character Studio has them: who must hang on whom."""
    _, nodes, values = read(animation_to_bvh(animate(made_motion(30)), preset="3dsmax"))
    parent = {node.name: node.parent.name if node.parent else "" for node in nodes}
    table = {"Hips": "", "Chest": "Hips", "Neck": "Chest2", "Head": "Neck"}
    for side in ("Left", "Right"):
        chain = ["Hips", *(f"{side}{name}" for name in ("Hip", "Knee", "Ankle", "Toe"))]
        table |= dict(zip(chain[1:], chain[:-1], strict=True))
        chain = ["Chest2", *(f"{side}{name}" for name in ("Collar", "Shoulder", "Elbow", "Wrist"))]
        table |= dict(zip(chain[1:], chain[:-1], strict=True))
    assert {name: parent[name] for name in table} == table
    assert values.shape[1] == 3 * sum(not node.name.endswith("_end") for node in nodes) + 3


def test_names_that_motionbuilder_characterizes() -> None:
    _, nodes, _ = read(animation_to_bvh(animate(made_motion(3)), preset="motionbuilder"))
    names = [node.name for node in nodes]
    for name in ("Hips", "Spine", "Spine1", "Neck", "Head", "LeftShoulder", "LeftArm", "LeftForeArm", "LeftHand"):
        assert names.count(name) == 1
    for name in ("RightUpLeg", "RightLeg", "RightFoot", "RightToeBase"):
        assert names.count(name) == 1
    # Its import makes the reference node itself.
    assert not any("reference" in name.lower() for name in names)


def renamed(animation: RigAnimation, **names: str) -> RigAnimation:
    return dataclasses.replace(animation, names=tuple(names.get(n, n) for n in animation.names), roles={})


def test_names_are_made_fit() -> None:
    animation = renamed(
        animate(made_motion(3)),
        Hips="mixamorig:Hips",
        Spine="Spine 1",
        LowerBack="Spine_1",
        Neck="Hälse{1}",
        Head="1st",
    )
    plain = [node.name for node in read(animation_to_bvh(animation))[1]]
    assert {"mixamorig:Hips", "Spine_1", "Spine_1_2", "Hälse_1_", "1st"} <= set(plain)
    maya = [node.name for node in read(animation_to_bvh(animation, preset="maya"))[1]]
    assert {"mixamorig_Hips", "H_lse_1_", "_1st"} <= set(maya)
    long = renamed(animate(made_motion(3)), Hips="Hüfte" * 20, Spine="Hüfte" * 20)
    blender = [node.name for node in read(animation_to_bvh(long, preset="blender"))[1]]
    assert max(len(name.removesuffix("_end").encode()) for name in blender) <= 63
    assert len(set(blender)) == len(blender)


def test_rows_for_maya_end_in_a_blank() -> None:
    # The common import script drops what follows the last blank of a row.
    text = animation_to_bvh(animate(made_motion(4)), preset="maya").decode()
    rows = text.split("Frame Time: ")[1].split("\n")[1:-1]
    assert len(rows) == 4
    assert all(row.endswith(" ") and not row.endswith("  ") for row in rows)
    assert all(channel in text for channel in ("Zrotation Yrotation Xrotation",))


def test_own_choices_come_before_the_preset() -> None:
    text = animation_to_bvh(animate(made_motion(3)), preset="maya", rotation_order="XYZ", unit="mm")
    places, nodes, _ = read(text)
    assert nodes[1].channels == ["Xrotation", "Yrotation", "Zrotation"]
    assert 800 < places["Hips"][0, 1] < 1100
    with pytest.raises(OutputError, match="preset 'poser' is unknown; expected blender, motionbuilder"):
        animation_to_bvh.__wrapped__(animate(made_motion(3)), preset="poser")  # pyright: ignore


def test_rigs_with_axes_of_their_own_get_a_straight_rest() -> None:
    """A figure whose joints are turned at rest, by SciPy: the file has its rest pose at zero and the same motion."""
    animation = animate(made_motion(40, seed=7))
    places, orientations = node_positions_m(animation)
    rng = np.random.default_rng(1)
    axes = Rotation.from_quat(rng.normal(size=(len(animation.names), 4)))
    world = [Rotation.from_quat(orientations[:, node][:, [1, 2, 3, 0]]) * axes[node] for node in range(len(axes))]
    rest, offsets, tips, turned = [], [], [], []
    for node, parent in enumerate(animation.parents):
        above = Rotation.identity() if parent < 0 else axes[parent]
        offsets.append(above.inv().apply(animation.rest_offsets_m[node]))
        tips.append(axes[node].inv().apply(animation.tip_offsets_m[node]))
        rest.append((above.inv() * axes[node]).as_quat()[[3, 0, 1, 2]])
        local = world[node] if parent < 0 else world[parent].inv() * world[node]
        turned.append(local.as_quat()[:, [3, 0, 1, 2]])
    bent = dataclasses.replace(
        animation,
        rest_offsets_m=np.array(offsets),
        tip_offsets_m=np.array(tips),
        rotations=np.stack(turned, axis=1),
        rest_rotations=np.array(rest),
    )
    found, nodes, values = read(animation_to_bvh(bent))
    for node, name in enumerate(animation.names):
        np.testing.assert_allclose(found[name] / 100, places[:, node], atol=2e-5, err_msg=name)
    at_rest = other_bvh_reader.positions(nodes, np.zeros((1, values.shape[1])))
    assert at_rest["LeftHand"][0, 0] > 60
    assert abs(at_rest["LeftHand"][0, 1] - at_rest["LeftArm"][0, 1]) < 1e-3


def test_subtrees_are_written_in_one_piece() -> None:
    animation = animate(made_motion(5))
    # Both legs, joint by joint in turns: parents come first, but no leg is in one piece.
    order = sorted(range(len(animation.names)), key=lambda node: (depth(animation, node), node))
    new = {old: number for number, old in enumerate(order)}
    mixed = dataclasses.replace(
        animation,
        names=tuple(animation.names[node] for node in order),
        parents=tuple(new.get(animation.parents[node], -1) for node in order),
        rest_offsets_m=animation.rest_offsets_m[order],
        tip_offsets_m=animation.tip_offsets_m[order],
        rotations=animation.rotations[:, order],
        places={},
    )
    assert animation_to_bvh(mixed) == animation_to_bvh(animation)
    places, _ = node_positions_m(animation)
    for name, path in read(animation_to_bvh(mixed))[0].items():
        if name in animation.names:
            np.testing.assert_allclose(path / 100, places[:, animation.names.index(name)], atol=2e-5, err_msg=name)


def depth(animation: RigAnimation, node: int) -> int:
    steps = 0
    while animation.parents[node] >= 0:
        node, steps = animation.parents[node], steps + 1
    return steps


@pytest.mark.parametrize("preset", list(BVH_PRESETS))
def test_angles_step_no_more_than_the_joint_turns(preset) -> None:
    """Outer angles may run faster than the joint only near the lock, where the law is 1 / cos(middle angle)."""
    _, nodes, values = read(animation_to_bvh(animate(made_motion(400, seed=6)), preset=preset))
    column = 3
    for node in (node for node in nodes if node.channels):
        angles = values[:, column : column + 3]
        column += 3
        turn = Rotation.from_euler("".join(channel[0] for channel in node.channels[-3:]), angles, degrees=True)
        turned = np.degrees((turn[:-1].inv() * turn[1:]).magnitude())
        middle = np.abs(np.cos(np.radians(angles[:, 1])))
        room = np.minimum(middle[:-1], middle[1:])
        steps = np.abs(np.diff(angles, axis=0)).max(axis=1)
        free = room > 0.2
        assert (steps[free] <= 1.25 * turned[free] / room[free] + 0.01).all(), node.name
        assert steps.max() < 200, node.name
