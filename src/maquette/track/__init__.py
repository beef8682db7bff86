"""Who is who: detections of several people, frame by frame, joined into one track for each person."""

from maquette.track.detections import Detections
from maquette.track.people import Track, track_people

__all__ = ["Detections", "Track", "track_people"]
