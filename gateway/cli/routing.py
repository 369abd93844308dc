"""`routeiq routing`: what is learned of, learned, judged, and let serve."""

import argparse
from collections.abc import Callable, Mapping
from typing import Final

from gateway.cli.commands import PROBLEM
from gateway.cli.routing_compare import compare
from gateway.cli.routing_data import dataset
from gateway.cli.routing_estimate import estimates
from gateway.cli.routing_gate import change
from gateway.cli.routing_judge import evaluate, report
from gateway.cli.routing_opinions import judge
from gateway.cli.routing_train import centroids, learn
from gateway.cli.routing_untrained import without_training
from gateway.cli.show import err
from routing.lab.cluster import ClusterError
from routing.lab.table import TableError

ACTIONS: Final[Mapping[str, Callable[[argparse.Namespace], int]]] = {
    "dataset": dataset,
    "judge": judge,
    "train": learn,
    "centroids": centroids,
    "untrained": without_training,
    "evaluate": evaluate,
    "compare": compare,
    "report": report,
    "estimate": estimates,
    "promote": change,
    "rollback": change,
    "drift": change,
}


def routing(arguments: argparse.Namespace) -> int:
    """Do what `ACTION` says."""
    try:
        return ACTIONS[arguments.action](arguments)
    except (TableError, ClusterError, OSError, ValueError) as error:
        err(f"routeiq: {error}")
        return PROBLEM
