"""Online learners, right and as deployed: state is evidence, the posterior is prior plus evidence.

Beside them: batch calibration, a bank that updates many at once, forgetting, readiness, fallback, and what is kept on
disk.
"""

from mmresearch.learn.alpha import AlphaTouch, AlphaTouchLabelError
from mmresearch.learn.bank import Bank
from mmresearch.learn.batch import calibrate
from mmresearch.learn.batch_deployed import calibrate_deployed
from mmresearch.learn.bundled import BUNDLED
from mmresearch.learn.cascade import CascadeThreshold
from mmresearch.learn.contract import Learner, LearnerError, load_learner, run
from mmresearch.learn.decay import MicropriceDecay
from mmresearch.learn.deployed_alpha import DeployedAlpha
from mmresearch.learn.deployed_floor import DeployedFloor
from mmresearch.learn.deployed_kappa import DeployedKappa, KappaFillDistances
from mmresearch.learn.fallback import blend
from mmresearch.learn.floor import SpreadFloor
from mmresearch.learn.forgetting import Forgetting
from mmresearch.learn.hawkes import HawkesAlpha, HawkesBeta, HawkesMu
from mmresearch.learn.hazard import HazardRate
from mmresearch.learn.kappa import KappaExposure, KappaMarketOrders
from mmresearch.learn.levels import KalmanQ, KalmanR
from mmresearch.learn.location import ChangepointBias, SkewSlope
from mmresearch.learn.moves import MoveScale
from mmresearch.learn.readiness import ReadinessRule, assess
from mmresearch.learn.regimes import RegimeStickiness
from mmresearch.learn.sample_size import fills_needed
from mmresearch.learn.store import default_path, load, load_or_default, save
from mmresearch.learn.toxic import ToxicHours

__all__ = [
    "BUNDLED",
    "AlphaTouch",
    "AlphaTouchLabelError",
    "Bank",
    "CascadeThreshold",
    "ChangepointBias",
    "DeployedAlpha",
    "DeployedFloor",
    "DeployedKappa",
    "Forgetting",
    "HawkesAlpha",
    "HawkesBeta",
    "HawkesMu",
    "HazardRate",
    "KalmanQ",
    "KalmanR",
    "KappaExposure",
    "KappaFillDistances",
    "KappaMarketOrders",
    "Learner",
    "LearnerError",
    "MicropriceDecay",
    "MoveScale",
    "ReadinessRule",
    "RegimeStickiness",
    "SkewSlope",
    "SpreadFloor",
    "ToxicHours",
    "assess",
    "blend",
    "calibrate",
    "calibrate_deployed",
    "default_path",
    "fills_needed",
    "load",
    "load_learner",
    "load_or_default",
    "run",
    "save",
]
