"""XGBoost trees as one ONNX node, written from the Booster's own JSON: float32 rows in, sum of the leaves out.

Written here because the converter at hand (onnxmltools) puts the base score and the sigmoid into the graph and
answers float32 probabilities, from which the log odds of a sure case cannot be had back. Ours holds the trees and
nothing else: same trees, same bytes.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import onnx
import xgboost as xgb
from onnx import TensorProto, helper

INPUT, OUTPUT = "rows", "sums"


def onnx_of(booster: xgb.Booster, columns: int) -> bytes:
    """The trees as serialised ONNX for rows of `columns` values; empty ones follow XGBoost's default branch."""
    trees: list[dict[str, Any]] = json.loads(booster.save_raw("json"))["learner"]["gradient_booster"]["model"]["trees"]
    node = helper.make_node(
        "TreeEnsembleRegressor",
        [INPUT],
        [OUTPUT],
        domain="ai.onnx.ml",
        n_targets=1,
        aggregate_function="SUM",
        post_transform="NONE",
        **_attributes(trees),
    )
    rows = helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [None, columns])
    sums = helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [None, 1])
    graph = helper.make_graph([node], "trees", [rows], [sums])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8, producer_name="")
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


def _attributes(trees: list[dict[str, Any]]) -> dict[str, object]:
    """The node's parallel lists; XGBoost goes left when value < split, in float32, which is ONNX's BRANCH_LT."""
    left = _joined(trees, "left_children", np.int64)
    leaf = left < 0
    sizes = [len(tree["left_children"]) for tree in trees]
    tree_ids = np.repeat(np.arange(len(trees)), sizes)
    node_ids = np.concatenate([np.arange(size) for size in sizes])
    # XGBoost keeps a leaf's weight where a split keeps its threshold.
    splits = _joined(trees, "split_conditions", np.float32)
    return {
        "nodes_treeids": tree_ids.tolist(),
        "nodes_nodeids": node_ids.tolist(),
        "nodes_featureids": _joined(trees, "split_indices", np.int64).tolist(),
        "nodes_modes": np.where(leaf, "LEAF", "BRANCH_LT").tolist(),
        "nodes_values": np.where(leaf, 0, splits).tolist(),
        "nodes_truenodeids": np.where(leaf, 0, left).tolist(),
        "nodes_falsenodeids": np.where(leaf, 0, _joined(trees, "right_children", np.int64)).tolist(),
        "nodes_missing_value_tracks_true": _joined(trees, "default_left", np.int64).tolist(),
        "target_treeids": tree_ids[leaf].tolist(),
        "target_nodeids": node_ids[leaf].tolist(),
        "target_ids": np.zeros(int(leaf.sum()), np.int64).tolist(),
        "target_weights": splits[leaf].tolist(),
    }


def _joined(trees: list[dict[str, Any]], name: str, kind: type[np.generic]) -> np.ndarray[Any, Any]:
    return np.concatenate([np.asarray(tree[name], dtype=kind) for tree in trees])
