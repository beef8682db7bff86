"""What each number of a motion means: literal data that the code, the files, the command line and the docs share."""

from dataclasses import dataclass

ZENI = "Zeni, Richards and Higginson 2008, Gait Posture 27:710 (events); usual definitions of gait analysis"
ROBINSON = "Robinson, Herzog and Nigg 1987, J. Manip. Physiol. Ther. 10:172"
SPARC_SOURCE = "Balasubramanian, Melendez-Calderon, Roby-Brami and Burdet 2015, J. NeuroEng. Rehabil. 12:112"


@dataclass(frozen=True)
class NumberDefinition:
    """One kind of number."""

    unit: str
    definition: str
    source: str = "plain geometry"


NUMBERS: dict[str, NumberDefinition] = {
    "walking_speed": NumberDefinition(
        "m/s",
        "way of the hip between the first and the last landing, in a straight line from step to step, by the time; "
        "over the ground, or where the body stays in place over what its feet stand on (a treadmill's belt)",
    ),
    "cadence": NumberDefinition("steps/min", "60 by the mean step time", ZENI),
    "step_time": NumberDefinition("s", "from the landing of the other foot to that of this one", ZENI),
    "stride_time": NumberDefinition("s", "between two landings of one foot", ZENI),
    "step_length": NumberDefinition(
        "m",
        "from where the other heel (else ankle) landed to where this one lands, along the way of walking; on a "
        "treadmill along where the pelvis faces, the belt's way added",
        ZENI,
    ),
    "stride_length": NumberDefinition("m", "from where one heel (else ankle) landed to where it lands again", ZENI),
    "step_width": NumberDefinition("m", "the same as step length, across the way of walking", ZENI),
    "stance": NumberDefinition("%", "share of the stride from landing to leaving", ZENI),
    "swing": NumberDefinition("%", "share of the stride from leaving to landing", ZENI),
    "double_support": NumberDefinition("%", "share of the stride in which both feet stand", ZENI),
    "flight": NumberDefinition("%", "share of the frames between first and last contact in which no foot stands"),
    "symmetry": NumberDefinition(
        "%",
        "right less left, by the mean of both: 0 is symmetric, above 0 the right is larger; of a time, length or range "
        "of motion",
        ROBINSON,
    ),
    "range": NumberDefinition("deg", "range of motion: largest less smallest value of the angle in the clip"),
    "least": NumberDefinition("deg", "smallest value of the angle in the clip"),
    "most": NumberDefinition("deg", "largest value of the angle in the clip"),
    "speed_mean": NumberDefinition("m/s", "mean speed of the joint in the motion's frame, central differences"),
    "speed_peak": NumberDefinition(
        "m/s", "95th percentile of the joint's speed, which single wrong frames do not move as they do the maximum"
    ),
    "skate_speed": NumberDefinition(
        "cm/s",
        "mean speed over the ground of heel and ball of the foot while each stands, rolling included; recorded walks "
        "have 11 to 23",
    ),
    "skate_per_stance": NumberDefinition(
        "cm",
        "how far heel or ball of the foot slides while it stands: farthest from where it began, mean of all "
        "stances; recorded walks have 3 to 7",
    ),
    "sparc": NumberDefinition(
        "1",
        "spectral arc length of the speed of the joint as seen from the hip (of the hip: in the world): 0 is perfectly "
        "smooth, lower is less; spectrum up to 10 Hz or where it falls below 0.05 of its peak",
        SPARC_SOURCE,
    ),
    "ldlj": NumberDefinition(
        "1",
        "log dimensionless jerk of the same path: -ln(T^3 / v_peak^2 * integral of squared jerk), after a zero-phase "
        "low-pass of 10 Hz; lower is less smooth",
        SPARC_SOURCE,
    ),
}
"""Kind -> definition. Numbers are called ``<kind>`` or ``<kind>:<of what>``, such as ``step_time:l`` or
``range:l_knee_flexion``."""
