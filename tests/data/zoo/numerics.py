#
# numerics.py -- the quantised arithmetic of Systole, written a second time, in NumPy.
#
# In:  an ONNX network (QDQ or QLinear* form) and its inputs.   Out: its outputs, bit for bit as
#      "device cpu --reference" must give them, and which classes of arithmetic took part.
# How: each cluster DequantizeLinear -> operator -> QuantizeLinear and each QLinear* node is one
#      formula on integers, every fp32 step rounded on its own; all else is plain fp32. Slow and
#      small on purpose: it shares nothing with the C code it judges, not even the language.
#
# SPDX-License-Identifier: Apache-2.0
import itertools
import math

import numpy as np
from onnx import helper, numpy_helper

F = np.float32
RANGE = {np.dtype(np.int8): (-128, 127), np.dtype(np.uint8): (0, 255)}
MOVES = ("Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Identity", "Slice")
CARRIERS = ("MaxPool", "Relu", "Clip", "Concat", "Pad") + MOVES  # integers pass if parameters agree
CLUSTERS = ("Conv", "Gemm", "MatMul", "Add", "Sub", "Mul", "AveragePool", "GlobalAveragePool",
            "ReduceMean") + CARRIERS


class Unsupported(Exception):
    """This operator has no exact meaning here: the network is compared with a tolerance."""


class Q:
    """A quantised tensor: the integers, one scale or one per channel of `axis`, zero points."""

    def __init__(self, data, scale, zero, axis=None):
        self.data, self.axis = data, axis
        self.scale = np.asarray(scale, F)
        self.zero = np.zeros(self.scale.shape, data.dtype) if zero is None else np.asarray(zero)

    def centred(self):
        """x^ = x - zero point, in int32."""
        zero = self.zero.astype(np.int32)
        if zero.size > 1:
            zero = zero.reshape([-1 if i == self.axis % self.data.ndim else 1
                                 for i in range(self.data.ndim)])
        return self.data.astype(np.int32) - zero.reshape(zero.shape if zero.size > 1 else ())


def round_to(real, scale_zero):
    """sat(rne(real) + zero): an fp32 value, already divided by the scale, to the integer type."""
    zero = scale_zero.zero.reshape(())
    lo, hi = RANGE[zero.dtype]
    assert real.dtype == F
    return np.clip(np.rint(real).astype(np.float64) + int(zero), lo, hi).astype(zero.dtype)


def quantize(x, out):
    """QuantizeLinear, per tensor: a true fp32 division."""
    return round_to(x.astype(F) / out.scale.reshape(()), out)


def quantize_axis(x, out, axis):
    """QuantizeLinear with one scale per channel, as weights have it."""
    shape = [-1 if i == axis % x.ndim else 1 for i in range(x.ndim)]
    lo, hi = RANGE[out.zero.dtype]
    y = np.rint(x / out.scale.reshape(shape)) + out.zero.reshape(shape).astype(np.float64)
    return np.clip(y, lo, hi).astype(out.zero.dtype)


def dequantize(q):
    scale = q.scale
    if scale.size > 1:
        scale = scale.reshape([-1 if i == q.axis % q.data.ndim else 1 for i in range(q.data.ndim)])
    else:
        scale = scale.reshape(())
    return q.centred().astype(F) * scale


def requantize(x_hat, scale, out):
    return round_to(x_hat.astype(F) * (scale.reshape(()) / out.scale.reshape(())), out)


def wrap(acc):
    """int64 to int32 modulo 2^32."""
    return acc.astype(np.int64).astype(np.uint64).astype(np.uint32).view(np.int32)


