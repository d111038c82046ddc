#
# nets.py -- the zoo's hand-written networks: each shows one operator or one form of one.
#
# A case names what a test may see fail: its `covers` text goes into zoo.tsv. Weights and inputs
# are random from the case's name, so that adding a case changes no other.
#
# SPDX-License-Identifier: Apache-2.0
import numpy as np
from onnx import TensorProto, helper

from graphs import Case, Graph, chain, i64, one_conv


def convolutions():
    def case(name, covers, shape, m, k, then=None, opts=None, **attrs):
        return Case("conv_" + name, covers, one_conv(shape, m, k, then, **attrs), **(opts or {}))

    per_tensor = {"per_channel": False}
    u8 = {"act": "u8"}
    return [
        case("1x1", "kernel 1x1, 3 to 10 channels", [1, 3, 9, 9], 10, (1, 1)),
        case("1x1_s2", "stride above the kernel", [1, 10, 9, 8], 17, (1, 1), strides=[2, 2]),
        case("3x3", "kernel 3x3 pad 1, 10 to 17 channels", [1, 10, 8, 8], 17, (3, 3), pads=[1] * 4),
        case("5x5_s2", "kernel 5x5, stride 2, one input channel", [1, 1, 13, 13], 10, (5, 5),
             pads=[2] * 4, strides=[2, 2]),
        case("7x7_s2", "kernel 7x7, stride 2 as in a first layer", [1, 3, 19, 17], 17, (7, 7),
             pads=[3] * 4, strides=[2, 2]),
        case("1x3", "kernel 1x3", [1, 10, 7, 11], 10, (1, 3), pads=[0, 1, 0, 1]),
        case("3x1_s31", "kernel 3x1, stride 3x1", [1, 10, 11, 7], 3, (3, 1), strides=[3, 1]),
        case("3x3_s3", "stride 3, no pad, rest of the image unused", [1, 17, 11, 10], 3, (3, 3),
             strides=[3, 3]),
        case("asym_pad", "pads 0,1,2,0, stride 2", [1, 3, 9, 10], 10, (3, 3), pads=[0, 1, 2, 0],
             strides=[2, 2]),
        case("same_upper", "auto_pad SAME_UPPER, uneven", [1, 3, 8, 7], 10, (3, 3), strides=[2, 2],
             auto_pad="SAME_UPPER"),
        case("same_lower", "auto_pad SAME_LOWER, even kernel", [1, 3, 8, 7], 10, (4, 2),
             strides=[1, 2], auto_pad="SAME_LOWER"),
        case("valid", "auto_pad VALID", [1, 3, 8, 7], 10, (3, 2), auto_pad="VALID"),
        case("dilated", "dilation 2, pad 2", [1, 10, 9, 9], 10, (3, 3), pads=[2] * 4,
             dilations=[2, 2]),
        case("dilated_s2", "dilation 3x2, stride 2, uneven pads", [1, 3, 12, 11], 17, (3, 3),
             pads=[3, 1, 2, 2], dilations=[3, 2], strides=[2, 2]),
        case("group2", "group 2", [1, 10, 7, 7], 34, (3, 3), group=2, pads=[1] * 4),
        case("group5", "group 5, two channels each", [1, 10, 7, 7], 20, (3, 3), group=5),
        case("depthwise", "depthwise 3x3, 17 channels", [1, 17, 8, 8], 17, (3, 3), group=17,
             pads=[1] * 4),
        case("depthwise_s2", "depthwise 5x5 stride 2", [1, 10, 9, 9], 10, (5, 5), group=10,
             pads=[2] * 4, strides=[2, 2]),
        case("depthwise_x2", "depthwise, two outputs per channel", [1, 3, 7, 7], 6, (3, 3), group=3),
        case("1d", "1-D, kernel 3", [1, 10, 21], 17, (3,), pads=[1, 1]),
        case("1d_dilated", "1-D, kernel 5, dilation 2, stride 2, causal pad", [1, 3, 30], 10, (5,),
             pads=[8, 0], dilations=[2], strides=[2]),
        case("65_1x1", "65 to 65 channels", [1, 65, 5, 5], 65, (1, 1)),
        case("65_3x3", "65 to 10 channels, 3x3", [1, 65, 6, 5], 10, (3, 3), pads=[1] * 4),
        case("batch3", "batch 3", [3, 10, 6, 6], 17, (3, 3), pads=[1] * 4),
        case("no_bias", "no bias", [1, 3, 8, 8], 10, (3, 3), bias=False),
        case("all_border", "kernel larger than the image: no tap sees every output", [1, 3, 2, 3],
             10, (5, 5), pads=[2] * 4),
        case("one_pixel", "1x1 image, kernel 3x3", [1, 17, 1, 1], 10, (3, 3), pads=[1] * 4),
        case("wide", "one row of 200", [1, 3, 1, 200], 3, (1, 5), pads=[0, 2, 0, 2]),
        case("tall", "one column of 70, one channel", [1, 1, 70, 1], 1, (5, 1), pads=[2, 0, 2, 0]),
        case("per_tensor", "one weight scale", [1, 3, 8, 8], 10, (3, 3), opts=per_tensor),
        case("u8", "uint8 activations", [1, 3, 8, 8], 10, (3, 3), pads=[1] * 4, opts=u8),
        case("u8_per_tensor", "uint8 activations", [2, 10, 5, 5], 17, (3, 3), pads=[1] * 4,
             opts={**u8, **per_tensor}),
        case("u8_u8", "uint8 weights whose zero point is not 128: CPU, with the reason",
             [1, 3, 8, 8], 10, (3, 3), pads=[1] * 4,
             opts={**u8, **per_tensor, "weight": "u8"}),
        case("symmetric", "symmetric activations", [1, 3, 8, 8], 10, (3, 3), pads=[1] * 4,
             opts={"extra": {"ActivationSymmetric": True}}),
        case("relu", "Relu vanished into the zero point", [1, 3, 8, 8], 10, (3, 3), ("Relu", {})),
        case("clip6", "Clip 0..6 vanished into scale and zero point", [1, 3, 8, 8], 10, (3, 3),
             ("Clip", {"consts": [0, 6]})),
        case("relu_kept", "symmetric activations keep Relu: DQ, Relu, Q",
             [1, 3, 8, 8], 10, (3, 3), ("Relu", {}), {"extra": {"ActivationSymmetric": True}}),
        case("clip_kept", "symmetric activations keep Clip -0.5..0.4", [1, 3, 8, 8], 10, (3, 3),
             ("Clip", {"consts": [-0.5, 0.4]}), {"extra": {"ActivationSymmetric": True}}),
        case("qop", "QLinearConv", [1, 3, 8, 8], 10, (3, 3), pads=[1] * 4, opts={"form": "qop"}),
        case("qop_u8", "QLinearConv uint8", [1, 10, 7, 7], 17, (3, 3), strides=[2, 2],
             opts={"form": "qop", **u8}),
        case("qop_depthwise", "QLinearConv depthwise, no bias", [1, 10, 7, 7], 10, (3, 3), group=10,
             bias=False, opts={"form": "qop", **per_tensor}),
        case("float_bias", "bias left in fp32: Conv stays in float", [1, 3, 8, 8], 10, (3, 3),
             opts={"extra": {"QuantizeBias": False}}),
    ]


