"""The named skeletons, as literals. Left and right are the person's own.

Each one cites the system whose order it follows. Joints that have no parent in a detector's format (eyes, ears, feet)
hang on the joint that a drawing connects them with.
"""

from maquette.errors import InputError
from maquette.skeleton import Skeleton


def _skeleton(name: str, rows: str) -> Skeleton:
    """Skeleton from lines ``joint parent`` (``-`` for none); names ``l_x`` and ``r_x`` are mirror pairs."""
    pairs = [row.split() for row in rows.splitlines() if row]
    joints = tuple(joint for joint, _ in pairs)
    parents = tuple(-1 if parent == "-" else joints.index(parent) for _, parent in pairs)
    mirror = tuple((j, "r_" + j[2:]) for j in joints if j.startswith("l_") and "r_" + j[2:] in joints)
    return Skeleton(name, joints, parents, mirror)


_H36M_17 = """
hip -
r_hip hip
r_knee r_hip
r_ankle r_knee
l_hip hip
l_knee l_hip
l_ankle l_knee
spine hip
thorax spine
nose thorax
head nose
l_shoulder thorax
l_elbow l_shoulder
l_wrist l_elbow
r_shoulder thorax
r_elbow r_shoulder
r_wrist r_elbow
"""

_FEET = """
l_heel l_ankle
r_heel r_ankle
l_toe l_ankle
r_toe r_ankle
"""

H36M_17 = _skeleton("h36m-17", _H36M_17)
"""The 17 joints of Human3.6M that are evaluated. ``nose`` is Human3.6M's "Neck/Nose": the joint between thorax and head
top, inside the head, not the tip of the nose. ``head`` is the top of the head."""

H36M_16 = _skeleton("h36m-16", _H36M_17.replace("nose thorax\nhead nose", "head thorax"))
"""Human3.6M-17 without "Neck/Nose": the joints of the 3D pose machine (Wang et al. 2019), the head on the thorax."""

LIFTED_21 = _skeleton("maquette-21", _H36M_17 + _FEET)
"""What our lifters put out: Human3.6M-17, then heels and toes (ball of the foot)."""

LANDMARKS_27 = _skeleton(
    "landmarks-27",
    _H36M_17
    + """
face_nose head
l_eye face_nose
r_eye face_nose
l_ear l_eye
r_ear r_eye
neck thorax
"""
    + _FEET,
)
"""What our lifters take in: the union of what 2D formats offer. ``face_nose`` is the tip of the nose, ``neck`` the
middle of the shoulders (as OpenPose's neck), ``l_toe`` and ``r_toe`` the big toes."""

COCO_17 = _skeleton(
    "coco-17",
    """
nose -
l_eye nose
r_eye nose
l_ear l_eye
r_ear r_eye
l_shoulder -
r_shoulder l_shoulder
l_elbow l_shoulder
r_elbow r_shoulder
l_wrist l_elbow
r_wrist r_elbow
l_hip l_shoulder
r_hip r_shoulder
l_knee l_hip
r_knee r_hip
l_ankle l_knee
r_ankle r_knee
""",
)
"""COCO keypoints (Lin et al. 2014); also YOLO-pose, RTMPose-body, MoveNet, ViTPose."""

COCO_18 = _skeleton(
    "openpose-coco-18",
    """
nose neck
neck -
r_shoulder neck
r_elbow r_shoulder
r_wrist r_elbow
l_shoulder neck
l_elbow l_shoulder
l_wrist l_elbow
r_hip neck
r_knee r_hip
r_ankle r_knee
l_hip neck
l_knee l_hip
l_ankle l_knee
r_eye nose
l_eye nose
r_ear r_eye
l_ear l_eye
""",
)
"""OpenPose's COCO model; also tf-pose-estimation and the Keras fork. ``neck`` is the middle of the shoulders."""

BODY_25 = _skeleton(
    "openpose-body-25",
    """
nose neck
neck mid_hip
r_shoulder neck
r_elbow r_shoulder
r_wrist r_elbow
l_shoulder neck
l_elbow l_shoulder
l_wrist l_elbow
mid_hip -
r_hip mid_hip
r_knee r_hip
r_ankle r_knee
l_hip mid_hip
l_knee l_hip
l_ankle l_knee
r_eye nose
l_eye nose
r_ear r_eye
l_ear l_eye
l_big_toe l_ankle
l_small_toe l_big_toe
l_heel l_ankle
r_big_toe r_ankle
r_small_toe r_big_toe
r_heel r_ankle
""",
)
"""OpenPose's default model since 1.4."""

