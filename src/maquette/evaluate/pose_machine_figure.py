"""The figure of a report in stages: each action and each joint, stage beside stage."""

from pathlib import Path

from maquette.atomic import atomic_path
from maquette.errors import OutputError, missing_extra
from maquette.evaluate.figure import COLOURS, FIGURE_SUFFIXES, INK, dress
from maquette.evaluate.pose_machine_report import Stage, StagedReport
from maquette.evaluate.tables import TITLES


def draw_stages(report: StagedReport, path: str | Path) -> None:
    """Write the figure (:data:`FIGURE_SUFFIXES`).

    Raises:
        MissingExtraError: matplotlib is not installed (extra: plot).
        OutputError: another suffix, or the file cannot be written.
    """
    if Path(path).suffix.lower() not in FIGURE_SUFFIXES:
        raise OutputError(f"{path}: expected a name that ends in {' or '.join(FIGURE_SUFFIXES)}")
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise missing_extra("plot", "matplotlib") from None
    first = report.stages[0].report
    name, unit = TITLES[first.protocol.headline]
    with_joints = [stage for stage in report.stages if stage.report.joints]
    figure = Figure(figsize=(12, 7.4 if with_joints else 4.2), layout="constrained", facecolor="white")
    places = figure.subplots(2 if with_joints else 1, 1, squeeze=False)[:, 0]
    actions = {
        s.name: [row.metrics[first.protocol.headline] or 0.0 for row in s.report.of("action")] for s in report.stages
    }
    _bars(places[0], report.stages, actions, [row.title for row in first.of("action")], 35)
    dress(places[0], f"{name}, {unit}")
    if with_joints:
        joints = {stage.name: [joint.mpjpe for joint in stage.report.joints] for stage in with_joints}
        _bars(places[1], with_joints, joints, [joint.name for joint in with_joints[0].report.joints], 50)
        dress(places[1], "mm, all frames")
    averages = ", ".join(f"{s.name} {s.report.headline:.1f}" for s in report.stages if s.report.headline is not None)
    figure.suptitle(
        f"{first.model.name.removesuffix(f' ({report.stages[0].name})')} on {first.data.name}: {averages} {unit}\n"
        f"protocol {first.protocol.name}, {len(first.protocol.joints)} joints, {first.average.frames:,} frames, truth "
        f"{report.truth}",
        color=INK,
        fontsize=12,
    )
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=130)


def _bars(place, stages: list[Stage], values: dict[str, list[float]], titles: list[str], rotation: int) -> None:
    width = 0.8 / len(stages)
    for k, stage in enumerate(stages):
        at = [i - 0.4 + (k + 0.5) * width for i in range(len(titles))]
        place.bar(at, values[stage.name], width, color=COLOURS[k], label=stage.name)
    many = len(titles) > 6
    place.set_xticks(range(len(titles)), titles, rotation=rotation if many else 0, fontsize=8.5)
    if many:
        for tick in place.get_xticklabels():
            tick.set_ha("right")
    place.legend(frameon=False, fontsize=9, ncols=3, loc="lower left", bbox_to_anchor=(0, 1.0))
    place.set_xlim(-0.7, max(len(titles), 3) - 0.3)
