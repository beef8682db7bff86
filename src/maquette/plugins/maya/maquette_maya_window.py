"""The window of ``maquette_maya``: choose a file, a folder of pictures and a few options."""

import maquette_maya
from maya import cmds

WINDOW = "maquetteImportWindow"


def show():
    """Open the window, or open it anew; returns its name."""
    if cmds.window(WINDOW, exists=True):
        cmds.deleteUI(WINDOW)
    window = cmds.window(WINDOW, title="Import Maquette motion", widthHeight=(520, 320))
    cmds.columnLayout(adjustableColumn=True, rowSpacing=6, columnAttach=("both", 8))
    file = cmds.textFieldButtonGrp(label="Motion (.json)", buttonLabel="Browse", adjustableColumn=2)
    images = cmds.textFieldButtonGrp(label="Frames (folder)", buttonLabel="Browse", adjustableColumn=2)
    cmds.textFieldButtonGrp(file, edit=True, buttonCommand=lambda: _browse(file, 1, "Motion (*.json)"))
    cmds.textFieldButtonGrp(images, edit=True, buttonCommand=lambda: _browse(images, 3, ""))
    unit = cmds.optionMenuGrp(label="Scene unit")
    for name in maquette_maya.PER_METRE:
        cmds.menuItem(label=name)
    cmds.optionMenuGrp(unit, edit=True, value="cm")
    start = cmds.intFieldGrp(label="First frame", value1=1)
    fps = cmds.floatFieldGrp(label="Rate of 3d_data.json", value1=0.0, annotation="0: the scene's")
    boxes = cmds.checkBoxGrp(
        numberOfCheckBoxes=2, label1="Set the scene's frame rate", label2="Axes along bones", value1=True, value2=True
    )
    cmds.button(label="Import", command=lambda *_: _import(file, images, unit, start, fps, boxes))
    cmds.showWindow(window)
    return window


def _browse(control, mode, kinds):
    """Ask for a file (mode 1) or a folder (mode 3) and put it into the field."""
    found = cmds.fileDialog2(fileMode=mode, fileFilter=kinds) if kinds else cmds.fileDialog2(fileMode=mode)
    if found:
        cmds.textFieldButtonGrp(control, edit=True, text=found[0])


def _import(file, images, unit, start, fps, boxes):
    """Import what the window says; an error is shown as a sentence."""
    rate, along_bones = (cmds.checkBoxGrp(boxes, query=True, **{box: True}) for box in ("value1", "value2"))
    try:
        made = maquette_maya.import_motion(
            cmds.textFieldButtonGrp(file, query=True, text=True),
            images=cmds.textFieldButtonGrp(images, query=True, text=True) or None,
            fps=cmds.floatFieldGrp(fps, query=True, value1=True) or None,
            unit=cmds.optionMenuGrp(unit, query=True, value=True),
            start=cmds.intFieldGrp(start, query=True, value1=True),
            set_rate=bool(rate),
            orient="bone" if along_bones else "world",
        )
    except maquette_maya.MotionFileError as error:
        cmds.confirmDialog(title="Maquette", message=str(error), button=["OK"], icon="critical")
        return
    message = "\n".join([f"{len(made.joints)} joints in {made.group}", *made.notes])
    cmds.confirmDialog(title="Maquette", message=message, button=["OK"], icon="information")