_BODY_25B = """
nose upper_neck
l_eye nose
r_eye nose
l_ear l_eye
r_ear r_eye
l_shoulder upper_neck
r_shoulder upper_neck
l_elbow l_shoulder
r_elbow r_shoulder
l_wrist l_elbow
r_wrist r_elbow
l_hip l_shoulder
r_hip r_shoulder
l_knee l_hip
r_knee r_hip
l_ankle l_knee
r_ankle r_knee
upper_neck -
head_top upper_neck
l_big_toe l_ankle
l_small_toe l_big_toe
l_heel l_ankle
r_big_toe r_ankle
r_small_toe r_big_toe
r_heel r_ankle
"""

BODY_25B = _skeleton("openpose-body-25b", _BODY_25B)
"""OpenPose's experimental BODY_25B: COCO's order, then MPII's upper neck and head top, then feet. It has 25 points as
BODY_25 has, in a different order."""

_HAND = ("wrist", *(f"{finger}_{k}" for finger in ("thumb", "index", "middle", "ring", "little") for k in range(1, 5)))


def _hand_rows(side: str) -> str:
    """21 points of one hand, the first being its own wrist estimate."""
    rows = [f"{side}_hand_{_HAND[0]} {side}_wrist"]
    for i, part in enumerate(_HAND[1:]):
        parent = "wrist" if i % 4 == 0 else _HAND[i]
        rows.append(f"{side}_hand_{part} {side}_hand_{parent}")
    return "\n".join(rows)


def _hand_20_rows(side: str) -> str:
    """20 points of one hand without the wrist estimate (OpenPose 135 uses the body's wrist)."""
    rows = []
    for i, part in enumerate(_HAND[1:]):
        parent = f"{side}_wrist" if i % 4 == 0 else f"{side}_hand_{_HAND[i]}"
        rows.append(f"{side}_hand_{part} {parent}")
    return "\n".join(rows)


def _face_rows(count: int) -> str:
    """Face contour points; a face model's own numbering, all hanging on the nose."""
    return "\n".join(f"face_{i} nose" for i in range(count))


OPENPOSE_135 = _skeleton(
    "openpose-135",
    _BODY_25B + "\n".join((_hand_20_rows("l"), _hand_20_rows("r"), _face_rows(70))),
)
"""OpenPose's whole-body BODY_135: BODY_25B, 20 points of each hand, 70 of the face."""

_HALPE_26 = """
nose head
l_eye nose
r_eye nose
l_ear l_eye
r_ear r_eye
l_shoulder neck
r_shoulder neck
l_elbow l_shoulder
r_elbow r_shoulder
l_wrist l_elbow
r_wrist r_elbow
l_hip mid_hip
r_hip mid_hip
l_knee l_hip
r_knee r_hip
l_ankle l_knee
r_ankle r_knee
head neck
neck mid_hip
mid_hip -
l_big_toe l_ankle
r_big_toe r_ankle
l_small_toe l_big_toe
r_small_toe r_big_toe
l_heel l_ankle
r_heel r_ankle
"""

HALPE_26 = _skeleton("halpe-26", _HALPE_26)
"""Halpe body with feet (AlphaPose, RTMPose body 26). ``head`` is the top of the head."""

HALPE_136 = _skeleton("halpe-136", _HALPE_26 + "\n".join((_face_rows(68), _hand_rows("l"), _hand_rows("r"))))
"""Halpe whole body: Halpe-26, 68 of the face, 21 of each hand."""

MPII_16 = _skeleton(
    "mpii-16",
    """
r_ankle r_knee
r_knee r_hip
r_hip pelvis
l_hip pelvis
l_knee l_hip
l_ankle l_knee
pelvis -
thorax pelvis
upper_neck thorax
head_top upper_neck
r_wrist r_elbow
r_elbow r_shoulder
r_shoulder thorax
l_shoulder thorax
l_elbow l_shoulder
l_wrist l_elbow
""",
)
"""MPII Human Pose (Andriluka et al. 2014): what the Stacked Hourglass predicts. ``thorax`` lies at the base of the neck
on the line of the shoulders."""