def large_sums(rng):
    """Sums above 2^24, which fp32 cannot hold: fl(acc) must round."""
    g = Graph(rng)
    x = g.input([1, 33, 6, 6], TensorProto.INT8)
    w = rng.integers(100, 128, (10, 33, 5, 5), np.int8)
    w[1::2] *= -1
    y = g.op("QLinearConv", [x, g.const(np.float32(1)), g.const(np.int8(-128)), g.const(w),
                             g.const(rng.uniform(.5, 2, 10).astype(np.float32)),
                             g.const(np.zeros(10, np.int8)), g.const(np.float32(5e4)),
                             g.const(np.int8(-3)), g.const(rng.integers(-9999, 9999, 10, np.int32))],
             kernel_shape=[5, 5], pads=[2] * 4)
    return g.done(y, dtype=TensorProto.INT8)


def qlinear_conv(w_zero):
    """A build function: uint8 weights with the given zero point."""
    def build(rng):
        g = Graph(rng)
        x = g.input([1, 10, 6, 6], TensorProto.UINT8)
        w = rng.integers(0, 256, (17, 10, 3, 3), np.uint8)
        y = g.op("QLinearConv", [x, g.const(np.float32(.02)), g.const(np.uint8(117)), g.const(w),
                                 g.const(np.float32(.003)), g.const(np.uint8(w_zero)),
                                 g.const(np.float32(.05)), g.const(np.uint8(131))])
        return g.done(y, dtype=TensorProto.UINT8)
    return build


