"""What each joint angle means: literal data that the code, the files, the command line and the docs share."""

from dataclasses import dataclass

WU_2002 = "Wu et al. 2002, J. Biomech. 35:543 (ISB: ankle, hip, spine)"
WU_2005 = "Wu et al. 2005, J. Biomech. 38:981 (ISB: shoulder, elbow)"
GROOD_SUNTAY = "Grood and Suntay 1983, J. Biomech. Eng. 105:136"
BAKER = "Baker 2001, Hum. Mov. Sci. 20:655 (rotation, obliquity, tilt)"


@dataclass(frozen=True)
class AngleDefinition:
    """One joint angle, in degrees. In ``joints``, ``*`` stands for ``l_`` or ``r_``."""

    joints: tuple[str, ...]
    """Joints that it is computed from."""
    definition: str
    positive: str
    """What a positive angle is; zero is the upright stance with arms hanging unless said otherwise."""
    difference: str
    """How it differs from the ISB's definition, which wants bony landmarks."""
    source: str
    sides: bool = False
    """Whether there is one for each side; names then begin with ``l_`` and ``r_``."""
    world: bool = False
    """Whether it is against the world, and so needs the world frame."""


_PELVIS = ("l_hip", "r_hip", "hip", "spine")
_THORAX = ("spine", "thorax", "l_shoulder", "r_shoulder")
_LEG = ("*hip", "*knee", "*ankle")
_ARM = ("*shoulder", "*elbow", "*wrist")
_FOOT = ("*toe", "*heel")
_PELVIS_AXES = (
    "pelvis axes from the line of the hip joints and the bone from hip to spine, not from the iliac spines: the zero "
    "of tilt is that bone upright, and lumbar flexion is part of it"
)
_THORAX_AXES = "thorax axes from the bone spine-thorax and the line of the shoulders, not from sternum and vertebrae"

