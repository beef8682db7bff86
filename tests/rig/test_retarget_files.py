"""Motions onto the skeletons of files: real BVH and ASF rigs, and a made VRM whose names say nothing."""

from pathlib import Path

import numpy as np
import pytest
from made_body import made_motion  # pyright: ignore[reportMissingImports]

from maquette.errors import InputError
from maquette.exporters import write_motion
from maquette.formats.bvh import parse_bvh
from maquette.formats.glb import pack_glb
from maquette.motion import Motion
from maquette.readers.motion import read_motion
from maquette.rig.choice import animated
from maquette.rig.forward import joint_positions_m, node_positions_m
from maquette.rig.human_pose import human_pose
from maquette.rig.rig_file import read_rig
from maquette.rig.rigs_person import person_rig, whole_pose
from maquette.rig.roles import guess_roles

FILES = {
    "cgspeed": "cmu_cgspeed_bvh/12_01_walk.bvh",
    "daz": "cmu_daz_bvh/11_01.bvh",
    "iclone": "cmu_iclone_bvh/007_05.bvh",
    "motionbuilder": "cmu_motionbuilder_bvh/131_03.bvh",
}


def limbs(motion: Motion) -> dict[str, np.ndarray]:
    """Unit directions of the bones of arms and legs, and from the right thigh to the left."""
    bones = guess_roles(motion.skeleton.joints, motion.skeleton.parents).bones
    ways = {"hips": motion.joint(bones["leftUpperLeg"]) - motion.joint(bones["rightUpperLeg"])}
    for side in ("left", "right"):
        for start, end in (
            ("UpperLeg", "LowerLeg"),
            ("LowerLeg", "Foot"),
            ("UpperArm", "LowerArm"),
            ("LowerArm", "Hand"),
        ):
            ways[side + start] = motion.joint(bones[side + end]) - motion.joint(bones[side + start])
    return {bone: way / np.linalg.norm(way, axis=-1, keepdims=True) for bone, way in ways.items()}


@pytest.mark.parametrize("name", FILES)
def test_a_walk_on_real_rigs(shared_dir: Path, tmp_path: Path, name: str) -> None:
    raw = shared_dir / "data" / "raw"
    walk, figure = read_motion(raw / "cmu_asf_amc" / "02_01.amc"), raw / FILES[name]
    write_motion(walk, tmp_path / "out.bvh", rig=figure, foot_lock=False)
    out = read_motion(tmp_path / "out.bvh")
    before, after = limbs(walk), limbs(out)
    for bone in before:
        cosine = np.sum(before[bone] * after[bone], axis=-1)
        # The line of the thighs is the rig's own, which need not be level in the file.
        assert cosine.min() > np.cos(np.radians(3.0 if bone == "hips" else 0.05)), bone
    wanted, made = parse_bvh(figure.read_bytes(), name), parse_bvh((tmp_path / "out.bvh").read_bytes(), "out")
    assert {j.name for j in made.joints} == {j.name for j in wanted.joints}
    metre = read_rig(figure).offsets_m
    for joint, offset in zip(read_rig(figure).names[1:], metre[1:], strict=True):
        there = next(j for j in made.joints if j.name == joint)
        np.testing.assert_allclose(np.array(there.offset), 100 * offset, atol=1e-4, err_msg=joint)


def test_there_and_back_on_real_rigs(shared_dir: Path, tmp_path: Path) -> None:
    raw = shared_dir / "data" / "raw"
    home = raw / FILES["iclone"]
    clip = read_motion(home)
    bones = read_rig(home).roles
    for name in ("cgspeed", "motionbuilder"):
        write_motion(clip, tmp_path / "there.bvh", rig=raw / FILES[name], foot_lock=False)
        write_motion(read_motion(tmp_path / "there.bvh"), tmp_path / "back.bvh", rig=home, foot_lock=False)
        back = read_motion(tmp_path / "back.bvh")
        for bone, joint in bones.items():
            here = clip.joint(joint) - clip.joint(bones["hips"])
            there = back.joint(joint) - back.joint(bones["hips"])
            # A pelvis below the hips that turns by itself is no bone of a humanoid; the legs hang on it.
            is_leg = bone.endswith(("Leg", "Foot", "Toes"))
            np.testing.assert_allclose(there, here, atol=0.01 if is_leg else 2e-4, err_msg=f"{name}: {bone}")


