#!/usr/bin/env python3
# generate.py -- writes the cases beside it, in the layout of ONNX's own tests, with ONNX Runtime's results: operators that its
# quantiser and PyTorch's exporter write and ONNX's tests lack. Needs onnx, onnxruntime and numpy.
#
# SPDX-License-Identifier: Apache-2.0
import pathlib

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

HERE = pathlib.Path(__file__).parent
RNG = np.random.default_rng(4)
FLOAT, INT32 = TensorProto.FLOAT, TensorProto.INT32


def f32(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


def u8(*shape):
    return RNG.integers(0, 256, shape).astype(np.uint8)


def i8(*shape):
    return RNG.integers(-128, 128, shape).astype(np.int8)


def case(name, op, operands, kinds=(FLOAT,), domain="com.microsoft", **attrs):
    """operands: (array, constant?) each, or None."""
    names = [f"x{i}" if o is not None else "" for i, o in enumerate(operands)]
    results = [f"y{i}" for i in range(len(kinds))]
    inits, inputs, feeds = [], [], []
    for n, o in zip(names, operands):
        if o is None:
            continue
        tensor = numpy_helper.from_array(np.asarray(o[0]), n)
        if o[1]:
            inits.append(tensor)
        else:
            inputs.append(helper.make_tensor_value_info(n, tensor.data_type, [None] * np.ndim(o[0])))
            feeds.append(tensor)
    node = helper.make_node(op, names, results, domain=domain, **attrs)
    outputs = [helper.make_tensor_value_info(r, k, None) for r, k in zip(results, kinds)]
    graph = helper.make_graph([node], name, inputs, outputs, inits)
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17),
                                                                  helper.make_opsetid("com.microsoft", 1)])
    data = HERE / name / "test_data_set_0"
    data.mkdir(parents=True, exist_ok=True)
    onnx.save(model, HERE / name / "model.onnx")
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    values = session.run(None, {t.name: numpy_helper.to_array(t) for t in feeds})
    for i, t in enumerate(feeds):
        (data / f"input_{i}.pb").write_bytes(t.SerializeToString())
    for i, (r, v) in enumerate(zip(results, values)):
        (data / f"output_{i}.pb").write_bytes(numpy_helper.from_array(v, r).SerializeToString())


def scalar(value, kind=np.float32):
    return np.asarray(value, kind), True


ids = RNG.integers(0, 12, (2, 5)).astype(np.int32)
case("q_attention", "QAttention",
     [(u8(2, 5, 8), False), (i8(8, 24), True), (f32(24), True), scalar(0.02), scalar(0.01),
      (np.array([5, 3], np.int32), False), scalar(128, np.uint8), scalar(0, np.int8)], num_heads=2)
case("q_embed_layer_norm", "QEmbedLayerNormalization",
     [(ids, False), (ids % 2, False), (u8(12, 8), True), (u8(6, 8), True), (u8(2, 8), True), (u8(8), True), (u8(8), True), None]
     + [scalar(0.01 * i) for i in range(1, 6)] + [scalar(100 + i, np.uint8) for i in range(5)], (FLOAT, INT32), epsilon=1e-12)
for both in (False, True):
    d = 2 if both else 1
    case("dynamic_quantize_lstm" + ("_both" if both else ""), "DynamicQuantizeLSTM",
         [(f32(4, 2, 3), False), (i8(d, 3, 16), True), (i8(d, 4, 16), True), (f32(d, 32), True), None, None, None, None,
          (np.full(d, 0.005, np.float32), True), (np.full(d, 3, np.int8), True), (np.full(d, 0.004, np.float32), True),
          (np.full(d, -2, np.int8), True)], 3 * (FLOAT,), hidden_size=4, direction="bidirectional" if both else "forward")
rows = RNG.integers(0, 6, (2, 3))
case("gather_block_u8_of_4", "GatherBlockQuantized",
     [(u8(6, 24), True), (rows, False), (f32(6, 3), True), (u8(6, 2), True)], bits=4, block_size=16)
case("gather_block_u8_of_4_middle", "GatherBlockQuantized",
     [(u8(6, 24), True), (rows, False), (f32(6, 3), True)], bits=4, block_size=16)
case("gather_block_u8_of_8", "GatherBlockQuantized",
     [(u8(6, 48), True), (rows, False), (f32(6, 3), True), (u8(6, 3), True)], bits=8, block_size=16)
case("stft_of_rows", "STFT", [(f32(2, 40), False), scalar(4, np.int64), (np.hanning(16).astype(np.float32), True)], domain="")
case("nhwc_max_pool", "NhwcMaxPool", [(u8(1, 8, 6, 4), False)], (TensorProto.UINT8,), kernel_shape=[3, 3], strides=[2, 2],
     pads=[1, 1, 1, 1])
case("cdist", "CDist", [(f32(4, 3), False), (f32(5, 3), False)], metric="sqeuclidean")
case("cdist_root", "CDist", [(f32(4, 3), False), (f32(5, 3), False)], metric="euclidean")
case("expand_dims", "ExpandDims", [(f32(2, 3), False), scalar(-1, np.int32)])
case("trilu", "Trilu", [(f32(4, 5), False)], upper=0)
case("range", "Range", [(np.float32(v), False) for v in (1, 5, 0.5)])
case("pad", "Pad", [(f32(2, 3), False), (np.array([1, 0, 0, 2]), True), scalar(0.5)], mode="constant")
case("gather_nd", "GatherND", [(f32(2, 3), False), (np.array([[0, 1], [1, 2]]), False)])
