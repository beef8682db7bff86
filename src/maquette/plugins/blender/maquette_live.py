"""View3D > Sidebar > Maquette: armatures that follow ``maquette live`` while it runs, and keys of what they did.

Nothing waits: a timer looks whether something has come in, sixty times a second, and Blender stays usable.
"""

import time
from contextlib import nullcontext

import bpy
import numpy as np
from bpy.app.handlers import persistent
from bpy.props import BoolProperty, EnumProperty, IntProperty, PointerProperty, StringProperty

from . import maquette_scene
from .maquette_motion import conjugate, multiply, rotate
from .maquette_stream import Follower, Receiver, StreamError

_INTERVAL_S, _REDRAW_S = 1 / 60, 0.5
_MOST_KEYS = 100_000
_STILL_M = 2e-4
"""A bone whose start leaves its place beside its parent by less has no keys for it."""


class LiveArmature:
    """One person's armature. Blender's objects are looked up by name each time: undo replaces them."""

    def __init__(self, pose):
        self.follower = Follower(pose)
        self.keys = []
        _check_mode()
        self._build(f"Maquette person {pose['person']}")

    def _build(self, name):
        active = bpy.context.view_layer.objects.active
        armature, self.labels = maquette_scene.build_armature(self.follower.figure, name)
        armature.data.display_type = "STICK"
        armature.show_in_front = True
        bones = [armature.data.bones[label] for label in self.labels]
        self.axes = np.array([maquette_scene.axes_in_world(armature, bone).to_quaternion() for bone in bones])
        for label in self.labels:
            armature.pose.bones[label].rotation_mode = "QUATERNION"
        self.name = armature.name
        self._rest_m = maquette_scene.rest_of(self.follower.figure)[0][0]
        if active is not None:
            bpy.context.view_layer.objects.active = active

    @property
    def armature(self):
        """The object, or None where somebody deleted it."""
        return bpy.data.objects.get(self.name)

    def show(self, pose, frame=None):
        """Stand as in a pose; ``frame`` is the number under which it is kept for keys, None: it is not."""
        armature = self.armature
        if armature is None:
            _check_mode()
            self._build(self.name)
            armature = self.armature
        rotations, places, moved = self.follower.follow(pose)
        own = multiply(multiply(conjugate(self.axes), rotations), self.axes)
        away = moved.copy()
        away[0] = places[0] - self._rest_m
        away = rotate(conjugate(self.axes), away)
        for label, turn, shift in zip(self.labels, own, away, strict=True):
            bone = armature.pose.bones[label]
            bone.rotation_quaternion = turn
            bone.location = shift
        if frame is not None and len(self.keys) < _MOST_KEYS and (not self.keys or frame > self.keys[-1][0]):
            self.keys.append((frame, rotations, places[0], moved))

    def write_keys(self):
        """What was kept becomes an action of the armature; the number of poses."""
        armature, count = self.armature, len(self.keys)
        if armature is None or not count:
            self.keys = []
            return 0
        frames, rotations, roots, moved = (np.array(part) for part in zip(*self.keys, strict=True))
        moves = {
            joint: moved[:, joint]
            for joint in range(1, moved.shape[1])
            if np.linalg.norm(moved[:, joint], axis=-1).max() > _STILL_M
        }
        figure = self.follower.figure | {"rotations": rotations, "root_m": roots, "moves_m": moves}
        maquette_scene.key_armature(armature, self.labels, figure, f"{self.name} live", frames=frames)
        maquette_scene.settle(armature, self.labels)
        self.keys = []
        return count


def _check_mode():
    """Bones can only be made outside of the edit modes of other objects."""
    if bpy.context.mode not in ("OBJECT", "POSE"):
        raise StreamError("waits until you leave edit mode")


class Session:
    """A running stream.

    Raises:
        OSError: the port cannot be listened on.
    """

    def __init__(self, transport, host, port, token="", max_people=8):
        self.receiver = Receiver(transport, host, port, token)
        self.people, self.max_people = {}, max_people
        self.waits, self.is_recording = "", False
        self._start_s, self._first_frame, self._fps = None, 1, 30.0

    def tick(self):
        """Take what has come in and move the armatures; the number of poses that were shown."""
        poses, gone = self.receiver.poll()
        for person in gone:
            self._let_go(person)
        shown = 0
        for person, pose in poses.items():
            if person not in self.people and len(self.people) >= self.max_people:
                continue
            try:
                if person not in self.people:
                    self.people[person] = LiveArmature(pose)
                self.people[person].show(pose, self._frame(pose["t"]) if self.is_recording else None)
            except StreamError as error:
                self.waits = str(error)
                continue
            self.waits = ""
            shown += 1
        return shown

    def _frame(self, t):
        if self._start_s is None or t < self._start_s:
            self._start_s = t
        return self._first_frame + (t - self._start_s) * self._fps

    def record(self, scene):
        """Keep all poses from now on, the next one for the scene's current frame."""
        render = scene.render
        self._start_s, self._first_frame, self._fps = None, scene.frame_current, render.fps / render.fps_base
        self.is_recording = True

    def stop_recording(self):
        """Write the keys; the number of poses."""
        self.is_recording = False
        return sum(armature.write_keys() for armature in self.people.values())

    def _let_go(self, person):
        left = self.people.pop(person, None)
        if left is not None:
            left.write_keys()

    def close(self):
        """Write what was recorded; armatures stay."""
        count = self.stop_recording()
        self.receiver.close()
        return count


