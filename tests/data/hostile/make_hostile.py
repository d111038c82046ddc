#!/usr/bin/env python3
#
# make_hostile.py -- broken ONNX and .npy files: each must be refused by one line and exit status 1.
#
# Out: NAME.onnx, NAME.npy and hostile.tsv (name, what is wrong). The .npy files are meant as input x
#      of tests/data/zoo/conv_1x1.onnx, fp32 1 x 3 x 9 x 9.
# How: a small valid network is built, then one thing in it is broken. Needs: pip install onnx numpy.
#      With --check, ONNX Runtime says which of them it takes (pip install onnxruntime).
#
# SPDX-License-Identifier: Apache-2.0
import argparse
import pathlib

import numpy as np
from onnx import TensorProto, helper, numpy_helper

HERE = pathlib.Path(__file__).parent
F32 = TensorProto.FLOAT


def node(kind, ins, outs, **attrs):
    return helper.make_node(kind, ins, outs, **attrs)


def const(name, array):
    return numpy_helper.from_array(np.asarray(array), name)


def model(nodes, inits=(), shape=(1, 3, 6, 6), out="y", opset=13, more_inputs=()):
    graph = helper.make_graph(
        list(nodes), "g", [helper.make_tensor_value_info("x", F32, shape), *more_inputs],
        [helper.make_tensor_value_info(out, F32, None)], list(inits))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def conv_model(weights=None, **attrs):
    w = np.ones((2, 3, 3, 3), np.float32) if weights is None else weights
    return model([node("Conv", ["x", "w"], ["y"], **attrs)], [const("w", w)])


def raw_tensor(name, dims, raw, dtype=F32):
    return TensorProto(name=name, dims=dims, data_type=dtype, raw_data=raw)


def weights_as(tensor):
    return model([node("Add", ["x", "w"], ["y"])], [tensor])


def quantized(scale=.1, zero=np.int8(0), weight_scale=(.1, .1), bias_n=2, w_zero=None):
    """x -> Q -> DQ -> Conv with int8 weights and int32 bias -> Q -> DQ -> y, to be spoilt."""
    n = len(weight_scale)
    w_zero = np.zeros(n, np.int8) if w_zero is None else w_zero
    inits = [const("s", np.float32(scale)), const("z", zero), const("w", np.ones((2, 3, 1, 1), np.int8)),
             const("ws", np.array(weight_scale, np.float32)), const("wz", w_zero),
             const("b", np.ones(bias_n, np.int32)),
             const("bs", np.full(bias_n, .01, np.float32)), const("bz", np.zeros(bias_n, np.int32))]
    nodes = [node("QuantizeLinear", ["x", "s", "z"], ["xq"]),
             node("DequantizeLinear", ["xq", "s", "z"], ["xd"]),
             node("DequantizeLinear", ["w", "ws", "wz"], ["wd"], axis=0),
             node("DequantizeLinear", ["b", "bs", "bz"], ["bd"], axis=0),
             node("Conv", ["xd", "wd", "bd"], ["c"]),
             node("QuantizeLinear", ["c", "s", "z"], ["cq"]),
             node("DequantizeLinear", ["cq", "s", "z"], ["y"])]
    return model(nodes, inits)


def varint(n):
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes(out) + bytes([n])


def field(number, payload):
    """A length-delimited protobuf field."""
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def deep_regions(depth):
    """A model whose node holds a graph whose node holds a graph, and so on."""
    graph = b""
    for _ in range(depth):
        attribute = field(1, b"then_branch") + field(6, graph)
        graph = field(1, field(4, b"If") + field(5, attribute))
    return b"\x08\x08" + field(7, graph)


def deep_type(depth):
    """An input of type sequence of sequence of ..."""
    kind = b""
    for _ in range(depth):
        kind = field(4, field(1, kind))
    return b"\x08\x08" + field(7, field(11, field(1, b"x") + field(2, kind)))


def external(location, offset=None):
    t = TensorProto(name="w", dims=[1], data_type=F32, data_location=TensorProto.EXTERNAL)
    for key, value in (("location", location), ("offset", offset), ("length", "4")):
        if value is not None:
            t.external_data.add(key=key, value=value)
    return weights_as(t)