def products():
    def gemm(m, k, n, **attrs):
        def build(rng):
            g = Graph(rng)
            return g.done(g.dense(g.input([m, k]), k, n, **attrs))
        return build

    def matmul(shape, n, bias=False):
        def build(rng):
            g = Graph(rng)
            w = g.weights([n, shape[-1]]).T
            y = g.op("MatMul", [g.input(shape), g.const(np.ascontiguousarray(w))])
            if bias:
                y = g.op("Add", [y, g.const(rng.standard_normal(n).astype(np.float32))])
            return g.done(y)
        return build

    def two(a, b):
        def build(rng):
            g = Graph(rng)
            return g.done(g.op("MatMul", [g.input(a), g.input(b)]))
        return build

    def trans_a(rng):
        g = Graph(rng)
        y = g.op("Gemm", [g.input([65, 3]), g.const(g.weights([17, 65]))], transA=1, transB=1)
        return g.done(y)

    return [
        Case("gemm_transb", "transB 1, 65 to 17", gemm(1, 65, 17)),
        Case("gemm_plain", "transB 0", gemm(1, 65, 17, trans_b=0)),
        Case("gemm_batch3", "batch 3, 400 to 10", gemm(3, 400, 10)),
        Case("gemm_no_bias", "no bias, batch 10", gemm(10, 17, 3, bias=False)),
        Case("gemm_one", "1 to 1", gemm(1, 1, 1)),
        Case("gemm_transa", "transA 1", trans_a),
        Case("gemm_alpha", "alpha 0.5: stays in float", gemm(1, 17, 10, alpha=0.5)),
        Case("gemm_u8", "uint8", gemm(2, 65, 10), act="u8", per_channel=False),
        Case("gemm_qop", "QGemm", gemm(3, 65, 17), form="qop", per_channel=False),
        Case("gemm_qop_u8", "QGemm uint8 per channel", gemm(1, 65, 17, trans_b=0), form="qop",
             act="u8"),
        Case("matmul_const", "MatMul by constant weights, rank 2", matmul([5, 65], 17),
             per_channel=False),
        Case("matmul_channel", "MatMul, weights per column", matmul([5, 65], 17)),
        Case("matmul_rank3", "rank 3 by rank 2", matmul([2, 7, 10], 17), per_channel=False),
        Case("matmul_bias", "MatMul then Add of a constant row", matmul([1, 7, 10], 17, True)),
        Case("matmul_qop", "QLinearMatMul", matmul([3, 17], 65), form="qop", per_channel=False),
        Case("matmul_qop_u8", "QLinearMatMul uint8", matmul([3, 17], 10), form="qop", act="u8",
             per_channel=False),
        Case("matmul_two", "two activations", two([5, 17], [17, 10])),
        Case("matmul_two_batch", "two activations, batch 2 x 3, uint8",
             two([2, 3, 5, 17], [2, 3, 17, 4]), act="u8"),
        Case("conv_large_sums", "sums above 2^24", large_sums, form="ready"),
        Case("conv_w128", "uint8 weights, zero point 128: int8 after all", qlinear_conv(128),
             form="ready"),
        Case("conv_w121", "uint8 weights, zero point 121: CPU, with the reason", qlinear_conv(121),
             form="ready"),
    ]


