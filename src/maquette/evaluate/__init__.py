"""How far a result is from the truth."""

from maquette.evaluate.comparison import Difference as Difference
from maquette.evaluate.comparison import compare as compare
from maquette.evaluate.pose_machine import ActionResult as ActionResult
from maquette.evaluate.pose_machine import evaluate_stages as evaluate_stages
from maquette.evaluate.pose_machine_report import StagedReport as StagedReport
from maquette.evaluate.pose_machine_report import read_staged as read_staged
from maquette.evaluate.protocols import PROTOCOLS as PROTOCOLS
from maquette.evaluate.protocols import Protocol as Protocol
from maquette.evaluate.protocols import find_protocol as find_protocol
from maquette.evaluate.report import Report as Report
from maquette.evaluate.report import read_report as read_report
from maquette.evaluate.results import Prediction as Prediction
from maquette.evaluate.results import evaluate as evaluate