def broken_fields():
    """One field of a valid model set to nonsense."""
    no_graph = conv_model()
    no_graph.ClearField("graph")
    no_opset = conv_model()
    del no_opset.opset_import[:]
    no_output = conv_model()
    del no_output.graph.output[:]
    wrong_type = conv_model(strides=[1, 1])
    wrong_type.graph.node[0].attribute[0].CopyFrom(helper.make_attribute("strides", "two"))
    float_group = conv_model()
    float_group.graph.node[0].attribute.append(helper.make_attribute("group", 1.5))
    no_value = model([node("Constant", [], ["c"]), node("Add", ["x", "c"], ["y"])])
    bad_utf8 = conv_model().SerializeToString().replace(b"Conv", b"C\xff\xfen")
    both = weights_as(TensorProto(name="w", dims=[2], data_type=F32, raw_data=b"\0" * 8,
                                  float_data=[1, 2, 3]))
    few = weights_as(TensorProto(name="w", dims=[3], data_type=F32, float_data=[1, 2]))
    one_branch = model([node("Constant", [], ["c"], value=const("t", np.array(True))),
                        node("If", ["c"], ["y"], then_branch=helper.make_graph(
                            [node("Relu", ["x"], ["t"])], "t", [],
                            [helper.make_tensor_value_info("t", F32, None)]))])
    return {
        "no_graph": ("no graph", no_graph), "no_opset": ("no opset", no_opset),
        "no_output": ("a graph without outputs", no_output),
        "opset_999": ("opset 999", model([node("Relu", ["x"], ["y"])], opset=999)),
        "attribute_string": ("Conv strides as a string", wrong_type),
        "attribute_float": ("Conv group as a float", float_group),
        "constant_empty": ("Constant without a value", no_value),
        "not_utf8": ("operator name that is not UTF-8", bad_utf8),
        "both_data": ("raw_data and float_data in one tensor", both),
        "few_data": ("two floats for a shape of three", few),
        "one_branch": ("If without else_branch", one_branch),
        "unknown_op": ("operator that does not exist", model([node("Frobnicate", ["x"], ["y"])])),
        "unknown_domain": ("operator of an unknown domain",
                           model([node("Relu", ["x"], ["y"], domain="example.invalid")])),
        "escape_name": ("operator name with format and terminal codes: still one line",
                        model([node("%s%n\n\x1b[31mline two\r", ["x"], ["y"])])),
        "dtype_99": ("element type 99", weights_as(raw_tensor("w", [1], b"\0" * 4, 99))),
        "string_weights": ("weights of type string",
                           weights_as(TensorProto(name="w", dims=[1], data_type=TensorProto.STRING,
                                                  string_data=[b"one"]))),
    }


def broken_sizes():
    big = 1 << 40
    return {
        "dim_huge": ("input of 2^40 x 2^40", model([node("Relu", ["x"], ["y"])], shape=(big, big))),
        "dim_negative": ("input dimension -3", model([node("Relu", ["x"], ["y"])], shape=(1, -3))),
        "weights_huge": ("2^40 weights in 4 bytes", weights_as(raw_tensor("w", [big], b"\0" * 4))),
        "weights_wrap": ("2^32 x 2^32 weights: the product is 0 in 64 bits",
                         weights_as(raw_tensor("w", [1 << 32, 1 << 32], b""))),
        "weights_negative": ("weights of dimension -4", weights_as(raw_tensor("w", [-4], b"\0" * 16))),
        "weights_bytes": ("7 bytes for two floats", weights_as(raw_tensor("w", [2], b"\0" * 7))),
        "weights_long": ("12 bytes for two floats", weights_as(raw_tensor("w", [2], b"\0" * 12))),
        "external_up": ("external data in ../../../../etc/passwd",
                        external("../../../../etc/passwd")),
        "external_absolute": ("external data in /etc/passwd", external("/etc/passwd")),
        "external_missing": ("external data in a file that is not there", external("none.bin")),
        "external_offset": ("external data at offset -1", external("external_offset.onnx", "-1")),
        "external_beyond": ("external data beyond the end of its file",
                            external("external_beyond.onnx", str(big))),
        "fill_huge": ("ConstantOfShape of 2^40 elements",
                      model([node("ConstantOfShape", ["n"], ["c"]), node("Add", ["x", "c"], ["y"])],
                            [const("n", np.array([big], np.int64))])),
        "pad_huge": ("Pad by 2^40", model([node("Pad", ["x", "p"], ["y"])],
                                          [const("p", np.array([0, 0, big, 0] * 2, np.int64))])),
        "stride_0": ("Conv stride 0", conv_model(strides=[0, 1])),
        "dilation_0": ("Conv dilation 0", conv_model(dilations=[1, 0])),
        "group_0": ("Conv group 0", conv_model(group=0)),
        "group_2": ("Conv group 2 of 3 channels", conv_model(group=2)),
        "pad_negative": ("Conv pad -9", conv_model(pads=[-9, 0, 0, 0])),
        "pads_three": ("Conv with three pads", conv_model(pads=[1, 1, 1])),
        "kernel_huge": ("Conv kernel_shape 2^31 x 3 for 3x3 weights",
                        conv_model(kernel_shape=[1 << 31, 3])),
        "kernel_large": ("pool kernel larger than the image",
                         model([node("MaxPool", ["x"], ["y"], kernel_shape=[9, 9])])),
        "pool_stride_0": ("MaxPool stride 0",
                          model([node("MaxPool", ["x"], ["y"], kernel_shape=[2, 2],
                                      strides=[0, 0])])),
    }