def pools():
    def pool(kind, shape=(1, 10, 9, 8), **attrs):
        attrs.setdefault("kernel_shape", [2, 2])
        shape = list(shape)  # a 1x1 convolution first: quantise_static leaves lone pools in fp32
        return chain([shape[0], 3] + shape[2:], ("conv", shape[1], (1,) * (len(shape) - 2)),
                     (kind, attrs))

    first = ("conv", 10, (3, 3), {"pads": [1] * 4})
    return [
        Case("max_2x2", "MaxPool 2x2 stride 2", pool("MaxPool", strides=[2, 2])),
        Case("max_3x3_pad", "MaxPool 3x3 stride 2 pad 1 after Conv",
             chain([1, 3, 9, 9], first, ("MaxPool", {"kernel_shape": [3, 3], "strides": [2, 2],
                                                     "pads": [1] * 4}))),
        Case("max_ceil", "MaxPool ceil_mode", pool("MaxPool", kernel_shape=[3, 3], strides=[2, 2],
                                                   ceil_mode=1)),
        Case("max_overlap", "MaxPool 3x2 stride 1, asymmetric pads, batch 3",
             pool("MaxPool", (3, 3, 6, 6), kernel_shape=[3, 2], pads=[1, 0, 0, 1])),
        Case("max_same", "MaxPool SAME_UPPER stride 3",
             pool("MaxPool", kernel_shape=[3, 3], strides=[3, 3], auto_pad="SAME_UPPER")),
        Case("max_dilated", "MaxPool dilation 2", pool("MaxPool", kernel_shape=[2, 2],
                                                       dilations=[2, 2])),
        Case("max_u8", "MaxPool uint8, 17 channels", pool("MaxPool", (1, 17, 6, 6), strides=[2, 2],
                                                          pads=[1] * 4), act="u8"),
        Case("max_1d", "1-D MaxPool", pool("MaxPool", (1, 10, 15), kernel_shape=[3], strides=[2])),
        Case("max_5x5", "MaxPool 5x5 stride 1 (SPP)", pool("MaxPool", kernel_shape=[5, 5],
                                                           pads=[2] * 4)),
        Case("avg_2x2", "AveragePool 2x2 stride 2", pool("AveragePool", strides=[2, 2])),
        Case("avg_exclude", "AveragePool 3x3 pad 1, count_include_pad 0: border divisors differ",
             pool("AveragePool", kernel_shape=[3, 3], pads=[1] * 4)),
        Case("avg_include", "AveragePool 3x3 stride 2 pad 1, count_include_pad 1",
             pool("AveragePool", kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4,
                  count_include_pad=1)),
        Case("avg_asym", "AveragePool 2x3, pads 1,0,0,2",
             pool("AveragePool", kernel_shape=[2, 3], pads=[1, 0, 0, 2])),
        Case("avg_ceil", "AveragePool ceil_mode", pool("AveragePool", (1, 3, 8, 8), strides=[2, 2],
                                                       kernel_shape=[3, 3], ceil_mode=1)),
        Case("avg_u8", "AveragePool uint8, 17 channels, batch 3",
             pool("AveragePool", (3, 17, 6, 6), strides=[2, 2]), act="u8"),
        Case("avg_1d", "1-D AveragePool", pool("AveragePool", (1, 10, 15), kernel_shape=[3],
                                               strides=[3])),
        Case("avg_qop", "QLinearAveragePool", pool("AveragePool", strides=[2, 2]), form="qop"),
        Case("avg_qop_u8", "QLinearAveragePool uint8 after QLinearConv",
             chain([1, 3, 8, 8], first, ("AveragePool", {"kernel_shape": [4, 4], "strides": [4, 4]})),
             form="qop", act="u8"),
        Case("gap", "GlobalAveragePool, 17 channels, 7x7", chain([1, 17, 7, 7],
                                                                 ("GlobalAveragePool",))),
        Case("gap_u8", "GlobalAveragePool uint8, batch 3, after Conv",
             chain([3, 3, 6, 5], first, ("GlobalAveragePool",)), act="u8"),
        Case("gap_qop", "QLinearGlobalAveragePool", chain([1, 3, 6, 5], first,
                                                          ("GlobalAveragePool",)), form="qop"),
        Case("gap_1d", "1-D GlobalAveragePool", chain([1, 10, 33], ("GlobalAveragePool",))),
        Case("mean_hw", "ReduceMean over H and W, no keepdims, between DQ and Q",
             chain([1, 3, 6, 6], first, ("ReduceMean", {"axes": [2, 3], "keepdims": 0}),
                   ("dense", 10, 17))),
        Case("mean_keep", "ReduceMean over -1,-2 with keepdims",
             chain([1, 3, 6, 6], first, ("ReduceMean", {"axes": [-1, -2], "keepdims": 1}),
                   ("conv", 10, (1, 1)))),
        Case("mean_input", "ReduceMean, axes as an input (opset 18)",
             chain([1, 3, 6, 6], first, ("ReduceMean", {"keepdims": 1}, [i64(2, 3)]),
                   ("conv", 10, (1, 1)), opset=18)),
        Case("pad_avg", "Pad in front of AveragePool",
             chain([1, 3, 7, 7], ("conv", 10, (1, 1)), ("Pad", {}, [i64(0, 0, 1, 1, 0, 0, 1, 1)]),
                   ("AveragePool", {"kernel_shape": [3, 3], "strides": [2, 2]}))),
    ]


def shapes():
    first = ("conv", 10, (3, 3), {"pads": [1] * 4})
    return [
        Case("pad_zero", "Pad with zeros, asymmetric, then Conv",
             chain([1, 3, 6, 6], ("Pad", {}, [i64(0, 0, 2, 1, 0, 0, 0, 3)]), ("conv", 10, (3, 3)))),
        Case("pad_value", "Pad with 0.75 after Conv",
             chain([1, 3, 6, 6], first,
                   ("Pad", {"mode": "constant"}, [i64(0, 0, 1, 1, 0, 0, 1, 1), np.float32(.75)]),
                   ("conv", 3, (3, 3)))),
        Case("flatten_dense", "Flatten, then Gemm: weights permuted",
             chain([1, 3, 5, 4], first, ("Flatten", {"axis": 1}), ("dense", 200, 10))),
        Case("flatten_batch", "batch 3, 17 channels, Flatten, Gemm",
             chain([3, 3, 3, 3], ("conv", 17, (2, 2)), ("Flatten",), ("dense", 68, 10))),
        Case("reshape_dense", "Reshape 0,-1, then Gemm",
             chain([1, 3, 5, 4], first, ("Reshape", {}, [i64(0, -1)]), ("dense", 200, 10))),
        Case("reshape_image", "Reshape between images of other width",
             chain([1, 3, 4, 6], first, ("Reshape", {}, [i64(1, 10, 6, 4)]), ("conv", 3, (3, 3)))),
        Case("transpose", "Transpose N,H,W,C between convolutions and back",
             chain([1, 3, 5, 4], first, ("Transpose", {"perm": [0, 2, 3, 1]}),
                   ("Transpose", {"perm": [0, 3, 1, 2]}), ("conv", 3, (1, 1)))),
        Case("squeeze", "Squeeze after GlobalAveragePool, Gemm, Unsqueeze",
             chain([1, 3, 5, 5], first, ("GlobalAveragePool",), ("Squeeze", {}, [i64(2, 3)]),
                   ("dense", 10, 17), ("Unsqueeze", {}, [i64(2, 3)]))),
        Case("slice", "Slice of channels 2..9 step 2 and of rows",
             chain([1, 3, 6, 6], first, ("Slice", {}, [i64(2, 1), i64(9, 5), i64(1, 2), i64(2, 1)]),
                   ("channels", 4), ("conv", 3, (1, 1)))),
        Case("identity", "Identity nodes between and on the weights", identity_net),
        Case("constants", "weights, scales and target shape as Constant nodes",
             chain([1, 3, 5, 4], first, ("Reshape", {}, [i64(1, -1)]), ("dense", 200, 10)),
             edit=as_constants),
        Case("init_inputs", "initializers listed as graph inputs, IR version 3", old_style,
             edit=list_initializers),
        Case("shape_chain", "Reshape to a target computed by Shape, Gather, Concat", shape_chain),
    ]


