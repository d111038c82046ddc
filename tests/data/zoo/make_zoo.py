#!/usr/bin/env python3
#
# make_zoo.py -- small quantised networks with expected outputs, for tests of every device.
#
# Out: for each network NAME.onnx, its input NAME.in.npy (in0, in1 where there are two), ONNX
#      Runtime's output NAME.ort.npy and, where Systole's arithmetic (numerics.py) gives other bits,
#      those as NAME.ref.npy; zoo.tsv lists them. With --resnet20 the ResNet-20 of shared/data too.
# How: graphs are written by hand (nets.py) or exported by PyTorch (torch_nets.py), quantised by ONNX Runtime's
#      quantize_static, run by ONNX Runtime and by numerics.py. A network whose every formula is
#      promised equal to ONNX Runtime's integer kernels stops the script when one bit differs.
#      Needs: pip install torch numpy onnx onnxruntime onnxscript. Builds and tests never run it.
#
# SPDX-License-Identifier: Apache-2.0
import argparse
import logging
import pathlib
import tempfile
import warnings
import zlib

import numpy as np
import onnx
import onnxruntime as ort
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

import nets
import numerics
import torch_nets

TSV_HEAD = """\
# Small quantised networks made by make_zoo.py (PyTorch, ONNX Runtime quantize_static).
# Files: NAME.onnx; NAME.in.npy (in0, in1: graph inputs in order, constants left out); NAME.ort.npy
# (ort0, ort1: outputs in order), ONNX Runtime 1.31 with graph optimisation off, or on where only then equal.
# class: equal = our output is NAME.ort.npy bit for bit; add = within 1 lsb of it (a sum, average or
# requantisation rounds differently there); net = rounding differences travel on, compare shares;
# float = some operator or the output stays in fp32: within 1e-4 of the largest output.
# lsb = step of the output; max_lsb, differ_share = our exact output against NAME.ort.npy;
# ort_self_share = elements in which ONNX Runtime differs from itself with optimisation on and off;
# exact = the file that the reference must equal bit for bit: ort, ref (NAME.ref.npy), or - (none).
"""
HERE = pathlib.Path(__file__).parent
TYPES = {"s8": QuantType.QInt8, "u8": QuantType.QUInt8}
# numerics.md: these formulas equal ONNX Runtime's bit for bit.
EQUAL = {"Conv", "Gemm", "MatMul", "MaxPool", "GlobalAveragePool", "Relu", "Clip", "Pad",
         "Concat"} | set(numerics.MOVES)
COLUMNS = "name class lsb max_lsb differ_share ort_self_share exact covers".split()


class Feeds(CalibrationDataReader):
    def __init__(self, feeds):
        self.feeds = iter(feeds)

    def get_next(self):
        return next(self.feeds, None)


def graph_inputs(model):
    constants = {t.name for t in model.graph.initializer}
    return [i for i in model.graph.input if i.name not in constants]


def random_feed(model, rng):
    feed = {}
    for i in graph_inputs(model):
        shape = [d.dim_value for d in i.type.tensor_type.shape.dim]
        dtype = onnx.helper.tensor_dtype_to_np_dtype(i.type.tensor_type.elem_type)
        if dtype in numerics.RANGE:
            lo, hi = numerics.RANGE[dtype]
            feed[i.name] = rng.integers(lo, hi + 1, shape, dtype)
        else:
            feed[i.name] = rng.standard_normal(shape).astype(dtype)
    return feed


def quantized(model, rng, form, act, weight, per_channel, feeds=None, **extra):
    """The model as quantize_static writes it. form: qdq or qop; act, weight: s8 or u8."""
    feeds = feeds or [random_feed(model, rng) for _ in range(8)]
    with tempfile.TemporaryDirectory() as folder:
        source, target = folder + "/fp32.onnx", folder + "/int8.onnx"
        onnx.save(model, source)
        quantize_static(source, target, Feeds(feeds),
                        quant_format=QuantFormat.QDQ if form == "qdq" else QuantFormat.QOperator,
                        per_channel=per_channel, activation_type=TYPES[act],
                        weight_type=TYPES[weight], extra_options=extra)
        return onnx.load(target)


def session_of(model, optimised):
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    if not optimised:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    return ort.InferenceSession(model.SerializeToString(), options,
                                providers=["CPUExecutionProvider"])


def all_integer(model):
    """Does ONNX Runtime's optimiser replace every product and mean of this network by its integer
    kernel? Int8 Conv often stays in fp32 there, and then only promises to be close."""
    with tempfile.TemporaryDirectory() as folder:
        options = ort.SessionOptions()
        options.log_severity_level = 3
        options.optimized_model_filepath = folder + "/optimised.onnx"
        ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        kinds = {n.op_type for n in onnx.load(options.optimized_model_filepath).graph.node}
        return not kinds & {"Conv", "FusedConv", "Gemm", "FusedGemm", "MatMul", "GlobalAveragePool"}