def broken_graphs():
    relu = node("Relu", ["x"], ["y"])
    return {
        "cycle": ("two nodes that need each other",
                  model([node("Add", ["x", "b"], ["a"]), node("Relu", ["a"], ["b"]),
                         node("Relu", ["b"], ["y"])])),
        "self_loop": ("a node that reads its own result", model([node("Add", ["x", "y"], ["y"])])),
        "duplicate_value": ("two nodes that make y", model([relu, node("Sigmoid", ["x"], ["y"])])),
        "duplicate_weights": ("two initializers named w",
                              model([node("Add", ["x", "w"], ["y"])],
                                    [const("w", np.float32([1])), const("w", np.float32([2]))])),
        "duplicate_input": ("a node that makes the graph's input",
                            model([node("Relu", ["x"], ["x"]), relu])),
        "missing_input": ("a node that reads what nobody makes", model([node("Add", ["x", "q"],
                                                                             ["y"])])),
        "missing_output": ("a graph output that nobody makes", model([relu], out="z")),
        "empty_input": ("Conv without weights", model([node("Conv", ["x", ""], ["y"])])),
        "too_many_inputs": ("Relu of three values", model([node("Relu", ["x", "x", "x"], ["y"])])),
        "channels": ("Conv of 3 channels with weights for 4",
                     conv_model(np.ones((2, 4, 3, 3), np.float32))),
        "rank": ("Conv of an image with 1-D weights", conv_model(np.ones((2, 3, 3), np.float32))),
        "gemm_k": ("Gemm 6 by 5", model([node("Gemm", ["x", "w"], ["y"])],
                                        [const("w", np.ones((5, 2), np.float32))], shape=(1, 6))),
        "broadcast": ("Add of shapes that do not broadcast",
                      model([node("Add", ["x", "w"], ["y"])], [const("w", np.ones(5, np.float32))])),
        "reshape": ("Reshape of 108 elements to 100",
                    model([node("Reshape", ["x", "s"], ["y"])], [const("s", np.int64([10, 10]))])),
        "reshape_two": ("Reshape with two free dimensions",
                        model([node("Reshape", ["x", "s"], ["y"])],
                              [const("s", np.int64([-1, -1, 3]))])),
        "flatten_axis": ("Flatten axis 9", model([node("Flatten", ["x"], ["y"], axis=9)])),
        "concat_axis": ("Concat axis -7", model([node("Concat", ["x", "x"], ["y"], axis=-7)])),
        "transpose_perm": ("Transpose with a repeated axis",
                           model([node("Transpose", ["x"], ["y"], perm=[0, 1, 1, 2])])),
        "squeeze_axis": ("Squeeze of a dimension of 3",
                         model([node("Squeeze", ["x", "a"], ["y"])], [const("a", np.int64([1]))])),
        "gather_index": ("Gather of dimension 7 of 4",
                         model([node("Shape", ["x"], ["s"]), node("Gather", ["s", "i"], ["n"]),
                                node("Unsqueeze", ["n", "a"], ["t"]),
                                node("Reshape", ["x", "t"], ["y"])],
                               [const("i", np.int64(7)), const("a", np.int64([0]))])),
        "scale_count": ("three weight scales for two channels",
                        quantized(weight_scale=(.1, .1, .1))),
        "zero_type": ("int8 weights with a uint8 zero point", quantized(w_zero=np.zeros(2, np.uint8))),
        "bias_count": ("bias of five for two channels", quantized(bias_n=5)),
    }