class Running:
    """The session of this Blender, if one runs."""

    session = None
    redrawn_s = 0.0


def start(transport="UDP", host="127.0.0.1", port=39541, token="", max_people=8):
    """Begin to follow a stream; ends the one before. Raises OSError where the port is taken."""
    stop()
    Running.session = Session(transport, host, port, token, max_people)
    bpy.app.timers.register(tick, first_interval=0.0)
    return Running.session


def stop():
    """End it; the number of recorded poses."""
    session, Running.session = Running.session, None
    if bpy.app.timers.is_registered(tick):
        bpy.app.timers.unregister(tick)
    return session.close() if session is not None else 0


def tick():
    """What the timer does: seconds until the next time, None when there is nothing to do any more."""
    if Running.session is None:
        return None
    windows = bpy.context.window_manager.windows
    # Timers run outside of all windows, and so without the scene that the user sees.
    with bpy.context.temp_override(window=windows[0]) if len(windows) else nullcontext():
        Running.session.tick()
    now_s = time.monotonic()
    if now_s - Running.redrawn_s > _REDRAW_S:
        Running.redrawn_s = now_s
        for window in windows:
            for area in window.screen.areas:
                if area.type == "VIEW_3D":
                    area.tag_redraw()
    return _INTERVAL_S


@persistent
def _before_load(*_):
    stop()


class MaquetteLiveSettings(bpy.types.PropertyGroup):
    """What the panel asks for."""

    transport: EnumProperty(
        name="Over",
        items=(
            ("UDP", "UDP", "Listen here: maquette live --to udp://127.0.0.1:39541"),
            ("TCP", "TCP", "Connect there: maquette live --to tcp+listen://127.0.0.1:39541"),
        ),
    )
    host: StringProperty(name="Host", default="127.0.0.1")
    port: IntProperty(name="Port", default=39541, min=1, max=65535)
    token: StringProperty(name="Token", description="TCP from another machine: what Maquette got as --token")
    max_people: IntProperty(name="People", default=8, min=1, max=64)
    records: BoolProperty(name="Record from the start", default=False)


class MaquetteLiveStart(bpy.types.Operator):
    """Follow maquette live"""

    bl_idname = "maquette.live_start"
    bl_label = "Start"

    def execute(self, context):
        given = context.scene.maquette_live
        try:
            session = start(given.transport, given.host, given.port, given.token, given.max_people)
        except OSError as error:
            self.report({"ERROR"}, f"{given.host}:{given.port} cannot be listened on ({error.strerror or error})")
            return {"CANCELLED"}
        if given.records:
            session.record(context.scene)
        return {"FINISHED"}


class MaquetteLiveStop(bpy.types.Operator):
    """Stop following; armatures and recorded keys stay"""

    bl_idname = "maquette.live_stop"
    bl_label = "Stop"

    @classmethod
    def poll(cls, _context):
        return Running.session is not None

    def execute(self, _context):
        count = stop()
        if count:
            self.report({"INFO"}, f"{count} poses were keyed")
        return {"FINISHED"}


class MaquetteLiveRecord(bpy.types.Operator):
    """Keep the poses from now on; again: key them, from the frame that was current"""

    bl_idname = "maquette.live_record"
    bl_label = "Record"

    @classmethod
    def poll(cls, _context):
        return Running.session is not None

    def execute(self, context):
        if Running.session.is_recording:
            self.report({"INFO"}, f"{Running.session.stop_recording()} poses were keyed")
        else:
            Running.session.record(context.scene)
        return {"FINISHED"}


class MaquetteLivePanel(bpy.types.Panel):
    """Start, stop, record, and how it goes"""

    bl_idname = "VIEW3D_PT_maquette_live"
    bl_label = "Maquette live"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Maquette"

    def draw(self, context):
        layout, given, session = self.layout, context.scene.maquette_live, Running.session
        if session is None:
            for name in ("transport", "host", "port", "max_people", "records"):
                layout.prop(given, name)
            if given.transport == "TCP":
                layout.prop(given, "token")
            layout.operator(MaquetteLiveStart.bl_idname, icon="PLAY")
            return
        layout.operator(MaquetteLiveStop.bl_idname, icon="PAUSE")
        text = "Key the recorded poses" if session.is_recording else "Record"
        layout.operator(MaquetteLiveRecord.bl_idname, text=text, icon="REC")
        receiver = session.receiver
        layout.label(text=receiver.state)
        layout.label(text=f"{len(session.people)} people, {receiver.received} messages")
        if session.waits:
            layout.label(text=session.waits)
        if receiver.malformed:
            layout.label(text=f"{receiver.malformed} skipped: {receiver.first_malformed}")


_CLASSES = (MaquetteLiveSettings, MaquetteLiveStart, MaquetteLiveStop, MaquetteLiveRecord, MaquetteLivePanel)


def register():
    """Called with the add-on's."""
    for found in _CLASSES:
        bpy.utils.register_class(found)
    bpy.types.Scene.maquette_live = PointerProperty(type=MaquetteLiveSettings)
    bpy.app.handlers.load_pre.append(_before_load)


def unregister():
    """Called with the add-on's."""
    stop()
    bpy.app.handlers.load_pre.remove(_before_load)
    del bpy.types.Scene.maquette_live
    for found in reversed(_CLASSES):
        bpy.utils.unregister_class(found)
