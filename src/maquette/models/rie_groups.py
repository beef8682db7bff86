"""Which joints each part of the relative-encoding network reads and which it gives, as data."""

from dataclasses import dataclass

from maquette.errors import InputError


@dataclass(frozen=True)
class JointGroup:
    """A part of the body that has an encoder and a decoder of its own."""

    name: str
    """As in the names of its tensors: ``LocalLayer_<name>``, ``Integration_<name>``."""
    inputs: tuple[int, ...]
    """Joints of the 2D skeleton, in the order of the encoder's channels."""
    outputs: tuple[int, ...]
    """Joints of the 3D skeleton, in the order of the decoder's values."""


@dataclass(frozen=True)
class JointGroups:
    """The parts of the body, and the joint that positions in the picture are relative to.

    A joint may be read by several groups or by none (the global branch reads all); each joint of the 3D skeleton is
    given by exactly one.

    Raises:
        InputError: fewer than two groups, a name twice, a joint that does not exist, a 3D joint missing or given twice.
    """

    groups: tuple[JointGroup, ...]
    input_joints: int
    output_joints: int
    root: tuple[int, ...] = (0,)
    """2D joints whose mean is the root; several where the detector has no hip centre."""

    def __post_init__(self) -> None:
        names = [group.name for group in self.groups]
        problems = [f"the name '{name}' stands twice" for name in sorted({n for n in names if names.count(n) > 1})]
        if len(self.groups) < 2:
            problems.append(f"{len(self.groups)} groups, expected two or more")
        read = [(f"group '{group.name}' reads", group.inputs) for group in self.groups] + [("the root is", self.root)]
        for subject, joints in read:
            if not joints:
                problems.append(f"{subject} no joint at all")
            if strange := sorted({j for j in joints if not 0 <= j < self.input_joints}):
                problems.append(f"{subject} joints {strange}, the 2D skeleton has {self.input_joints}")
        if sorted(self.outputs) != list(range(self.output_joints)):
            problems.append(
                f"the groups give joints {sorted(self.outputs)}, expected each of {self.output_joints} exactly once"
            )
        if problems:
            raise InputError.from_problems("joint groups", problems)

    @property
    def outputs(self) -> tuple[int, ...]:
        """3D joints in the order of the decoders."""
        return tuple(joint for group in self.groups for joint in group.outputs)


def _same(name: str, *joints: int) -> JointGroup:
    return JointGroup(name, joints, joints)


H36M_GROUPS = JointGroups(
    (
        _same("Torso", 0, 7, 8, 9, 10),
        _same("LArm", 14, 15, 16),
        _same("RArm", 11, 12, 13),
        _same("LLeg", 1, 2, 3),
        _same("RLeg", 4, 5, 6),
    ),
    input_joints=17,
    output_joints=17,
)
"""As published for Human3.6M-17 (``h36m-17``). The names of the limbs are the other way round: ``LArm`` and ``LLeg``
are the person's right ones. Tensors of checkpoints carry these names, so they stay."""

HUMANEVA15_GROUPS = JointGroups(
    (
        _same("Torso", 0, 1, 14),
        _same("LArm", 2, 3, 4),
        _same("RArm", 5, 6, 7),
        _same("LLeg", 8, 9, 10),
        _same("RLeg", 11, 12, 13),
    ),
    input_joints=15,
    output_joints=15,
)
"""For HumanEva's 15 joints; our choice (the published code has none). The limbs are what their names say."""
