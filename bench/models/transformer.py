#!/usr/bin/env python3
# transformer.py -- writes a transformer with random weights as PyTorch's exporter writes the real one.
#
#     python3 bench/models/transformer.py bert OUT.onnx [--layers 12] [--width 768] [--heads 12] [--sequence 128] [--plain-norm]
#     python3 bench/models/transformer.py gpt2 OUT.onnx [...] [--past 0]
#
# bert: an encoder (MatMul and Add per linear layer, Erf form of GELU, an additive mask). gpt2: a decoder (Gemm between Reshapes, one product for
# queries, keys and values, tanh form of GELU, Where as causal mask, keys and values of `past` tokens in, all of them out); with --past 128
# --sequence 1 it makes one token. --plain-norm: LayerNormalization as the nine operators of opsets before 17. Needs the packages onnx and
# numpy. bench/cpu_inference runs the files.
#
# SPDX-License-Identifier: Apache-2.0
import argparse

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper


class Graph:
    def __init__(self, options):
        self.o = options
        self.rng = numpy.random.default_rng(1)
        self.nodes, self.initializers = [], []

    def node(self, op, *inputs, outputs=1, **attributes):
        number = len(self.nodes)
        names = ["%s_%d" % (op, number) if outputs == 1 else "%s_%d_%d" % (op, number, i) for i in range(outputs)]
        self.nodes.append(helper.make_node(op, list(inputs), names, name="/%s_%d" % (op, number), **attributes))
        return names[0] if outputs == 1 else names

    def constant(self, value):
        name = "c%d" % len(self.initializers)
        self.initializers.append(numpy_helper.from_array(value, name))
        return name

    def number(self, value):
        return self.constant(numpy.array(value, dtype=numpy.float32))

    def weight(self, *dims, scale=None):
        scale = scale if scale is not None else dims[0] ** -0.5
        return self.constant((self.rng.standard_normal(dims, dtype=numpy.float32) * numpy.float32(scale)))

    def shape(self, *dims):
        return self.constant(numpy.array(dims, dtype=numpy.int64))

    def norm(self, x):
        width = self.o.width
        scale = self.constant((1 + 0.1 * self.rng.standard_normal(width)).astype(numpy.float32))
        bias = self.weight(width, scale=0.1)
        if not self.o.plain_norm:
            return self.node("LayerNormalization", x, scale, bias, axis=-1, epsilon=1e-12)
        centred = self.node("Sub", x, self.node("ReduceMean", x, axes=[-1]))
        square = self.node("Pow", centred, self.number(2))
        deviation = self.node("Sqrt", self.node("Add", self.node("ReduceMean", square, axes=[-1]), self.number(1e-12)))
        return self.node("Add", self.node("Mul", self.node("Div", centred, deviation), scale), bias)

    def heads_of(self, x, perm):
        size = self.o.width // self.o.heads
        return self.node("Transpose", self.node("Reshape", x, self.shape(1, -1, self.o.heads, size)), perm=perm)

    def joined(self, x):
        return self.node("Reshape", self.node("Transpose", x, perm=[0, 2, 1, 3]), self.shape(1, -1, self.o.width))

    # ---------------------------------------------------------------- bert

    def linear(self, x, n_in, n_out):
        return self.node("Add", self.weight(n_out, scale=0.02), self.node("MatMul", x, self.weight(n_in, n_out)))

    def bert_layer(self, x, mask):
        width = self.o.width
        q = self.heads_of(self.linear(x, width, width), [0, 2, 1, 3])
        k = self.heads_of(self.linear(x, width, width), [0, 2, 3, 1])
        v = self.heads_of(self.linear(x, width, width), [0, 2, 1, 3])
        scores = self.node("Div", self.node("MatMul", q, k), self.number((width // self.o.heads) ** 0.5))
        weights = self.node("Softmax", self.node("Add", scores, mask), axis=-1)
        attended = self.linear(self.joined(self.node("MatMul", weights, v)), width, width)
        x = self.norm(self.node("Add", attended, x))
        h = self.linear(x, width, 4 * width)
        e = self.node("Add", self.node("Erf", self.node("Div", h, self.number(2 ** 0.5))), self.number(1))
        h = self.node("Mul", self.node("Mul", h, e), self.number(0.5))
        return self.norm(self.node("Add", self.linear(h, 4 * width, width), x))

    def bert(self):
        n = self.o.sequence
        ids = helper.make_tensor_value_info("input_ids", TensorProto.INT64, [1, n])
        mask = helper.make_tensor_value_info("mask", TensorProto.FLOAT, [1, 1, 1, n])
        x = self.node("Gather", self.weight(30522, self.o.width, scale=1), "input_ids")
        x = self.norm(self.node("Add", x, self.weight(1, n, self.o.width, scale=1)))
        for _ in range(self.o.layers):
            x = self.bert_layer(x, "mask")
        self.nodes[-1].output[0] = "y"
        return [ids, mask], [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, n, self.o.width])]

    # ---------------------------------------------------------------- gpt2

    def gemm(self, x, n_in, n_out):
        y = self.node("Gemm", self.node("Reshape", x, self.shape(-1, n_in)), self.weight(n_in, n_out), self.weight(n_out, scale=0.02))
        return self.node("Reshape", y, self.shape(1, -1, n_out))

    def gpt2_layer(self, x, causal, past):
        width = self.o.width
        all_three = self.gemm(self.norm(x), width, 3 * width)
        q, k, v = self.node("Split", all_three, self.shape(width, width, width), outputs=3, axis=2)
        q, k, v = [self.heads_of(t, [0, 2, 1, 3]) for t in (q, k, v)]
        if past:
            k, v = self.node("Concat", past[0], k, axis=2), self.node("Concat", past[1], v, axis=2)
        scores = self.node("MatMul", q, self.node("Transpose", k, perm=[0, 1, 3, 2]))
        scores = self.node("Div", scores, self.number((width // self.o.heads) ** 0.5))
        scores = self.node("Where", causal, scores, self.number(-3.4028235e38))
        attended = self.joined(self.node("MatMul", self.node("Softmax", scores, axis=-1), v))
        x = self.node("Add", self.gemm(attended, width, width), x)
        h = self.gemm(self.norm(x), width, 4 * width)
        cube = self.node("Mul", self.node("Pow", h, self.number(3)), self.number(0.044715))
        inner = self.node("Tanh", self.node("Mul", self.node("Add", h, cube), self.number((2 / numpy.pi) ** 0.5)))
        h = self.node("Mul", self.node("Mul", h, self.number(0.5)), self.node("Add", inner, self.number(1)))
        return self.node("Add", x, self.gemm(h, 4 * width, width)), k, v

    def gpt2(self):
        n, n_past = self.o.sequence, self.o.past
        size = self.o.width // self.o.heads
        inputs = [helper.make_tensor_value_info("input_ids", TensorProto.INT64, [1, n])]
        outputs = []
        words = self.weight(50257, self.o.width, scale=1)
        x = self.node("Add", self.node("Gather", words, "input_ids"), self.weight(1, n, self.o.width, scale=1))
        causal = self.constant(numpy.tril(numpy.ones((1, 1, n, n_past + n), dtype=bool), n_past))
        for i in range(self.o.layers):
            past = []
            if n_past > 0:
                past = ["past_k%d" % i, "past_v%d" % i]
                inputs += [helper.make_tensor_value_info(p, TensorProto.FLOAT, [1, self.o.heads, n_past, size]) for p in past]
            x, k, v = self.gpt2_layer(x, causal, past)
            outputs += [helper.make_tensor_value_info(t, TensorProto.FLOAT, [1, self.o.heads, n_past + n, size]) for t in (k, v)]
        self.node("MatMul", self.norm(x), self.node("Transpose", words, perm=[1, 0]))
        self.nodes[-1].output[0] = "logits"
        return inputs, [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, n, 50257])] + outputs


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=["bert", "gpt2"])
    parser.add_argument("out")
    for name, default in (("layers", 12), ("width", 768), ("heads", 12), ("sequence", 128), ("past", 0)):
        parser.add_argument("--" + name, type=int, default=default)
    parser.add_argument("--plain-norm", action="store_true")
    options = parser.parse_args()
    g = Graph(options)
    inputs, outputs = g.bert() if options.kind == "bert" else g.gpt2()
    graph = helper.make_graph(g.nodes, options.kind, inputs, outputs, g.initializers)
    opset = 13 if options.plain_norm else 17
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    onnx.save(model, options.out)


if __name__ == "__main__":
    main()