def test_feet_stand_on_a_rig_of_other_proportions(shared_dir: Path) -> None:
    raw = shared_dir / "data" / "raw"
    animation = animated(read_motion(raw / "cmu_asf_amc" / "02_01.amc"), rig=raw / FILES["cgspeed"])
    places, _ = node_positions_m(animation)
    stands = [(side, first, last) for side in ("left", "right") for first, last in animation.contacts[f"{side[0]}_toe"]]
    assert len(stands) >= 4
    for side, first, last in stands:
        ball = places[first : last + 1, animation.names.index(animation.roles[f"{side}Toes"])]
        assert np.abs(ball[:, [0, 2]] - ball[0, [0, 2]]).max() < 1e-3


def made_vrm(tmp_path: Path) -> tuple[Path, Motion]:
    """A VRM 0.x: facing -Z, nodes without telling names, under a node that is scaled to a hundredth and turned."""
    motion = made_motion(20, seed=8)
    pose = whole_pose(human_pose(motion))
    rig = person_rig("unity", pose)
    nodes: list[dict] = [
        {
            "name": f"node {number}",
            # Half a turn about Y, as VRM 0.x faces, told in the axes of a parent that has Z up and lengths in cm.
            "translation": [float(v) for v in 100 * offset * [-1.0, 1.0, -1.0]],
        }
        for number, offset in enumerate(rig.offsets_m)
    ]
    for node, parent in enumerate(rig.parents):
        if parent >= 0:
            nodes[parent].setdefault("children", []).append(node)
    x, y, z = nodes[0]["translation"]
    nodes[0] |= {"translation": [x, -z, y], "rotation": [np.sqrt(0.5), 0.0, 0.0, np.sqrt(0.5)]}
    nodes.append(
        {"name": "scene", "children": [0], "scale": [0.01] * 3, "rotation": [-np.sqrt(0.5), 0.0, 0.0, np.sqrt(0.5)]}
    )
    humanoid = [{"bone": bone, "node": rig.names.index(joint)} for bone, joint in rig.roles.items()]
    document = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [len(nodes) - 1]}],
        "nodes": nodes,
        "extensionsUsed": ["VRM"],
        "extensions": {"VRM": {"humanoid": {"humanBones": humanoid}}},
    }
    path = tmp_path / "figure.vrm"
    path.write_bytes(pack_glb(document, b""))
    return path, motion


def test_roles_of_a_vrm_are_the_files_own(tmp_path: Path) -> None:
    path, motion = made_vrm(tmp_path)
    animation = animated(motion, rig=path)
    positions = joint_positions_m(animation)
    for joint in animation.places:
        wanted = motion.joint(joint)
        np.testing.assert_allclose(positions[:, motion.skeleton.index(joint)], wanted, atol=1e-6, err_msg=joint)


def test_files_without_a_person_are_refused(tmp_path: Path) -> None:
    (tmp_path / "door.bvh").write_text(
        "HIERARCHY\nROOT door\n{\nOFFSET 0 0 0\nCHANNELS 3 Zrotation Xrotation Yrotation\n"
        "End Site\n{\nOFFSET 0 90 0\n}\n}\nMOTION\nFrames: 1\nFrame Time: 0.04\n0 0 0\n"
    )
    with pytest.raises(InputError, match=r"door\.bvh: not recognised as a human figure: hips, spine, head"):
        animated(made_motion(3), rig=tmp_path / "door.bvh")
    (tmp_path / "x.txt").write_text("nothing")
    with pytest.raises(InputError, match=r"no file with a skeleton that is read here; expected \.bvh \.amc \.glb"):
        read_rig(tmp_path / "x.txt")
