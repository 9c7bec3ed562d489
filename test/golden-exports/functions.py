"""Moves parts of an exported graph into local functions, as PyTorch's newer exporter (dynamo) writes them before it inlines.

Functions call functions, take attributes (with defaults) by reference, hold constants of their own, and name their inner values
alike, so that two calls, or a call and the graph around it, clash unless names are made unique.
"""

import onnx
from onnx import helper

DOMAIN = "pkg.onnxscript.torch_lib"
MODULES = "pkg.torch.nn.modules"


def reference(node: onnx.NodeProto, attribute: str, to: str, kind: int) -> onnx.NodeProto:
    """`node` with an attribute that the caller of the function gives."""
    node.attribute.append(onnx.AttributeProto(name=attribute, ref_attr_name=to, type=kind))
    return node


def functions(opset: int) -> list[onnx.FunctionProto]:
    plain = [helper.make_opsetid("", opset)]
    both = [*plain, helper.make_opsetid(DOMAIN, 1)]
    zero = helper.make_node("Constant", [], ["zero"], value=helper.make_tensor("value", onnx.TensorProto.FLOAT, [], [0.0]))
    total = helper.make_node("ReduceSum", ["self", "dim"], ["return_val"])
    return [
        helper.make_function(
            DOMAIN, "aten_embedding", ["weight", "indices"], ["return_val"],
            [helper.make_node("Gather", ["weight", "indices"], ["return_val"], name="n0")], plain,
        ),
        helper.make_function(
            DOMAIN, "aten_linear", ["input", "weight", "bias"], ["return_val"],
            [
                helper.make_node("Transpose", ["weight"], ["tmp"], name="n0", perm=[1, 0]),
                helper.make_node("MatMul", ["input", "tmp"], ["tmp_0"], name="n1"),
                helper.make_node("Add", ["tmp_0", "bias"], ["return_val"], name="n2"),
            ], plain,
        ),
        helper.make_function(
            DOMAIN, "aten_relu", ["self"], ["return_val"],
            [zero, helper.make_node("Max", ["self", "zero"], ["return_val"], name="n1")], plain,
        ),
        helper.make_function(
            DOMAIN, "aten_sum_dim_IntList", ["self", "dim"], ["return_val"],
            [reference(total, "keepdims", "keepdim", onnx.AttributeProto.INT)], plain,
            attribute_protos=[helper.make_attribute("keepdim", 0)],
        ),
        helper.make_function(
            DOMAIN, "aten_flatten", ["self"], ["return_val"],
            [reference(helper.make_node("Flatten", ["self"], ["return_val"]), "axis", "start_dim", onnx.AttributeProto.INT)], plain,
            attributes=["start_dim"],
        ),
        helper.make_function(
            MODULES, "linear_Linear_relu", ["input", "weight", "bias"], ["output"],
            [
                helper.make_node("aten_linear", ["input", "weight", "bias"], ["tmp"], name="n0", domain=DOMAIN),
                helper.make_node("aten_relu", ["tmp"], ["output"], name="n1", domain=DOMAIN),
            ], both,
        ),
    ]  # fmt: skip


def call(node: onnx.NodeProto, parameters: set[str]) -> onnx.NodeProto:
    """The call that says what `node` says, or `node` itself."""
    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}

    def calls(function: str, **given) -> onnx.NodeProto:
        return helper.make_node(function, node.input, node.output, name=node.name, domain=DOMAIN, **given)

    if node.op_type == "Gather" and node.input[0] in parameters and attributes.get("axis", 0) == 0:
        return calls("aten_embedding")
    if node.op_type == "Gemm":
        return calls("aten_linear")
    if node.op_type == "ReduceSum":
        # the function's default is 0, where the op's own is 1
        return calls("aten_sum_dim_IntList", **({"keepdim": 1} if attributes.get("keepdims", 1) else {}))
    if node.op_type == "Flatten":
        return calls("aten_flatten", start_dim=attributes["axis"])
    return node


def with_functions(proto: onnx.ModelProto) -> onnx.ModelProto:
    opset = next(entry.version for entry in proto.opset_import if entry.domain == "")
    parameters = {initializer.name for initializer in proto.graph.initializer}
    relus = {node.input[0]: node for node in proto.graph.node if node.op_type == "Relu"}
    nodes = []
    for node in proto.graph.node:
        relu = relus.get(node.output[0])
        if node.op_type == "Gemm" and relu is not None:
            nodes.append(helper.make_node("linear_Linear_relu", node.input, relu.output, name=node.name, domain=MODULES))
        elif node.op_type != "Relu":
            nodes.append(call(node, parameters))
    out = onnx.ModelProto()
    out.CopyFrom(proto)
    del out.graph.node[:]
    out.graph.node.extend(nodes)
    out.functions.extend(functions(opset))
    out.opset_import.extend([helper.make_opsetid(DOMAIN, 1), helper.make_opsetid(MODULES, 1)])
    out.ir_version = max(proto.ir_version, 8)
    onnx.checker.check_model(out)
    return out