BLAZEPOSE_33 = _skeleton(
    "blazepose-33",
    """
nose -
l_eye_inner nose
l_eye l_eye_inner
l_eye_outer l_eye
r_eye_inner nose
r_eye r_eye_inner
r_eye_outer r_eye
l_ear l_eye_outer
r_ear r_eye_outer
l_mouth nose
r_mouth nose
l_shoulder -
r_shoulder l_shoulder
l_elbow l_shoulder
r_elbow r_shoulder
l_wrist l_elbow
r_wrist r_elbow
l_pinky l_wrist
r_pinky r_wrist
l_index l_wrist
r_index r_wrist
l_thumb l_wrist
r_thumb r_wrist
l_hip l_shoulder
r_hip r_shoulder
l_knee l_hip
r_knee r_hip
l_ankle l_knee
r_ankle r_knee
l_heel l_ankle
r_heel r_ankle
l_foot_index l_heel
r_foot_index r_heel
""",
)
"""MediaPipe Pose (BlazePose GHUM)."""

H36M_32 = _skeleton(
    "h36m-32",
    """
hip -
r_hip hip
r_knee r_hip
r_ankle r_knee
r_toe_base r_ankle
r_toe_site r_toe_base
l_hip hip
l_knee l_hip
l_ankle l_knee
l_toe_base l_ankle
l_toe_site l_toe_base
spine_root hip
spine spine_root
thorax spine
nose thorax
head nose
l_shoulder_root thorax
l_shoulder l_shoulder_root
l_elbow l_shoulder
l_wrist l_elbow
l_thumb_root l_wrist
l_thumb_site l_thumb_root
l_finger_root l_wrist
l_finger_site l_finger_root
r_shoulder_root thorax
r_shoulder r_shoulder_root
r_elbow r_shoulder
r_wrist r_elbow
r_thumb_root r_wrist
r_thumb_site r_thumb_root
r_finger_root r_wrist
r_finger_site r_finger_root
""",
)
"""The 32 joints of Human3.6M's files; many repeat another joint's position."""

HUMANEVA_15 = _skeleton(
    "humaneva-15",
    """
hip -
thorax hip
l_shoulder thorax
l_elbow l_shoulder
l_wrist l_elbow
r_shoulder thorax
r_elbow r_shoulder
r_wrist r_elbow
l_hip hip
l_knee l_hip
l_ankle l_knee
r_hip hip
r_knee r_hip
r_ankle r_knee
head thorax
""",
)
"""HumanEva-I as VideoPose3D and RIE evaluate it."""

HUMANEVA_20 = _skeleton(
    "humaneva-20",
    """
torso_distal -
torso_proximal torso_distal
head_proximal torso_proximal
l_upper_arm_proximal torso_proximal
l_upper_arm_distal l_upper_arm_proximal
l_lower_arm_proximal l_upper_arm_distal
l_lower_arm_distal l_lower_arm_proximal
r_upper_arm_proximal torso_proximal
r_upper_arm_distal r_upper_arm_proximal
r_lower_arm_proximal r_upper_arm_distal
r_lower_arm_distal r_lower_arm_proximal
l_upper_leg_proximal torso_distal
l_upper_leg_distal l_upper_leg_proximal
l_lower_leg_proximal l_upper_leg_distal
l_lower_leg_distal l_lower_leg_proximal
r_upper_leg_proximal torso_distal
r_upper_leg_distal r_upper_leg_proximal
r_lower_leg_proximal r_upper_leg_distal
r_lower_leg_distal r_lower_leg_proximal
head_distal head_proximal
""",
)
"""HumanEva-I's limb ends: the proximal and the distal end of every segment. The order of the sides is that of
VideoPose3D's files (left 3-6 and 11-14, right 7-10 and 15-18)."""