def run_ort(model, feed, optimised):
    return session_of(model, optimised).run(None, feed)


def output_lsb(model):
    """The scale behind the first output: its last-place unit; 1 for integers, nan for free fp32."""
    net = numerics.Network(model, {})
    name = model.graph.output[0].name
    if model.graph.output[0].type.tensor_type.elem_type != onnx.TensorProto.FLOAT:
        return 1.0
    while net.producer[name].op_type in numerics.MOVES:
        name = net.producer[name].input[0]
    node = net.producer[name]
    return float(net.value(node.input[1])) if node.op_type == "DequantizeLinear" else float("nan")


def steps(a, b, lsb):
    """Largest difference in units of lsb, and the share of elements that differ."""
    diff = np.abs(a.astype(np.float64) - b.astype(np.float64))
    return float(np.max(diff, initial=0.0) / lsb), float(np.mean(a != b)) if a.size else 0.0


def judge(name, model, feed):
    """(row without the covers column, expected outputs of ONNX Runtime, ours where they differ)."""
    off, on = run_ort(model, feed, False), run_ort(model, feed, True)
    lsb = output_lsb(model)
    self_share = max(steps(a, b, 1)[1] for a, b in zip(off, on))
    net = numerics.Network(model, feed)
    try:
        ours = net.run()
    except numerics.Unsupported as why:
        print(f"{name}: float operator {why}")
        return [name, "float", lsb, "-", "-", self_share, "-"], off, None, net
    assert all(a.dtype == b.dtype and a.shape == b.shape for a, b in zip(ours, off)), \
        (name, [(a.dtype, a.shape, b.dtype, b.shape) for a, b in zip(ours, off)])
    same_off = all(np.array_equal(a, b) for a, b in zip(ours, off))
    same_on = all(np.array_equal(a, b) for a, b in zip(ours, on))
    guessed = any(k.startswith("float:") and k[6:] not in numerics.ROUNDED_ONCE for k in net.kinds)
    if np.isnan(lsb):
        far = steps(ours[0], off[0], float(np.abs(off[0]).max()))[0]
        assert far < 1e-4, (name, far)
        return [name, "float", lsb, "-", "-", self_share, "-"], off, None, net
    pairs = [steps(a, b, lsb) for a, b in zip(ours, off)]
    far, share = max(p[0] for p in pairs), max(p[1] for p in pairs)
    kind = "add" if far < 1.5 else "net"
    if guessed:
        print(f"{name}: fp32 inside: {far:.2f} lsb, {share:.4f} differ, {sorted(net.kinds)}")
        return [name, kind, lsb, far, share, self_share, "-"], off, None, net
    if same_off or same_on:
        if not same_off:
            print(f"{name}: equal only with optimisation on ({share:.4f} differ with it off)")
        return [name, "equal", lsb, 0.0, 0.0, self_share, "ort"], off if same_off else on, None, net
    print(f"{name}: {kind}: {far:.2f} lsb, {share:.4f} differ, ORT itself {self_share:.4f}, "
          f"{sorted(net.kinds)}")
    if net.kinds <= EQUAL and all_integer(model):
        deviates = [steps(a, b, lsb) for a, b in zip(ours, on)]
        raise SystemExit(f"{name}: promised equal, but differs from ONNX Runtime: {deviates}")
    return [name, kind, lsb, far, share, self_share, "ref"], off, ours, net


def save_arrays(folder, name, part, arrays):
    for i, array in enumerate(arrays):
        suffix = str(i) if len(arrays) > 1 else ""
        np.save(folder / f"{name}.{part}{suffix}.npy", array)


def slim(model):
    """Without intermediate shapes and producer notes: smaller files, and inference has work."""
    del model.graph.value_info[:]
    model.doc_string = ""
    return model


def make(case, folder):
    """Writes one network and its arrays; returns its line of zoo.tsv."""
    rng = np.random.default_rng(zlib.crc32(case.name.encode()))
    model = case.build(rng)
    if case.form != "ready":
        model = quantized(model, rng, case.form, case.act, case.weight, case.per_channel,
                          **case.extra)
    if case.edit:
        case.edit(model)
    model = slim(model)
    onnx.checker.check_model(model)
    feed = random_feed(model, rng)
    if case.feed:
        case.feed(feed)
    row, outputs, ours, _ = judge(case.name, model, feed)
    onnx.save(model, folder / f"{case.name}.onnx")
    save_arrays(folder, case.name, "in", list(feed.values()))
    save_arrays(folder, case.name, "ort", outputs)
    if ours is not None:
        save_arrays(folder, case.name, "ref", ours)
    form = "" if case.form == "ready" else \
        f"; {case.form} {case.act} x {case.weight} per {'channel' if case.per_channel else 'tensor'}"
    return row + [case.covers + form]


