"""``write_motion``: a motion to a file, the format by its suffix."""

from fractions import Fraction
from pathlib import Path

from maquette.exporters.choices import (
    BvhPresetName,
    Layout,
    LengthUnit,
    OpenSimModelName,
    RestPose,
    RootMotion,
    RotationOrder,
    UnityText,
    Wish,
)
from maquette.exporters.contents import check_contents
from maquette.exporters.destination import check_output as check_output
from maquette.exporters.writers import WRITERS as WRITERS
from maquette.exporters.writers import writer_of
from maquette.frozen_arrays import exact_fps
from maquette.keypoints import Keypoints
from maquette.motion import Motion
from maquette.rig.target_rig import Rig


def write_motion(
    motion: Motion,
    path: str | Path,
    *,
    keypoints: Keypoints | None = None,
    video: str | Path | None = None,
    video_start_s: float | int = 0.0,
    video_fps: Fraction | float | int | str | None = None,
    rig: str | Path | Rig | None = None,
    rest_pose: RestPose = "T",
    root_motion: RootMotion = "travel",
    foot_lock: bool | None = None,
    bvh_preset: BvhPresetName | None = None,
    rotation_order: RotationOrder | None = None,
    unit: LengthUnit | None = None,
    layout: Layout = "wide",
    unity_text: UnityText = "unity-pos",
    opensim_model: OpenSimModelName = "rajagopal2016",
    blender: str | Path | None = None,
    size: tuple[int, int] = (960, 540),
    frame: int | None = None,
    fork_legacy: bool = False,
) -> None:
    """Write a motion; the suffix of ``path`` decides the format. Files appear whole or not at all.

    Animations: ``.bvh``, ``.glb`` (skinned body), ``.vrma`` (VRM), ``.fbx`` (through Blender), ``.usda`` and ``.usdc``
    (UsdSkel). Measurements: ``.trc``, ``.c3d``, ``.mot`` (OpenSim), ``.csv``, ``.parquet``, ``.json``, and ``.npz``
    (without loss). Pictures: ``.mp4``, ``.gif`` and ``.png`` (2D beside 3D). A name that ends in ``3d_data.json``
    writes the files of 3d-pose-baseline's OpenPose fork, ``_smpl.npz`` SMPL's angles, ``.txt`` the text formats of
    Unity projects.

    Args:
        motion: what to write.
        path: the file; folders on the way are made.
        keypoints: the 2D that the motion was made from, for pictures and for the fork's files.
        video: video to draw the 2D on, for pictures.
        video_start_s: time in the video at which the motion starts, in seconds.
        video_fps: rate to play the video at instead of its own times, or that of a folder's pictures.
        rig: of animations: name of a rig (:data:`maquette.rig.rigs.RIGS`), a ``.bvh``, ``.glb`` or ``.vrm`` file whose
            skeleton the motion is put on, or a rig; None is the format's own.
        rest_pose: of animations on rigs of ours: arms level (T) or lowered (A).
        root_motion: of animations: ``"in-place"`` keeps the root above one spot.
        foot_lock: of animations: feet do not move while they stand; None does so for lifted motions, and where the
            rig's proportions are not the person's.
        bvh_preset: rotation order, unit and names for the BVH import of a program.
        rotation_order: order of the rotation channels of ``.bvh``; None is the preset's, or ZXY.
        unit: unit of length; None is the preset's or the format's (cm in ``.bvh``, m in ``.trc``, mm in ``.c3d``).
        layout: of tables: a row for each frame, or for each joint of each frame.
        unity_text: which of Unity's text formats a ``.txt`` is.
        opensim_model: whose coordinates a ``.mot`` holds.
        blender: Blender's program, for ``.fbx``; None looks for the module ``bpy``, then for a Blender on the PATH.
        size: (width, height) of pictures in pixels.
        frame: which frame a ``.png`` shows; the middle one when None.
        fork_legacy: write ``3d_data.json`` in the fork's own quirky coordinates (see
            :func:`maquette.exporters.fork_json.write_fork_json`).

    Raises:
        InputError: the rig is unknown, or its file cannot be read.
        MissingExtraError: the format needs a package that is not installed; the text has the pip command.
        OutputError: the suffix is unknown, the format cannot hold the motion (the text says why), or it cannot be
            written.
    """
    check_output(path)
    check_contents(motion, path)
    target = Path(path)
    wish = Wish(
        motion=motion,
        path=target,
        keypoints=keypoints,
        video=video,
        video_start_s=float(video_start_s),
        video_fps=None if video_fps is None else exact_fps(video_fps),
        rig=rig,
        rest_pose=rest_pose,
        root_motion=root_motion,
        foot_lock=foot_lock,
        bvh_preset=bvh_preset,
        rotation_order=rotation_order,
        unit=unit,
        layout=layout,
        unity_text=unity_text,
        opensim_model=opensim_model,
        blender=blender,
        size=size,
        frame=frame,
        fork_legacy=fork_legacy,
    )
    writer = writer_of(target)
    assert writer is not None  # check_output has seen to it
    writer(wish)