def identity_net(rng):
    g = Graph(rng)
    y = g.op("Identity", [g.conv(g.op("Identity", [g.input([1, 3, 6, 6])]), 3, 10, (3, 3))])
    w = g.op("Identity", [g.const(g.weights([10, 10, 1, 1]))])
    return g.done(g.op("Identity", [g.op("Conv", [y, w], kernel_shape=[1, 1])]))


def as_constants(model):
    """Turns every initializer into a Constant node, as tools that avoid initializers write."""
    nodes = [helper.make_node("Constant", [], [t.name], value=t) for t in model.graph.initializer]
    for node in reversed(nodes):
        model.graph.node.insert(0, node)
    del model.graph.initializer[:]


def old_style(rng):
    return one_conv([1, 3, 6, 6], 10, (3, 3), pads=[1] * 4)(rng)


def list_initializers(model):
    model.ir_version = 3
    listed = {i.name for i in model.graph.input}
    model.graph.input.extend(helper.make_tensor_value_info(t.name, t.data_type, t.dims)
                             for t in model.graph.initializer if t.name not in listed)


def shape_chain(rng):
    g = Graph(rng)
    y = g.conv(g.input([3, 3, 4, 4]), 3, 10, (3, 3))
    n = g.op("Unsqueeze", [g.op("Gather", [g.op("Shape", [y]), g.const(np.int64(0))]),
                           g.const(i64(0))])
    y = g.op("Reshape", [y, g.op("Concat", [n, g.const(i64(-1))], axis=0)])
    return g.done(g.dense(y, 40, 10))


def elementwise():
    def two(kind, shape=(1, 10, 6, 5), other=None):
        def build(rng):
            g = Graph(rng)
            a = g.input(list(shape))
            return g.done(g.op(kind, [a, g.input(list(other or shape))]))
        return build

    def residual(relu):
        def build(rng):
            g = Graph(rng)
            x = g.conv(g.input([1, 3, 6, 6]), 3, 10, (3, 3), pads=[1] * 4)
            y = g.op("Add", [g.conv(x, 10, 10, (3, 3), pads=[1] * 4), x])
            return g.done(g.op("Relu", [y]) if relu else y)
        return build

    def concat(axis, n=2):
        def build(rng):
            g = Graph(rng)
            x = g.input([1, 3, 6, 6])
            parts = [g.conv(x, 3, 10 if axis == 2 else 3 + 7 * i, (3, 3), pads=[1] * 4)
                     for i in range(n)]
            return g.done(g.op("Concat", parts, axis=axis))
        return build

    def unary(kind, act="s8"):
        return lambda rng: hand_unary(rng, kind)

    def twice(rng):
        g = Graph(rng)
        x = g.conv(g.input([1, 3, 5, 5]), 3, 10, (1, 1))
        return g.done(g.op("Add", [x, x]))

    def constant_add(rng):
        g = Graph(rng)
        x = g.conv(g.input([1, 3, 5, 5]), 3, 10, (1, 1))
        return g.done(g.op("Add", [x, g.const(rng.standard_normal((1, 10, 1, 1)).astype(np.float32))]))

    return [
        Case("add", "Add of two inputs", two("Add")),
        Case("add_u8", "Add uint8, 17 channels, batch 3", two("Add", (3, 17, 4, 4)), act="u8"),
        Case("add_qop", "QLinearAdd", two("Add"), form="qop"),
        Case("add_broadcast", "Add broadcast 1,C,1,1", two("Add", (1, 10, 6, 5), (1, 10, 1, 1))),
        Case("add_same", "Add of a tensor to itself", twice),
        Case("add_const", "Add of a constant per channel", constant_add),
        Case("residual", "Conv plus its input", residual(False)),
        Case("residual_relu", "Conv plus its input, Relu vanished", residual(True)),
        Case("residual_qop", "QLinearConv, QLinearAdd, uint8", residual(True), form="qop", act="u8"),
        Case("sub", "Sub between convolutions", subtraction),
        Case("mul", "Mul of two activations", two("Mul")),
        Case("mul_gate", "Mul by 1,C,1,1", two("Mul", (1, 10, 6, 5), (1, 10, 1, 1)), act="u8"),
        Case("mul_qop", "QLinearMul", two("Mul"), form="qop"),
        Case("concat", "Concat of channels 3, 10, each with its own scale", concat(1)),
        Case("concat3_u8", "Concat of channels 3, 10, 17, uint8", concat(1, 3), act="u8"),
        Case("concat_h", "Concat over H", concat(2)),
        Case("concat_qop", "QLinearConcat", concat(1), form="qop", act="u8"),
        Case("concat_equal", "Concat, all parameters equal", concat_equal, form="ready"),
        Case("relu_alone", "Relu between DQ and Q with equal parameters", unary("Relu"),
             form="ready"),
        Case("clip_alone", "Clip -0.3..0.9 between DQ and Q with equal parameters", unary("Clip"),
             form="ready"),
        Case("requantize", "Q of DQ three times with other parameters, int8 and uint8",
             requantize_chain, form="ready"),
        Case("requantize_equal", "Q of DQ with equal parameters", requantize_equal, form="ready"),
        Case("int_io", "int8 input and output, no Q or DQ at the edges", int_io, form="ready"),
        Case("uint_io", "uint8 input, int8 output", lambda rng: int_io(rng, np.uint8),
             form="ready"),
        Case("q_only", "QuantizeLinear of fp32: a true division", q_only, form="ready"),
        Case("q_edges", "QuantizeLinear of ties, of huge and of tiny values, uint8", q_edges,
             form="ready", feed=edge_values),
        Case("two_outputs", "two outputs, one of them used inside too", two_outputs),
    ]