def normalised(images):
    """u8 NHWC images as ResNet-20's fp32 NCHW input."""
    x = images.astype(np.float32) / np.float32(255)
    x = (x - np.array([.485, .456, .406], np.float32)) / np.array([.229, .224, .225], np.float32)
    return np.ascontiguousarray(x.transpose(0, 3, 1, 2))


def fixed_batch_one(model):
    for value in list(model.graph.input) + list(model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = 1
    return model


def drawn_image(rng):
    """Twelve coloured blobs, normalised as CIFAR-10 is: no photograph needs to be in the tree."""
    y, x = np.mgrid[0:32, 0:32]
    image = np.zeros((3, 32, 32))
    for _ in range(12):
        cy, cx, r = rng.uniform(0, 32), rng.uniform(0, 32), rng.uniform(2, 9)
        image += rng.uniform(-.2, 1, (3, 1, 1)) * np.exp(-((y - cy)**2 + (x - cx)**2) / r**2)
    image = np.clip(np.rint(image * 255), 0, 255).astype(np.uint8)
    return normalised(image.transpose(1, 2, 0)[None])


def make_resnet20(data, folder):
    """ResNet-20 of shared/data, quantised on its 500 training images, measured on its 2,000 test
    images; four drawn images are its inputs here."""
    name = "resnet20_int8"
    model = fixed_batch_one(onnx.load(data / "onnx/resnet20_cifar10/resnet20_export.onnx"))
    feed_name = graph_inputs(model)[0].name
    samples = data / "datasets/cifar10_sample"
    train = normalised(np.load(samples / "train500_u8_nhwc.npy"))
    test = normalised(np.load(samples / "test2000_u8_nhwc.npy"))
    labels = np.load(samples / "test2000_labels_u8.npy")
    model = slim(quantized(model, None, "qdq", "s8", "s8", True,
                           feeds=[{feed_name: train[i:i + 1]} for i in range(len(train))]))
    onnx.save(model, folder / f"{name}.onnx")
    logits = {}
    for optimised in (False, True):
        session = session_of(model, optimised)
        logits[optimised] = np.concatenate([session.run(None, {feed_name: test[i:i + 1]})[0]
                                            for i in range(len(test))])
    percent = [100 * np.mean(logits[o].argmax(1) == labels) for o in (False, True)]
    lsb = output_lsb(model)
    ours = [numerics.Network(model, {feed_name: test[i:i + 1]}).run()[0] for i in range(100)]
    far, share = steps(np.concatenate(ours), logits[False][:100], lsb)
    rng = np.random.default_rng(20)
    for i in range(4):
        image = drawn_image(rng)
        part = f"{name}.{i}" if i else name
        np.save(folder / f"{part}.in.npy", image)
        np.save(folder / f"{part}.ort.npy", session_of(model, False).run(None, {feed_name: image})[0])
        np.save(folder / f"{part}.ref.npy", numerics.Network(model, {feed_name: image}).run()[0])
    return [name, "net", lsb, far, share, steps(logits[False], logits[True], lsb)[1], "ref",
            "ResNet-20 (see its LICENSE), three more images as NAME.1, NAME.2, NAME.3; on CIFAR-10: "
            f"{percent[0]:.2f} % of 2,000 in ONNX Runtime, {percent[1]:.2f} % with optimisation; "
            "max_lsb and differ_share over its first 100"]


def shown(value):
    return f"{value:.9g}" if isinstance(value, float) else str(value)


def main():
    parser = argparse.ArgumentParser(description="make the zoo of small quantised networks")
    parser.add_argument("names", nargs="*", help="only these networks (zoo.tsv is not written)")
    parser.add_argument("--out", type=pathlib.Path, default=HERE)
    parser.add_argument("--resnet20", type=pathlib.Path, metavar="SHARED_DATA")
    args = parser.parse_args()
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")

    cases = [c for c in nets.cases() + torch_nets.cases() if not args.names or c.name in args.names]
    assert len({c.name for c in cases}) == len(cases)
    rows = [make(case, args.out) for case in cases]
    if args.resnet20:
        rows.append(make_resnet20(args.resnet20, args.out))
    if args.names:
        return
    with open(args.out / "zoo.tsv", "w") as f:
        f.write(TSV_HEAD + "#" + "\t".join(COLUMNS) + "\n")
        f.writelines("\t".join(map(shown, row)) + "\n" for row in rows)
    print(f"{len(rows)} networks")


if __name__ == "__main__":
    main()
