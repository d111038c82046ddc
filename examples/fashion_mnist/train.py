#!/usr/bin/env python3
#
# train.py -- make the demo's network: train, fold, export, quantise, measure.
#
# In:  Fashion-MNIST as Debian's package dataset-fashion-mnist installs it.
# Out: fashion_mnist_fp32.onnx (batch norm folded), fashion_mnist_int8.onnx (QDQ).
# How: PyTorch trains a small residual network with a cyclic learning rate; ONNX Runtime's
#      quantize_static calibrates it on training images. Both files are then measured on all 10,000
#      test images. Needs: pip install torch numpy onnx onnxruntime onnxscript. The build never runs it.
#
# SPDX-License-Identifier: Apache-2.0
import argparse
import gzip
import pathlib
import struct

import numpy as np
import onnx
import onnxruntime as ort
import torch
from onnxruntime.quantization import (CalibrationDataReader, CalibrationMethod, QuantFormat,
                                      QuantType, quantize_static)
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

DATA = pathlib.Path("/usr/share/datasets/fashion-mnist")
OPSET = 17
SEED = 2
N_CALIBRATION = 512  # training images


def read_idx(path):
    """The u8 array in a gzipped IDX file: magic 0x0008, number of dimensions, big-endian sizes."""
    with gzip.open(path) as f:
        zero, dtype, rank = struct.unpack(">HBB", f.read(4))
        if zero != 0 or dtype != 8:
            raise SystemExit(f"{path}: not an IDX file of unsigned bytes")
        shape = struct.unpack(f">{rank}I", f.read(4 * rank))
        return np.frombuffer(f.read(), np.uint8).reshape(shape)


def load(part, directory):
    """Images (N,1,28,28) fp32 in 0..1 and labels (N) of part "train" or "t10k"."""
    images = read_idx(directory / f"{part}-images-idx3-ubyte.gz")
    labels = read_idx(directory / f"{part}-labels-idx1-ubyte.gz")
    return images[:, None].astype(np.float32) / np.float32(255), labels.astype(np.int64)


class ConvBn(nn.Module):
    """A 3x3 convolution and its batch norm; fold() makes them one convolution with a bias."""

    def __init__(self, c_in, c_out, stride=1):
        super().__init__()
        self.conv = nn.Conv2d(c_in, c_out, 3, stride=stride, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(c_out)

    def fold(self):
        self.conv = fuse_conv_bn_eval(self.conv, self.bn)
        self.bn = nn.Identity()

    def forward(self, x):
        return self.bn(self.conv(x))


class Residual(nn.Module):
    """relu(x + conv(relu(conv(x)))), same shape out as in."""

    def __init__(self, c):
        super().__init__()
        self.a = ConvBn(c, c)
        self.b = ConvBn(c, c)

    def forward(self, x):
        return F.relu(x + self.b(F.relu(self.a(x))))


class Net(nn.Module):
    """(N,1,28,28) in 0..1 -> (N,10) logits. 2.1 million multiply-accumulates per image."""

    def __init__(self):
        super().__init__()
        self.stem = ConvBn(1, 16)
        self.block1 = Residual(16)
        self.down = ConvBn(16, 32, stride=2)
        self.block2 = Residual(32)
        self.dense = nn.Linear(32, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.stem(x)), 2)  # (N,16,14,14)
        x = self.block1(x)
        x = self.block2(F.relu(self.down(x)))  # (N,32,7,7)
        x = F.adaptive_avg_pool2d(x, 1)
        return self.dense(torch.flatten(x, 1))


def augment(x):
    """Mirror half of the images and move each by up to two pixels: the classes do not change."""
    x = torch.where(torch.rand(len(x), 1, 1, 1) < 0.5, x.flip(3), x)
    dy, dx = np.random.randint(0, 5, 2)
    return F.pad(x, (2, 2, 2, 2))[:, :, dy:dy + 28, dx:dx + 28]


def train(net, images, labels, epochs, batch=128):
    images, labels = torch.from_numpy(images), torch.from_numpy(labels)
    n_steps = len(images) // batch
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4,
                                nesterov=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 0.2, total_steps=epochs * n_steps)
    net.train().to(memory_format=torch.channels_last)
    for epoch in range(epochs):
        order = torch.randperm(len(images))
        total = 0.0
        for step in range(n_steps):
            pick = order[step * batch:(step + 1) * batch]
            loss = F.cross_entropy(net(augment(images[pick])), labels[pick])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item()
        print(f"epoch {epoch + 1:2d} of {epochs}: loss {total / n_steps:.4f}", flush=True)
    net.eval().to(memory_format=torch.contiguous_format)


def accuracy_torch(net, images, labels):
    with torch.no_grad():
        hits = [(net(torch.from_numpy(images[i:i + 500])).argmax(1).numpy() == labels[i:i + 500]).sum()
                for i in range(0, len(images), 500)]
    return 100.0 * sum(hits) / len(images)


def accuracy_onnx(path, images, labels, optimised):
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    if not optimised:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    hits = sum(int(session.run(None, {"image": images[i:i + 1]})[0].argmax() == labels[i])
               for i in range(len(images)))
    return 100.0 * hits / len(images)


class Calibration(CalibrationDataReader):
    def __init__(self, images):
        self.feeds = iter([{"image": images[i:i + 1]} for i in range(len(images))])

    def get_next(self):
        return next(self.feeds, None)


def export(net, path):
    for module in net.modules():
        if isinstance(module, ConvBn):
            module.fold()
    torch.onnx.export(net, (torch.zeros(1, 1, 28, 28),), str(path), opset_version=OPSET,
                      input_names=["image"], output_names=["logits"], dynamo=False)
    onnx.checker.check_model(str(path), full_check=True)


def main():
    parser = argparse.ArgumentParser(description="make the Fashion-MNIST demo network")
    parser.add_argument("--data", type=pathlib.Path, default=DATA, help="folder of the idx.gz files")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).parent)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()

    torch.manual_seed(SEED)
    np.random.seed(SEED)
    torch.set_num_threads(args.threads)
    images, labels = load("train", args.data)
    test_images, test_labels = load("t10k", args.data)

    net = Net()
    train(net, images, labels, args.epochs)
    fp32 = args.out / "fashion_mnist_fp32.onnx"
    int8 = args.out / "fashion_mnist_int8.onnx"
    print(f"fp32, PyTorch: {accuracy_torch(net, test_images, test_labels):.2f} %")
    export(net, fp32)
    print(f"fp32, ONNX Runtime: {accuracy_onnx(fp32, test_images, test_labels, True):.2f} %")
    quantize_static(str(fp32), str(int8), Calibration(images[:N_CALIBRATION]),
                    quant_format=QuantFormat.QDQ, per_channel=True,
                    activation_type=QuantType.QInt8, weight_type=QuantType.QInt8,
                    calibrate_method=CalibrationMethod.MinMax)
    for optimised in (False, True):
        print(f"int8, ONNX Runtime, graph optimisation {'on' if optimised else 'off'}: "
              f"{accuracy_onnx(int8, test_images, test_labels, optimised):.2f} %")


if __name__ == "__main__":
    main()