def subtraction(rng):
    g = Graph(rng)
    a, b = g.input([1, 3, 6, 5]), g.input([1, 3, 6, 5])
    y = g.op("Sub", [g.conv(a, 3, 10, (1, 1)), g.conv(b, 3, 10, (1, 1))])
    return g.done(g.conv(y, 10, 3, (1, 1)))


def hand_unary(rng, kind):
    g = Graph(rng)
    x = g.dq(g.q(g.input([1, 10, 5, 5]), .02, np.int8(-11)), .02, np.int8(-11))
    bounds = [g.const(np.float32(-.3)), g.const(np.float32(.9))] if kind == "Clip" else []
    return g.done(g.dq(g.q(g.op(kind, [x] + bounds), .02, np.int8(-11)), .02, np.int8(-11)))


def concat_equal(rng):
    g = Graph(rng)
    parts = []
    for shape in ([1, 3, 5, 5], [1, 17, 5, 5]):
        parts.append(g.dq(g.q(g.input(shape), .02, np.int8(5)), .02, np.int8(5)))
    y = g.q(g.op("Concat", parts, axis=1), .02, np.int8(5))
    return g.done(g.dq(y, .02, np.int8(5)))


def requantize_chain(rng):
    g = Graph(rng)
    x = g.dq(g.input([1, 17, 6, 6], TensorProto.INT8), .013, np.int8(7))
    x = g.dq(g.q(x, .0171, np.uint8(99)), .0171, np.uint8(99))
    x = g.dq(g.q(x, .0093, np.int8(-40)), .0093, np.int8(-40))
    return g.done(g.q(x, .02, np.int8(0)), dtype=TensorProto.INT8)


def requantize_equal(rng):
    g = Graph(rng)
    x = g.dq(g.input([1, 10, 4, 4], TensorProto.UINT8), .01, np.uint8(100))
    x = g.dq(g.q(x, .01, np.uint8(100)), .01, np.uint8(100))
    return g.done(g.q(x, .01, np.uint8(100)), dtype=TensorProto.UINT8)


def q_only(rng):
    g = Graph(rng)
    return g.done(g.q(g.input([1, 3, 13, 11]), .007, np.int8(3)), dtype=TensorProto.INT8)


def q_edges(rng):
    g = Graph(rng)
    return g.done(g.q(g.input([1, 5, 6, 7]), .5, np.uint8(101)), dtype=TensorProto.UINT8)


def edge_values(feed):
    x = next(iter(feed.values()))
    x[:] = np.round(x * 64) / 4  # half of them ties of step 0.5
    x[0, 0, 0] = [np.inf, -np.inf, 3e38, -3e38, 1e-45, -0.0, 2**31]


def int_io(rng, dtype=np.int8):
    g = Graph(rng)
    kind = TensorProto.INT8 if dtype == np.int8 else TensorProto.UINT8
    x = g.dq(g.input([1, 3, 7, 7], kind), .02, dtype(12))
    w = rng.integers(-127, 128, (10, 3, 3, 3), np.int8)
    w = g.dq(g.const(w), rng.uniform(.001, .01, 10), np.zeros(10, np.int8), axis=0)
    y = g.op("Conv", [x, w], kernel_shape=[3, 3], strides=[2, 2])
    return g.done(g.q(y, .05, np.int8(-20)), dtype=TensorProto.INT8)