ANGLES: dict[str, AngleDefinition] = {
    "pelvis_tilt": AngleDefinition(
        _PELVIS,
        "turn of the pelvis about its own left-right axis, last of the sequence rotation, obliquity, tilt",
        "forward (anterior)",
        _PELVIS_AXES,
        BAKER,
        world=True,
    ),
    "pelvis_obliquity": AngleDefinition(
        _PELVIS,
        "angle between the line of the hip joints and the horizontal",
        "right side up",
        _PELVIS_AXES,
        BAKER,
        world=True,
    ),
    "pelvis_rotation": AngleDefinition(
        _PELVIS,
        "turn of the pelvis about the vertical, against the way it walks (its path over one second); unknown below "
        "0.3 m/s",
        "to the left (right side forward)",
        _PELVIS_AXES,
        BAKER,
        world=True,
    ),
    "trunk_lean": AngleDefinition(
        ("hip", "thorax"),
        "angle between the line from hip to thorax and the vertical",
        "in any direction; never negative",
        "not an ISB angle",
        "plain geometry",
        world=True,
    ),
    "trunk_flexion": AngleDefinition(
        (*_PELVIS, "thorax", "l_shoulder", "r_shoulder"),
        "thorax against pelvis, sequence flexion, side bend, axial rotation (Z-X-Y)",
        "forward",
        f"{_PELVIS_AXES}; {_THORAX_AXES}",
        WU_2005,
    ),
    "trunk_side_bend": AngleDefinition(
        (*_PELVIS, "thorax", "l_shoulder", "r_shoulder"),
        "thorax against pelvis, second of the sequence Z-X-Y",
        "to the right",
        f"{_PELVIS_AXES}; {_THORAX_AXES}",
        WU_2005,
    ),
    "trunk_rotation": AngleDefinition(
        (*_PELVIS, "thorax", "l_shoulder", "r_shoulder"),
        "thorax against pelvis, third of the sequence Z-X-Y",
        "to the left",
        f"{_PELVIS_AXES}; {_THORAX_AXES}",
        WU_2005,
    ),
    "neck_flexion": AngleDefinition(
        (*_THORAX, "head"),
        "line from thorax to the crown against the thorax, in its sagittal plane",
        "forward",
        "of the head only this line is used, so there is no rotation; its zero is the line along the thorax's own axis",
        WU_2002,
    ),
    "neck_side_bend": AngleDefinition(
        (*_THORAX, "head"),
        "angle of the line from thorax to the crown out of the thorax's sagittal plane",
        "to the right",
        "of the head only this line is used",
        WU_2002,
    ),
    "hip_flexion": AngleDefinition(
        (*_PELVIS, "*knee"),
        "thigh (hip to knee) against pelvis, first of the sequence flexion, adduction, rotation (Z-X-Y)",
        "thigh forward",
        _PELVIS_AXES,
        f"{WU_2002}; {GROOD_SUNTAY}",
        sides=True,
    ),
    "hip_adduction": AngleDefinition(
        (*_PELVIS, "*knee"),
        "thigh against pelvis, second of the sequence Z-X-Y",
        "thigh towards the other leg",
        _PELVIS_AXES,
        f"{WU_2002}; {GROOD_SUNTAY}",
        sides=True,
    ),
    "hip_rotation": AngleDefinition(
        (*_PELVIS, "*knee", "*ankle"),
        "thigh against pelvis, third of the sequence Z-X-Y; unknown while the knee is bent less than 30 degrees",
        "internal",
        f"{_PELVIS_AXES}; the thigh's axes from the plane of hip, knee and ankle instead of the epicondyles, which a "
        "bent knee only gives",
        f"{WU_2002}; {GROOD_SUNTAY}",
        sides=True,
    ),
    "knee_flexion": AngleDefinition(
        _LEG,
        "angle between thigh (hip to knee) and shin (knee to ankle), in the plane of both",
        "bent; never negative, so an overstretched knee reads as a bent one",
        "equal to Grood and Suntay's flexion where the knee bends about one axis (no varus or valgus)",
        GROOD_SUNTAY,
        sides=True,
    ),
    "ankle_dorsiflexion": AngleDefinition(
        ("*knee", "*ankle", *_FOOT),
        "line from heel to ball of the foot against the plane across the shin",
        "toes up",
        "the zero depends on where heel and ball of the foot are marked (by up to 10 degrees between captures): "
        "compare ranges, not values",
        WU_2002,
        sides=True,
    ),
    "foot_progression": AngleDefinition(
        _FOOT,
        "line from heel to ball of the foot against the way the body goes, seen from above; unknown below 0.3 m/s",
        "toes out",
        "not an ISB angle",
        "plain geometry",
        sides=True,
        world=True,
    ),
    "shoulder_elevation": AngleDefinition(
        (*_THORAX, "*elbow"),
        "upper arm (shoulder to elbow) against the thorax's long axis, second of the sequence Y-X-Y (ISB gives it a "
        "minus)",
        "arm raised; 0 hangs, 90 is level, 180 overhead",
        f"{_THORAX_AXES}; humerus to thorax, the shoulder blade is not seen",
        WU_2005,
        sides=True,
    ),
    "shoulder_plane": AngleDefinition(
        (*_THORAX, "*elbow"),
        "plane in which the arm is raised, first of the sequence Y-X-Y; unknown where the arm is within 15 degrees of "
        "hanging or overhead",
        "forward: 0 is abduction, 90 forward flexion, below 0 extension",
        f"{_THORAX_AXES}; humerus to thorax, the shoulder blade is not seen",
        WU_2005,
        sides=True,
    ),
    "elbow_flexion": AngleDefinition(
        _ARM,
        "angle between upper arm (shoulder to elbow) and forearm (elbow to wrist), in the plane of both",
        "bent; never negative",
        "equal to the ISB's where the elbow bends about one axis; pronation is not seen",
        WU_2005,
        sides=True,
    ),
}
"""Name -> definition. Angles with ``sides`` come as ``l_<name>`` and ``r_<name>``, mirror images of each other."""


def angle_names() -> tuple[str, ...]:
    """All angles in the order of files: ``pelvis_tilt``, ..., ``l_hip_flexion``, ``r_hip_flexion``, ..."""
    return tuple(
        name for base, angle in ANGLES.items() for name in ((f"l_{base}", f"r_{base}") if angle.sides else (base,))
    )


def base_name(name: str) -> str:
    """``l_knee_flexion`` -> ``knee_flexion``; names without a side stay."""
    return name[2:] if name[:2] in ("l_", "r_") else name


def joints_of(name: str) -> tuple[str, ...]:
    """Joints that an angle is computed from, those of its side named."""
    return tuple(joint.replace("*", name[:2]) for joint in ANGLES[base_name(name)].joints)
