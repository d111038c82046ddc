#
# graphs.py -- what a case of the zoo is, and a builder of ONNX graphs by hand.
#
# SPDX-License-Identifier: Apache-2.0
import dataclasses
import typing

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


@dataclasses.dataclass
class Case:
    name: str
    covers: str
    build: typing.Callable  # rng -> onnx model
    form: str = "qdq"       # qdq, qop: through quantize_static; ready: quantised by hand
    act: str = "s8"
    weight: str = "s8"
    per_channel: bool = True
    extra: dict = dataclasses.field(default_factory=dict)
    edit: typing.Callable = None  # changes the quantised model in place
    feed: typing.Callable = None  # changes the random input in place


class Graph:
    """Builds a graph by hand; every method returns the name of its result."""

    def __init__(self, rng, opset=13, microsoft=False):
        self.rng = rng
        self.opset = opset
        self.microsoft = microsoft
        self.nodes, self.inits, self.inputs, self.outputs = [], [], [], []
        self.inits_as_inputs = False

    def input(self, shape, dtype=TensorProto.FLOAT):
        name = f"x{len(self.inputs)}" if self.inputs else "x"
        self.inputs.append(helper.make_tensor_value_info(name, dtype, shape))
        return name

    def const(self, array, name=None):
        name = name or f"c{len(self.inits)}"
        self.inits.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def op(self, kind, ins, domain="", name=None, **attrs):
        out = f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, ins, [out], name=name or "", domain=domain, **attrs))
        return out

    def weights(self, shape, spread=True):
        """Normal weights whose channels differ in size, so that per-channel scales differ."""
        w = self.rng.standard_normal(shape) / np.sqrt(max(1, np.prod(shape[1:])))
        if spread:
            w *= self.rng.uniform(0.25, 2, [shape[0]] + [1] * (len(shape) - 1))
        return w.astype(np.float32)

    def conv(self, x, c, m, k, bias=True, group=1, **attrs):
        ins = [x, self.const(self.weights([m, c // group] + list(k)))]
        if bias:
            ins.append(self.const(self.rng.standard_normal(m).astype(np.float32) / 4))
        return self.op("Conv", ins, kernel_shape=list(k), group=group, **attrs)

    def dense(self, x, k, n, bias=True, trans_b=1, **attrs):
        w = self.weights([n, k])
        ins = [x, self.const(w if trans_b else np.ascontiguousarray(w.T))]
        if bias:
            ins.append(self.const(self.rng.standard_normal(n).astype(np.float32) / 4))
        return self.op("Gemm", ins, transB=trans_b, **attrs)

    def q(self, x, scale, zero):
        return self.op("QuantizeLinear", [x, self.const(np.float32(scale)), self.const(zero)])

    def dq(self, x, scale, zero, **attrs):
        return self.op("DequantizeLinear",
                       [x, self.const(np.asarray(scale, np.float32)), self.const(zero)], **attrs)

    def done(self, *results, dtype=TensorProto.FLOAT):
        outputs = [helper.make_tensor_value_info(r, dtype, None) for r in results]
        inputs = list(self.inputs)
        if self.inits_as_inputs:
            inputs += [helper.make_tensor_value_info(t.name, t.data_type, t.dims)
                       for t in self.inits]
        graph = helper.make_graph(self.nodes, "zoo", inputs, outputs, self.inits)
        opsets = [helper.make_opsetid("", self.opset)]
        if self.microsoft:
            opsets.append(helper.make_opsetid("com.microsoft", 1))
        model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
        return onnx.shape_inference.infer_shapes(model)


def one_conv(shape, m, k, then=None, **attrs):
    """A build function: one convolution, `then` one more operator (kind, attributes)."""
    def build(rng):
        g = Graph(rng)
        y = g.conv(g.input(shape), shape[1], m, k, **attrs)
        if then:
            kind, more = then
            ins = [y] + [g.const(np.float32(v)) for v in more.pop("consts", ())]
            y = g.op(kind, ins, **more)
            more["consts"] = [numpy_helper.to_array(t) for t in g.inits[-(len(ins) - 1):]] \
                if len(ins) > 1 else ()
        return g.done(y)
    return build


def chain(shape, *steps, opset=13):
    """A build function: operators (kind, attributes, further constant inputs) one after another;
    ("conv", channels, kernel, attributes) is a convolution; ("channels", n) says what a step left."""
    def build(rng):
        g = Graph(rng, opset)
        x, c = g.input(shape), shape[1]
        for step in steps:
            if step[0] == "conv":
                x = g.conv(x, c, step[1], step[2], **(step[3] if len(step) > 3 else {}))
                c = step[1]
            elif step[0] == "dense":
                x = g.dense(x, step[1], step[2])
            elif step[0] == "channels":
                c = step[1]
            else:
                consts = [g.const(np.asarray(a)) for a in (step[2] if len(step) > 2 else ())]
                x = g.op(step[0], [x] + consts, **(step[1] if len(step) > 1 else {}))
        return g.done(x)
    return build


def i64(*values):
    return np.array(values, np.int64)