def two_outputs(rng):
    g = Graph(rng)
    a = g.conv(g.input([1, 3, 6, 6]), 3, 10, (3, 3))
    return g.done(a, g.conv(a, 10, 3, (1, 1)))


def on_integers(kind, shapes, scales, zeros, out, dtype=np.int8, tail=(), **attrs):
    """A build function: DQ of integer inputs, one operator, then `tail` operators, Q."""
    def build(rng):
        g = Graph(rng)
        tensor = TensorProto.INT8 if dtype == np.int8 else TensorProto.UINT8
        ins = [g.dq(g.input(s, tensor), scale, dtype(zero))
               for s, scale, zero in zip(shapes, scales, zeros)]
        y = g.op(kind, ins, **attrs)
        for more in tail:
            y = g.op(more, [y])
        return g.done(g.q(y, out[0], dtype(out[1])), dtype=tensor)
    return build


def conv_by_hand(m, tail=(), zero=-1, spread=1):
    """A build function: DQ, Conv 3x3 with int32 bias, tail operators (kind, constants), Q, where
    sx * sw / sy is m."""
    def build(rng):
        g = Graph(rng)
        x = g.dq(g.input([1, 3, 9, 9], TensorProto.INT8), .25, np.int8(3))
        scales = np.full(10, .5) * spread ** np.arange(10)
        w = rng.integers(-4, 5, (10, 3, 3, 3), np.int8)
        w = g.dq(g.const(w), scales, np.zeros(10, np.int8), axis=0)
        bias = g.dq(g.const(rng.integers(-99, 99, 10, np.int32)),
                    np.float32(.25) * scales.astype(np.float32), np.zeros(10, np.int32), axis=0)
        y = g.op("Conv", [x, w, bias], kernel_shape=[3, 3], pads=[1] * 4)
        for kind, *consts in tail:
            y = g.op(kind, [y] + [g.const(np.asarray(c)) for c in consts])
        return g.done(g.q(y, .125 / m, np.int8(zero)), dtype=TensorProto.INT8)
    return build