def broken_bytes():
    good = quantized().SerializeToString()
    noise = np.random.default_rng(1).integers(0, 256, 600, np.uint8).tobytes()
    return {
        "empty": ("no byte at all", b""), "text": ("a line of text", b"this is not a network\n"),
        "random": ("600 random bytes", noise),
        "cut_half": ("a valid file cut in half", good[:len(good) // 2]),
        "cut_last": ("a valid file without its last byte", good[:-1]),
        "cut_noise": ("a valid file whose middle is noise",
                      good[:200] + noise[:200] + good[400:]),
        "varint": ("a length of twenty bytes of ff", b"\x08\x08\x3a" + b"\xff" * 20),
        "length": ("a length of 2^60", b"\x08\x08\x3a" + varint(1 << 60) + b"\x0a\x00"),
        "deep_regions": ("regions in regions, 100 deep", deep_regions(100)),
        "deep_type": ("sequence of sequence, 100 deep", deep_type(100)),
    }


def npy(header, data=b"", magic=b"\x93NUMPY", version=b"\x01\x00", length=None):
    text = header.encode() if isinstance(header, str) else header
    size = len(text) if length is None else length
    return magic + version + size.to_bytes(2, "little") + text + data


def header(descr="'<f4'", order="False", shape="(1, 3, 9, 9)"):
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}\n"


def broken_npy():
    data = np.zeros(243, np.float32).tobytes()
    return {
        "npy_empty": ("no byte at all", b""),
        "npy_magic": ("wrong magic", npy(header(), data[:64], magic=b"\x93NUMPX")),
        "npy_version": ("format version 9", npy(header(), data[:64], version=b"\x09\x00")),
        "npy_cut_header": ("ends inside the header", npy(header())[:30]),
        "npy_header_length": ("header of 65,535 bytes in a short file",
                              npy(header(), data[:64], length=65535)),
        "npy_no_header": ("header of no bytes", npy("", data[:64])),
        "npy_not_dict": ("header that is no dictionary", npy("[1, 2, 3]\n", data[:64])),
        "npy_code": ("header with a call", npy("__import__('os').system('true')\n", data[:64])),
        "npy_open_string": ("string without an end", npy("{'descr': '<f4, 'shape\n", data[:64])),
        "npy_no_shape": ("header without a shape",
                         npy("{'descr': '<f4', 'fortran_order': False}\n", data[:64])),
        "npy_short": ("half of the data", npy(header(), data[:486])),
        "npy_object": ("pickled objects", npy(header("'|O'"), b"\x80\x04N.")),
        "npy_descr": ("structured element type", npy(header("[('a', '<f4')]"), data[:64])),
        "npy_i4": ("int32 where the network wants float32", npy(header("'<i4'"), data)),
        "npy_shape": ("another shape than the network's",
                      npy(header(shape="(1, 3, 2, 2)"), data[:48])),
        "npy_huge": ("shape of 2^40 x 2^40", npy(header(shape="(1099511627776, 1099511627776)"))),
        "npy_wrap": ("shape of 2^62 x 4: the bytes wrap to 0 in 64 bits",
                     npy(header(shape="(4611686018427387904, 4)"))),
        "npy_digits": ("shape of 40 digits", npy(header(shape="(" + "9" * 40 + ",)"))),
        "npy_negative": ("negative dimension", npy(header(shape="(1, -3, 9, 9)"), data[:64])),
        "npy_many": ("100 dimensions", npy(header(shape="(" + "1, " * 100 + ")"), data[:4])),
        "npy_random": ("random bytes behind the magic",
                       b"\x93NUMPY" + np.random.default_rng(2).bytes(200)),
    }


def taken_by_onnxruntime(path):
    import onnxruntime as ort
    try:
        options = ort.SessionOptions()
        options.log_severity_level = 4
        session = ort.InferenceSession(str(path), options)
        session.run(None, {"x": np.zeros((1, 3, 6, 6), np.float32)})
        return True
    except Exception:
        return False


def main():
    parser = argparse.ArgumentParser(description="make broken files")
    parser.add_argument("--out", type=pathlib.Path, default=HERE)
    parser.add_argument("--check", action="store_true", help="show what ONNX Runtime takes")
    args = parser.parse_args()
    rows = []
    for kind, cases in (("onnx", {**broken_bytes(), **broken_fields(), **broken_sizes(),
                                  **broken_graphs()}), ("npy", broken_npy())):
        for name, (what, content) in cases.items():
            path = args.out / f"{name}.{kind}"
            path.write_bytes(content if isinstance(content, bytes) else content.SerializeToString())
            rows.append(f"{path.name}\t{what}\n")
            if args.check and kind == "onnx" and taken_by_onnxruntime(path):
                print(f"{path.name}: ONNX Runtime takes it")
    with open(args.out / "hostile.tsv", "w") as f:
        f.write("# Broken files made by make_hostile.py: each gives one line and exit status 1.\n"
                "# The .npy files are meant as input x of tests/data/zoo/conv_1x1.onnx.\n"
                "#file\twhat is wrong\n")
        f.writelines(rows)
    print(f"{len(rows)} files")


if __name__ == "__main__":
    main()