MPI_INF_3DHP_28 = _skeleton(
    "mpi-inf-3dhp-28",
    """
spine3 spine2
spine4 spine3
spine2 spine
spine pelvis
pelvis -
neck spine4
head neck
head_top head
l_clavicle spine4
l_shoulder l_clavicle
l_elbow l_shoulder
l_wrist l_elbow
l_hand l_wrist
r_clavicle spine4
r_shoulder r_clavicle
r_elbow r_shoulder
r_wrist r_elbow
r_hand r_wrist
l_hip pelvis
l_knee l_hip
l_ankle l_knee
l_foot l_ankle
l_toe l_foot
r_hip pelvis
r_knee r_hip
r_ankle r_knee
r_foot r_ankle
r_toe r_foot
""",
)
"""MPI-INF-3DHP training set (Mehta et al. 2017)."""

MPI_INF_3DHP_17 = _skeleton(
    "mpi-inf-3dhp-17",
    """
head_top neck
neck spine
r_shoulder neck
r_elbow r_shoulder
r_wrist r_elbow
l_shoulder neck
l_elbow l_shoulder
l_wrist l_elbow
r_hip pelvis
r_knee r_hip
r_ankle r_knee
l_hip pelvis
l_knee l_hip
l_ankle l_knee
pelvis -
spine pelvis
head neck
""",
)
"""MPI-INF-3DHP test set."""

KTH_FOOTBALL_15 = _skeleton(
    "kth-football-15",
    """
r_ankle r_knee
r_knee r_hip
r_hip hip
l_hip hip
l_knee l_hip
l_ankle l_knee
r_wrist r_elbow
r_elbow r_shoulder
r_shoulder upper_neck
l_shoulder upper_neck
l_elbow l_shoulder
l_wrist l_elbow
upper_neck hip
head_top upper_neck
hip -
""",
)
"""KTH Multiview Football II (Burenius et al. 2013): the 14 joints of its files in their order ("bottom head" is
``upper_neck``), then ``hip``, the middle of the hips, which the files do not have."""

SMPL_24 = _skeleton(
    "smpl-24",
    """
pelvis -
l_hip pelvis
r_hip pelvis
spine1 pelvis
l_knee l_hip
r_knee r_hip
spine2 spine1
l_ankle l_knee
r_ankle r_knee
spine3 spine2
l_foot l_ankle
r_foot r_ankle
neck spine3
l_collar spine3
r_collar spine3
head neck
l_shoulder l_collar
r_shoulder r_collar
l_elbow l_shoulder
r_elbow r_shoulder
l_wrist l_elbow
r_wrist r_elbow
l_hand l_wrist
r_hand r_wrist
""",
)
"""SMPL's joints (Loper et al. 2015); names and order only."""

CMU = _skeleton(
    "cmu",
    """
root -
l_hip_joint root
l_femur l_hip_joint
l_tibia l_femur
l_foot l_tibia
l_toes l_foot
r_hip_joint root
r_femur r_hip_joint
r_tibia r_femur
r_foot r_tibia
r_toes r_foot
lower_back root
upper_back lower_back
thorax upper_back
lower_neck thorax
upper_neck lower_neck
head upper_neck
l_clavicle thorax
l_humerus l_clavicle
l_radius l_humerus
l_wrist l_radius
l_hand l_wrist
l_fingers l_hand
l_thumb l_wrist
r_clavicle thorax
r_humerus r_clavicle
r_radius r_humerus
r_wrist r_radius
r_hand r_wrist
r_fingers r_hand
r_thumb r_wrist
""",
)
"""The bones of the CMU motion capture database's ASF files; a joint is the END of the bone it is named after."""

SKELETONS: dict[str, Skeleton] = {
    skeleton.name: skeleton
    for skeleton in (
        H36M_17,
        H36M_16,
        H36M_32,
        LIFTED_21,
        LANDMARKS_27,
        COCO_17,
        COCO_18,
        BODY_25,
        BODY_25B,
        OPENPOSE_135,
        HALPE_26,
        HALPE_136,
        MPII_16,
        BLAZEPOSE_33,
        HUMANEVA_15,
        HUMANEVA_20,
        MPI_INF_3DHP_28,
        MPI_INF_3DHP_17,
        KTH_FOOTBALL_15,
        SMPL_24,
        CMU,
    )
}


def get_skeleton(name: str) -> Skeleton:
    """The skeleton called ``name``.

    Raises:
        InputError: there is none; the text lists those there are.
    """
    try:
        return SKELETONS[name]
    except KeyError:
        raise InputError(f"no skeleton is called '{name}'; there are: {', '.join(SKELETONS)}") from None