def decimal_product(kind):
    """A build function: scales of two decimals and sums near 1000, so that a tenth of the results
    are ties in decimal, which fp32 falls off to one side: the order of the roundings decides."""
    def build(rng):
        g = Graph(rng)
        n = 20
        w = rng.integers(-9, 10, (n, 5), np.int8)
        scales = np.tile([.1, .03, .07, .05, .35], n // 5).astype(np.float32)
        bias = rng.integers(-500, 500, n, np.int32)
        shape, axis = ([40, 5], 1) if kind == "Gemm" else ([1, 5, 8, 8], 0)
        w = np.ascontiguousarray(w.T) if kind == "Gemm" else w.reshape(n, 5, 1, 1)
        if kind == "QLinearConv":
            y = g.op(kind, [g.input(shape, TensorProto.INT8), g.const(np.float32(.1)),
                            g.const(np.int8(-5)), g.const(w), g.const(scales),
                            g.const(np.zeros(n, np.int8)), g.const(np.float32(.3)),
                            g.const(np.int8(7)), g.const(bias)])
            return g.done(y, dtype=TensorProto.INT8)
        x = g.dq(g.input(shape, TensorProto.INT8), .1, np.int8(-5))
        w = g.dq(g.const(w), scales, np.zeros(n, np.int8), axis=axis)
        bias = g.dq(g.const(bias), np.float32(.1) * scales, np.zeros(n, np.int32), axis=0)
        return g.done(g.q(g.op(kind, [x, w, bias]), .3, np.int8(7)), dtype=TensorProto.INT8)
    return build


def decimal_q(rng):
    g = Graph(rng)
    return g.done(g.q(g.input([1, 3, 20, 20]), .3, np.int8(3)), dtype=TensorProto.INT8)


def decimal_ties(feed):
    x = next(iter(feed.values()))
    x[:] = (np.round(x * 40) + .5) * .3


def decimals():
    """Ties in decimal, as people who choose scales by hand write them."""
    image = [1, 10, 12, 12]
    text = ": decimal scales, the order of roundings decides"
    return [
        Case("decimal_q", "QuantizeLinear: x * (1/s) is wrong in a tenth", decimal_q, form="ready",
             feed=decimal_ties),
        Case("decimal_conv", "Conv" + text, decimal_product("Conv"), form="ready"),
        Case("decimal_qlinear", "QLinearConv" + text, decimal_product("QLinearConv"), form="ready"),
        Case("decimal_gemm", "Gemm" + text, decimal_product("Gemm"), form="ready"),
        Case("decimal_add", "Add" + text + ", no fused multiply-add",
             on_integers("Add", [image, image], [.3, .2], [0, 0], (1, 0)), form="ready"),
        Case("decimal_add2", "Add" + text,
             on_integers("Add", [image, image], [.3, .7], [5, -9], (.6, -1)), form="ready"),
        Case("decimal_sub", "Sub" + text,
             on_integers("Sub", [image, image], [.3, .7], [5, -9], (.6, -1)), form="ready"),
        Case("decimal_mul", "Mul" + text,
             on_integers("Mul", [image, image], [.01, .3], [5, -9], (.7, -1)), form="ready"),
        Case("decimal_average", "AveragePool, border divisors 4, 6, 9" + text,
             on_integers("AveragePool", [[1, 5, 12, 12]], [.7], [5], (.1, -1),
                         kernel_shape=[3, 3], pads=[1] * 4), form="ready"),
        Case("decimal_global", "GlobalAveragePool 7x7" + text,
             on_integers("GlobalAveragePool", [[1, 65, 7, 7]], [.7], [5], (.05, -1)),
             form="ready"),
        Case("decimal_requantize", "MaxPool, then another scale" + text,
             on_integers("MaxPool", [image], [.05], [5], (.1, -1), kernel_shape=[1, 1]),
             form="ready"),
        Case("decimal_requantize_u8", "MaxPool, then another scale, uint8" + text,
             on_integers("MaxPool", [image], [.21], [125], (.6, 128), np.uint8,
                         kernel_shape=[2, 1]), form="ready"),
    ]


def old_opset(rng):
    """Opset 10: Pad, Clip and Squeeze with attributes."""
    g = Graph(rng, 10)
    x = g.dq(g.q(g.input([1, 3, 6, 6]), .02, np.uint8(120)), .02, np.uint8(120))
    x = g.op("Pad", [x], pads=[0, 0, 1, 0, 0, 0, 0, 2], mode="constant", value=.5)
    x = g.dq(g.q(x, .02, np.uint8(120)), .02, np.uint8(120))
    x = g.op("MaxPool", [x], kernel_shape=[7, 8])
    x = g.dq(g.q(x, .02, np.uint8(120)), .02, np.uint8(120))
    x = g.dq(g.q(g.op("Clip", [x], min=.1, max=2.3), .02, np.uint8(120)), .02, np.uint8(120))
    return g.done(g.op("Squeeze", [x], axes=[2, 3]))


def exact_arithmetic():
    """Scales chosen so that many results lie on ties and at the ends of the range."""
    image = [1, 10, 6, 6]
    return [
        Case("tie_add", "Add: half of the sums are ties, odd zero points",
             on_integers("Add", [image, image], [.5, .5], [3, -7], (1, 5)), form="ready"),
        Case("tie_add_u8", "Add uint8: ties, saturation at both ends",
             on_integers("Add", [image, image], [1.5, .5], [128, 131], (1, 127), np.uint8),
             form="ready"),
        Case("tie_sub", "Sub: ties", on_integers("Sub", [image, image], [.25, .5], [0, 9], (.5, 1)),
             form="ready"),
        Case("tie_mul", "Mul: ties, saturation",
             on_integers("Mul", [image, image], [.25, .125], [1, -2], (.5, 3)), form="ready"),
        Case("tie_average", "AveragePool 2x2: ties of quarters",
             on_integers("AveragePool", [image], [.5], [-3], (.5, 7), kernel_shape=[2, 2]),
             form="ready"),
        Case("tie_global", "GlobalAveragePool 4x4 to a finer scale: ties",
             on_integers("GlobalAveragePool", [[1, 65, 4, 4]], [.5], [-3], (.0625, 7)),
             form="ready"),
        Case("tie_requantize", "MaxPool, then a scale twice as coarse: ties",
             on_integers("MaxPool", [image], [.5], [-3], (1, 7), kernel_shape=[2, 2]),
             form="ready"),
        Case("tie_concat", "Concat of two scales, one twice as fine: ties",
             on_integers("Concat", [image, image], [.5, 1], [2, 1], (1, 1), axis=1), form="ready"),
        Case("tie_conv", "Conv, M = 1/8: ties, saturation", conv_by_hand(.125), form="ready"),
        Case("tie_conv_channel", "Conv, M from 1/4 to 128: overflow of the range",
             conv_by_hand(.25, spread=2), form="ready"),
        Case("fused_relu", "Conv, Relu, Q without a pair between", conv_by_hand(.125, [("Relu",)]),
             form="ready"),
        Case("fused_clip", "Conv, Clip -3.1..17.3, Q without a pair between",
             conv_by_hand(.125, [("Clip", np.float32(-3.1), np.float32(17.3))]), form="ready"),
        Case("fused_reshape", "Conv, Relu, Reshape, Q without pairs between",
             conv_by_hand(.125, [("Relu",), ("Reshape", i64(1, -1))]), form="ready"),
        Case("fused_add_relu", "Add, Relu, Q without a pair between",
             on_integers("Add", [image, image], [.5, .25], [3, -7], (.5, -20), tail=["Relu"]),
             form="ready"),
        Case("old_opset", "opset 10: Pad, Clip, Squeeze with attributes", old_opset, form="ready"),
    ]


def cases():
    return (convolutions() + products() + pools() + shapes() + elementwise() + exact_arithmetic() +
            decimals())
