"""Online learners, right and as deployed: state is evidence, the posterior is prior plus evidence."""

from mmresearch.learn.alpha import AlphaTouch, AlphaTouchLabelError
from mmresearch.learn.bundled import BUNDLED
from mmresearch.learn.contract import Learner, LearnerError, load_learner, run
from mmresearch.learn.deployed_alpha import DeployedAlpha
from mmresearch.learn.deployed_floor import DeployedFloor
from mmresearch.learn.deployed_kappa import DeployedKappa, KappaFillDistances
from mmresearch.learn.floor import SpreadFloor
from mmresearch.learn.kappa import KappaExposure, KappaMarketOrders

__all__ = [
    "BUNDLED",
    "AlphaTouch",
    "AlphaTouchLabelError",
    "DeployedAlpha",
    "DeployedFloor",
    "DeployedKappa",
    "KappaExposure",
    "KappaFillDistances",
    "KappaMarketOrders",
    "Learner",
    "LearnerError",
    "SpreadFloor",
    "load_learner",
    "run",
]
