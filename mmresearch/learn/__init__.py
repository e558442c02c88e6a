"""Online learners, right and as deployed: state is evidence, the posterior is prior plus evidence.

Beside them: batch calibration, a bank that updates many at once, forgetting, readiness, fallback, and what is kept on
disk.
"""

from mmresearch.learn.bank.bank import Bank
from mmresearch.learn.batch.calibration import calibrate
from mmresearch.learn.batch.deployed import calibrate_deployed
from mmresearch.learn.bundled import BUNDLED
from mmresearch.learn.contract import Learner, LearnerError, load_learner, named, run
from mmresearch.learn.deployed.alpha import DeployedAlpha
from mmresearch.learn.deployed.floor import DeployedFloor
from mmresearch.learn.deployed.kappa import DeployedKappa, KappaFillDistances
from mmresearch.learn.planning.sample_size import fills_needed
from mmresearch.learn.readiness.fallback import blend
from mmresearch.learn.readiness.forgetting import Forgetting
from mmresearch.learn.readiness.rule import ReadinessRule, assess
from mmresearch.learn.sound.alpha import AlphaTouch, AlphaTouchLabelError
from mmresearch.learn.sound.cascade import CascadeThreshold
from mmresearch.learn.sound.decay import MicropriceDecay
from mmresearch.learn.sound.floor import SpreadFloor
from mmresearch.learn.sound.hawkes import HawkesAlpha, HawkesBeta, HawkesMu
from mmresearch.learn.sound.hazard import HazardRate
from mmresearch.learn.sound.kappa import KappaExposure, KappaMarketOrders
from mmresearch.learn.sound.levels import KalmanQ, KalmanR
from mmresearch.learn.sound.location import ChangepointBias, SkewSlope
from mmresearch.learn.sound.moves import MoveScale
from mmresearch.learn.sound.regimes import RegimeStickiness
from mmresearch.learn.sound.toxic import ToxicHours
from mmresearch.learn.storage.store import default_path, load, load_or_default, save
from mmresearch.learn.with_priors import learners_with

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
    "learners_with",
    "load",
    "load_learner",
    "load_or_default",
    "named",
    "run",
    "save",
]