def pads_of(attrs, sizes, kernel, strides, dilations):
    """(begin list, end list) from pads or auto_pad."""
    mode = attrs.get("auto_pad", b"NOTSET").decode()
    rank = len(sizes)
    if mode == "VALID":
        return [0] * rank, [0] * rank
    if mode == "NOTSET":
        pads = attrs.get("pads", [0] * 2 * rank)
        return list(pads[:rank]), list(pads[rank:])
    total = [max(0, (math.ceil(n / s) - 1) * s + (k - 1) * d + 1 - n)
             for n, k, s, d in zip(sizes, kernel, strides, dilations)]
    small, large = [t // 2 for t in total], [t - t // 2 for t in total]
    return (small, large) if mode == "SAME_UPPER" else (large, small)


def taps(x, kernel, attrs, fill):
    """Yields (tap index, x under that tap [N,C,*out], which outputs really see an element of x or
    of its padding as ceil_mode counts it, which see x itself)."""
    rank = x.ndim - 2
    sizes = x.shape[2:]
    strides = attrs.get("strides", [1] * rank)
    dilations = attrs.get("dilations", [1] * rank)
    begin, end = pads_of(attrs, sizes, kernel, strides, dilations)
    out = []
    for i in range(rank):
        span = sizes[i] + begin[i] + end[i] - (kernel[i] - 1) * dilations[i] - 1
        n = (-(-span // strides[i]) if attrs.get("ceil_mode", 0) else span // strides[i]) + 1
        if attrs.get("ceil_mode", 0) and (n - 1) * strides[i] >= sizes[i] + begin[i]:
            n -= 1  # a window that starts in the end padding is dropped
        out.append(n)
    for tap in itertools.product(*map(range, kernel)):
        index, inside, counted = [], np.ones(out, bool), np.ones(out, bool)
        for i in range(rank):
            at = np.arange(out[i]) * strides[i] + tap[i] * dilations[i] - begin[i]
            shape = [-1 if j == i else 1 for j in range(rank)]
            inside &= ((at >= 0) & (at < sizes[i])).reshape(shape)
            counted &= (at < sizes[i] + end[i]).reshape(shape)
            index.append(np.clip(at, 0, sizes[i] - 1))
        yield tap, np.where(inside, x[(slice(None), slice(None)) + np.ix_(*index)], fill), \
            counted, inside


def convolve(x_hat, w_hat, attrs):
    """acc [N,M,*out] in int64 (float64 for an fp32 convolution); padding adds nothing."""
    group = attrs.get("group", 1)
    m, c = w_hat.shape[0] // group, w_hat.shape[1]
    acc = None
    wide = np.float64 if x_hat.dtype == np.float64 else np.int64
    for tap, view, _, _ in taps(x_hat.astype(wide), w_hat.shape[2:], attrs, 0):
        w = w_hat[(slice(None), slice(None)) + tap].astype(wide)
        part = np.concatenate([np.tensordot(w[g * m:(g + 1) * m], view[:, g * c:(g + 1) * c],
                                            (1, 1)).swapaxes(0, 1) for g in range(group)], 1)
        acc = part if acc is None else acc + part
    return acc


def scaled(acc, x, w, out, channel_axis):
    """The epilogue of Conv, Gemm, MatMul: y = sat(rne(fl(fl(acc) * M[c])) + zy)."""
    m = (x.scale.reshape(()) * w.scale) / out.scale.reshape(())
    assert m.dtype == F
    if m.size > 1:
        m = m.reshape([-1 if i == channel_axis % acc.ndim else 1 for i in range(acc.ndim)])
    else:
        m = m.reshape(())
    return round_to(wrap(acc).astype(F) * m, out)


def conv(ins, bias, attrs, out):
    x, w = ins
    acc = convolve(x.centred(), w.centred(), attrs)
    if bias is not None:
        acc = acc + bias.astype(np.int64).reshape([1, -1] + [1] * (acc.ndim - 2))
    return scaled(acc, x, w, out, 1)


def matmul(ins, bias, attrs, out):
    a, b = ins
    x, w = a.centred().astype(np.int64), b.centred().astype(np.int64)
    if attrs.get("transA", 0):
        x = x.T
    if attrs.get("transB", 0):
        w = w.T
    acc = x @ w
    if bias is not None:
        acc = acc + bias.astype(np.int64)
    return scaled(acc, a, b, out, -1)


def add(ins, _, attrs, out, sign=1):
    a, b = ins
    ma = a.scale.reshape(()) / out.scale.reshape(())
    mb = F(sign) * (b.scale.reshape(()) / out.scale.reshape(()))
    return round_to(a.centred().astype(F) * ma + b.centred().astype(F) * mb, out)


def sub(ins, bias, attrs, out):
    return add(ins, bias, attrs, out, -1)


def mul(ins, _, attrs, out):
    a, b = ins
    m = (a.scale.reshape(()) * b.scale.reshape(())) / out.scale.reshape(())
    return round_to((a.centred() * b.centred()).astype(F) * m, out)


def mean(total, n, x, out):
    """y = sat(rne(fl(fl(S) * fl(sx / fl(sy * n)))) + zy); n may differ from output to output."""
    m = x.scale.reshape(()) / (out.scale.reshape(()) * np.asarray(n).astype(F))
    return round_to(total.astype(F) * m, out)


def average_pool(ins, _, attrs, out):
    x, = ins
    total, n = 0, 0
    for _, view, counted, inside in taps(x.centred(), attrs["kernel_shape"], attrs, 0):
        total = total + view
        n = n + (counted if attrs.get("count_include_pad", 0) else inside).astype(np.int32)
    return mean(total, n, x, out)


def global_average_pool(ins, _, attrs, out):
    x, = ins
    axes = tuple(range(2, x.data.ndim))
    return mean(x.centred().sum(axes, keepdims=True), np.prod(x.data.shape[2:]), x, out)


def reduce_mean(ins, _, attrs, out):
    x, = ins
    axes = tuple(attrs["axes"])
    n = np.prod([x.data.shape[a] for a in axes])
    return mean(x.centred().sum(axes, keepdims=bool(attrs.get("keepdims", 1))), n, x, out)


def carried(data, x, out):
    """Integers with x's parameters, moved as they are or requantised where the output's differ."""
    if x.scale == out.scale and x.zero == out.zero:
        return data
    return requantize(Q(data, x.scale, x.zero).centred(), x.scale, out)


def max_pool(ins, _, attrs, out):
    x, = ins
    views = [v for _, v, _, _ in taps(x.data, attrs["kernel_shape"], attrs, RANGE[x.data.dtype][0])]
    return carried(np.maximum.reduce(views), x, out)


def concat(ins, _, attrs, out):
    return np.concatenate([carried(x.data, x, out) for x in ins], attrs["axis"])


def pad(ins, _, attrs, out):
    x, = ins
    fill = quantize(np.asarray(attrs["value"]), x)
    n = x.data.ndim
    width = list(zip(attrs["pads"][:n], attrs["pads"][n:]))
    return carried(np.pad(x.data, width, constant_values=fill), x, out)


def clip(ins, _, attrs, out):
    """Rounding is monotone, so the bounds can be rounded instead of the values."""
    x, = ins
    y = carried(x.data, x, out)
    return bounded(y, attrs, out)


def bounded(y, attrs, out):
    if attrs.get("lo") is not None:
        y = np.maximum(y, quantize(np.asarray(attrs["lo"]), out))
    if attrs.get("hi") is not None:
        y = np.minimum(y, quantize(np.asarray(attrs["hi"]), out))
    return y


def move(op, x, attrs):
    if op == "Identity":
        return x
    if op == "Flatten":
        axis = attrs.get("axis", 1) % (x.ndim + 1)
        return x.reshape(math.prod(x.shape[:axis]), -1)
    if op == "Transpose":
        return x.transpose(attrs.get("perm"))
    if op == "Squeeze":
        return x.squeeze(tuple(attrs["axes"]) if "axes" in attrs else None)
    if op == "Unsqueeze":
        return np.expand_dims(x, tuple(attrs["axes"]))
    if op == "Reshape":
        target = [x.shape[i] if n == 0 else n for i, n in enumerate(attrs["shape"])]
        return x.reshape(target)
    axes, steps = attrs["axes"], attrs["steps"]
    cut = [slice(None)] * x.ndim
    for a, b, e, s in zip(axes, attrs["starts"], attrs["ends"], steps):
        cut[a] = slice(int(b), int(e), int(s))
    return x[tuple(cut)]


KERNELS = {"Conv": conv, "Gemm": matmul, "MatMul": matmul, "Add": add, "Sub": sub, "Mul": mul,
           "AveragePool": average_pool, "GlobalAveragePool": global_average_pool,
           "ReduceMean": reduce_mean, "MaxPool": max_pool, "Concat": concat, "Pad": pad,
           "Clip": clip, "Relu": clip}

# (domain, QLinear operator): (kernel, where the inputs' data stand; scale and zero point follow)
QLINEAR = {"QLinearConv": ("Conv", (0, 3), 6, 8), "QLinearMatMul": ("MatMul", (0, 3), 6, None),
           "QGemm": ("Gemm", (0, 3), 7, 6), "QLinearAdd": ("Add", (0, 3), 6, None),
           "QLinearMul": ("Mul", (0, 3), 6, None),
           "QLinearAveragePool": ("AveragePool", (0,), 3, None),
           "QLinearGlobalAveragePool": ("GlobalAveragePool", (0,), 3, None)}


def float_conv(ins, attrs):
    y = convolve(ins[0], ins[1], attrs)
    return y + ins[2].reshape([1, -1] + [1] * (y.ndim - 2)) if len(ins) > 2 else y


def float_gemm(ins, attrs):
    a = ins[0].T if attrs.get("transA", 0) else ins[0]
    b = ins[1].T if attrs.get("transB", 0) else ins[1]
    return attrs.get("alpha", 1.0) * (a @ b) + (attrs.get("beta", 1.0) * ins[2] if ins[2:] else 0)


def float_softmax(ins, attrs):
    e = np.exp(ins[0] - ins[0].max(attrs.get("axis", -1), keepdims=True))
    return e / e.sum(attrs.get("axis", -1), keepdims=True)


def float_batch_norm(ins, attrs):
    x, *rest = ins
    scale, bias, mean_, var = (v.reshape([-1] + [1] * (x.ndim - 2)) for v in rest)
    return (x - mean_) / np.sqrt(var + attrs.get("epsilon", 1e-5)) * scale + bias


def float_mean(ins, attrs):
    return ins[0].mean(tuple(attrs["axes"]), keepdims=bool(attrs.get("keepdims", 1)))


def hard_sigmoid(x, alpha, beta):
    return np.clip(alpha * x + beta, 0, 1)


# In float64, rounded to fp32 once: exact for ROUNDED_ONCE, the best guess for the others.
ROUNDED_ONCE = ("Add", "Sub", "Mul", "Div", "Relu", "Clip", "Concat")
FLOAT_OPS = {
    "Add": lambda ins, a: ins[0] + ins[1], "Sub": lambda ins, a: ins[0] - ins[1],
    "Mul": lambda ins, a: ins[0] * ins[1], "Div": lambda ins, a: ins[0] / ins[1],
    "Relu": lambda ins, a: np.maximum(ins[0], 0),
    "Clip": lambda ins, a: np.clip(ins[0], a.get("lo"), a.get("hi")),
    "LeakyRelu": lambda ins, a: np.where(ins[0] < 0, ins[0] * F(a.get("alpha", .01)), ins[0]),
    "Concat": lambda ins, a: np.concatenate(ins, a["axis"]),
    "Sigmoid": lambda ins, a: 1 / (1 + np.exp(-ins[0])), "Tanh": lambda ins, a: np.tanh(ins[0]),
    "HardSigmoid": lambda ins, a: hard_sigmoid(ins[0], a.get("alpha", .2), a.get("beta", .5)),
    "HardSwish": lambda ins, a: ins[0] * hard_sigmoid(ins[0], 1 / 6, .5),
    "Elu": lambda ins, a: np.where(ins[0] < 0, a.get("alpha", 1.0) * np.expm1(ins[0]), ins[0]),
    "Erf": lambda ins, a: np.vectorize(math.erf)(ins[0]),
    "Gelu": lambda ins, a: ins[0] / 2 * (1 + np.vectorize(math.erf)(ins[0] / math.sqrt(2))),
    "Softmax": float_softmax, "BatchNormalization": float_batch_norm, "ReduceMean": float_mean,
    "Conv": float_conv, "Gemm": float_gemm, "MatMul": lambda ins, a: ins[0] @ ins[1],
}
SHAPE_OPS = {
    "Shape": lambda ins, a: np.array(ins[0].shape, np.int64),
    "Gather": lambda ins, a: np.take(ins[0], ins[1], a.get("axis", 0)),
    "ConstantOfShape": lambda ins, a: np.full(ins[0], numpy_helper.to_array(a["value"])[0]),
    "Cast": lambda ins, a: ins[0].astype(helper.tensor_dtype_to_np_dtype(a["to"])),
}


class Network:
    """One evaluation of a network: values by name, computed on demand."""

    def __init__(self, model, feeds):
        graph = model.graph
        self.values = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
        self.constant = set(self.values)
        self.values.update(feeds)
        self.producer = {o: n for n in graph.node for o in n.output if o}
        self.users = {}  # operators that read a value; "output" for the graph itself
        for op, name in [(n.op_type, i) for n in graph.node for i in n.input] + \
                [("output", o.name) for o in graph.output]:
            self.users.setdefault(name, []).append(op)
        self.outputs = [o.name for o in graph.output]
        self.kinds = set()  # operators whose formula was used; "float:Op" for those that stay fp32

    def run(self):
        return [self.value(o) for o in self.outputs]

    def value(self, name):
        if name not in self.values:
            node = self.producer[name]
            self.values[name] = self.evaluate(node)
        return self.values[name]

    def attrs(self, node):
        """The node's attributes, and what later opsets moved into constant inputs."""
        attrs = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        late = {"ReduceMean": ["", "axes"], "Squeeze": ["", "axes"], "Unsqueeze": ["", "axes"],
                "Reshape": ["", "shape"], "Pad": ["", "pads", "value"], "Clip": ["", "lo", "hi"],
                "Slice": ["", "starts", "ends", "axes", "steps"]}.get(node.op_type, [])
        for key, name in zip(late, node.input):
            if key and name:
                got = self.value(name)
                attrs[key] = got if key in ("value", "lo", "hi") else [int(v) for v in got.ravel()]
        if node.op_type == "Relu":
            attrs["lo"] = F(0)
        if node.op_type == "Clip":  # attributes up to opset 10
            attrs.setdefault("lo", attrs.get("min"))
            attrs.setdefault("hi", attrs.get("max"))
        if node.op_type == "Pad":
            attrs.setdefault("value", F(0))
        if node.op_type == "Slice":
            attrs.setdefault("axes", list(range(len(attrs["starts"]))))
            attrs.setdefault("steps", [1] * len(attrs["axes"]))
        return attrs

    def q_of(self, node, at, axis=None):
        """The Q whose data, scale, zero point stand at three inputs of `node`."""
        zero = self.value(node.input[at + 2]) if len(node.input) > at + 2 and node.input[at + 2] else None
        return Q(self.value(node.input[at]), self.value(node.input[at + 1]), zero, axis)

    def dequantized(self, name):
        """The Q behind `name` if a DequantizeLinear makes it, else None; looks through movement,
        which commutes with a scale per tensor."""
        node = self.producer.get(name)
        if node is not None and node.op_type in MOVES:
            q = self.dequantized(node.input[0])
            if q is None or (q.scale.size > 1 and node.op_type != "Identity"):
                return None
            return Q(move(node.op_type, q.data, self.attrs(node)), q.scale, q.zero, q.axis)
        if node is None or node.op_type != "DequantizeLinear":
            return None
        axis = next((a.i for a in node.attribute if a.name == "axis"), 1)
        return self.q_of(node, 0, axis)

    def closed(self, node, last):
        """Is this result seen by nobody else? The last one may have several QuantizeLinear."""
        users = self.users[node.output[0]]
        return len(users) == 1 or (last and set(users) == {"QuantizeLinear"})

    def cluster(self, quant):
        """The integers of a QuantizeLinear that closes a cluster, or None."""
        zero = self.value(quant.input[2]) if len(quant.input) > 2 else np.zeros((), np.uint8)
        out = Q(np.zeros(0, zero.dtype), self.value(quant.input[1]), zero)
        if out.scale.size > 1 or zero.dtype not in RANGE:
            return None
        first = node = self.producer.get(quant.input[0])
        tail = []
        while node is not None and node.op_type in ("Relu", "Clip") + MOVES and \
                self.closed(node, node is first) and self.dequantized(node.input[0]) is None:
            tail.insert(0, node)  # rounding is monotone and elementwise: these work on integers
            node = self.producer.get(node.input[0])
        if node is None or node.op_type not in CLUSTERS or not self.closed(node, node is first):
            return None
        n_data = {"Conv": 2, "Gemm": 2, "MatMul": 2, "Add": 2, "Sub": 2, "Mul": 2,
                  "Concat": len(node.input)}.get(node.op_type, 1)
        ins = [self.dequantized(name) for name in node.input[:n_data]]
        if any(q is None for q in ins):
            return None
        attrs, bias = self.attrs(node), None
        if attrs.get("alpha", 1.0) != 1.0 or attrs.get("beta", 1.0) != 1.0:
            return None
        if node.op_type in ("Conv", "Gemm") and len(node.input) > 2 and node.input[2]:
            bias = self.int32_bias(node.input[2], ins)
            if bias is None:
                return None
        self.kinds.add(node.op_type)
        if node.op_type in CARRIERS and any(q.scale != out.scale or q.zero != out.zero for q in ins):
            self.kinds.add("Requantize")
        if node.op_type in MOVES:
            y = carried(move(node.op_type, ins[0].data, attrs), ins[0], out)
        else:
            y = KERNELS[node.op_type](ins, bias, attrs, out)
        for last in tail:
            attrs = self.attrs(last)
            y = move(last.op_type, y, attrs) if last.op_type in MOVES else bounded(y, attrs, out)
        return y

    def int32_bias(self, name, ins):
        q = self.dequantized(name)
        if q is None or q.data.dtype != np.int32:
            return None
        expected = ins[0].scale.reshape(()) * ins[1].scale
        if not np.array_equal(np.broadcast_to(q.scale.ravel(), expected.ravel().shape),
                              expected.ravel()):
            raise Unsupported("bias scale is not fl(sx * sw)")
        return q.data

    def evaluate(self, node):
        op = node.op_type
        if op == "QuantizeLinear":
            y = self.cluster(node)
            if y is not None:
                return y
            source = self.dequantized(node.input[0])
            zero = self.value(node.input[2]) if len(node.input) > 2 else np.zeros((), np.uint8)
            out = Q(np.zeros(0, zero.dtype), self.value(node.input[1]), zero)
            if out.scale.size > 1:
                axis = next((a.i for a in node.attribute if a.name == "axis"), 1)
                return quantize_axis(self.value(node.input[0]), out, axis)
            if source is not None and source.data.dtype in RANGE and source.scale.size == 1:
                self.kinds.add("Requantize")
                return carried(source.data, source, out)
            return quantize(self.value(node.input[0]), out)
        if op == "DequantizeLinear":
            axis = next((a.i for a in node.attribute if a.name == "axis"), 1)
            return dequantize(self.q_of(node, 0, axis))
        if op in QLINEAR or op == "QLinearConcat":
            return self.qlinear(node)
        attrs = self.attrs(node)
        if op == "Constant":
            return numpy_helper.to_array(attrs["value"])
        x = self.value(node.input[0])
        if op in MOVES:
            return move(op, x, attrs)
        if x.dtype != F and op in ("MaxPool", "Concat", "Pad"):
            flat = Q(x, F(1), np.zeros((), x.dtype))
            if op == "MaxPool":
                return max_pool([flat], None, attrs, flat)
            if op == "Concat":
                return np.concatenate([self.value(i) for i in node.input], attrs["axis"])
        return self.plain(node, x, attrs)

    def plain(self, node, x, attrs):
        """Shape arithmetic, and what stays in fp32."""
        op = node.op_type
        if op in SHAPE_OPS:
            return SHAPE_OPS[op]([self.value(i) for i in node.input], attrs)
        if x.dtype != F:
            raise Unsupported(op)
        self.kinds.add("float:" + op)
        ins = [self.value(i).astype(np.float64) for i in node.input if i]
        if op not in FLOAT_OPS:
            raise Unsupported(op)
        return FLOAT_OPS[op](ins, attrs).astype(F)

    def qlinear(self, node):
        op = node.op_type
        attrs = self.attrs(node)
        if op == "QLinearConcat":
            self.kinds |= {"Concat", "Requantize"}
            out = Q(np.zeros(0, self.value(node.input[1]).dtype), self.value(node.input[0]),
                    self.value(node.input[1]))
            ins = [self.q_of(node, i) for i in range(2, len(node.input), 3)]
            return concat(ins, None, attrs, out)
        kernel, data, at_out, at_bias = QLINEAR[op]
        ins = [self.q_of(node, i) for i in data]
        for q in ins[1:]:
            q.axis = 0 if op == "QLinearConv" or attrs.get("transB", 0) else -1
        bias = None
        if at_bias is not None and len(node.input) > at_bias and node.input[at_bias]:
            bias = self.value(node.input[at_bias])
        zero = self.value(node.input[at_out + 1])
        out = Q(np.zeros(0, zero.dtype), self.value(node.input[at_out]), zero)
        if attrs.get("alpha", 1.0) != 1.0 or attrs.get("channels_last", 0):
            raise Unsupported(op)
        self.kinds.add(kernel)
        return KERNELS[kernel](ins, bias, attrs, out)
