#
# torch_nets.py -- the zoo's exported networks: PyTorch modules as its two exporters write them.
#
# SPDX-License-Identifier: Apache-2.0
import io

import onnx
import torch
from torch import nn
from torch.nn import functional as F

from graphs import Case


def seeded(rng):
    torch.manual_seed(int(rng.integers(1 << 31)))


def exported(make, shape, opset=13, dynamo=False):
    """A build function: the PyTorch module of make(), eval mode, as its exporter writes it."""
    def build(rng):
        seeded(rng)
        net = make().eval()
        for m in net.modules():  # statistics as after training, so that folding changes something
            if isinstance(m, nn.BatchNorm2d):
                m.running_mean.normal_(0, 0.3)
                m.running_var.uniform_(0.5, 2)
                m.weight.data.uniform_(0.5, 1.5)
                m.bias.data.normal_(0, 0.3)
        file = io.BytesIO()
        if dynamo:
            program = torch.onnx.export(net, (torch.zeros(shape),), dynamo=True,
                                        opset_version=opset, verbose=False)
            program.save(file)
        else:
            torch.onnx.export(net, (torch.zeros(shape),), file, opset_version=opset, dynamo=False)
        model = onnx.load_from_string(file.getvalue())
        del model.metadata_props[:]
        for node in model.graph.node:
            del node.metadata_props[:]
        return model
    return build


class ConvBn(nn.Sequential):
    def __init__(self, c, m, k=3, stride=1, groups=1, act=nn.ReLU):
        pad = k // 2
        parts = [nn.Conv2d(c, m, k, stride, pad, groups=groups, bias=False), nn.BatchNorm2d(m)]
        super().__init__(*parts, *([act()] if act else []))


class Block(nn.Module):
    """A residual block; with stride its shortcut is a 1x1 convolution."""

    def __init__(self, c, m, stride=1):
        super().__init__()
        self.a, self.b = ConvBn(c, m, 3, stride), ConvBn(m, m, act=None)
        self.down = ConvBn(c, m, 1, stride, act=None) if stride > 1 else nn.Identity()

    def forward(self, x):
        return F.relu(self.b(self.a(x)) + self.down(x))


class ResNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = ConvBn(3, 10, 7, 2)
        self.body = nn.Sequential(Block(10, 10), Block(10, 17, 2))
        self.head = nn.Linear(17, 10)

    def forward(self, x):
        x = F.max_pool2d(self.stem(x), 3, 2, 1)
        return self.head(torch.flatten(F.adaptive_avg_pool2d(self.body(x), 1), 1))


class Inverted(nn.Module):
    """MobileNetV2's block: expand, depthwise, project, residual, ReLU6."""

    def __init__(self, c, m, stride):
        super().__init__()
        e = 3 * c
        self.body = nn.Sequential(ConvBn(c, e, 1, act=nn.ReLU6),
                                  ConvBn(e, e, 3, stride, e, act=nn.ReLU6),
                                  ConvBn(e, m, 1, act=None))
        self.residual = stride == 1 and c == m

    def forward(self, x):
        return x + self.body(x) if self.residual else self.body(x)


class MobileNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(ConvBn(3, 8, 3, 2, act=nn.ReLU6), Inverted(8, 8, 1),
                                  Inverted(8, 12, 2), ConvBn(12, 33, 1, act=nn.ReLU6))
        self.head = nn.Linear(33, 10)

    def forward(self, x):
        return self.head(self.body(x).mean((2, 3)))


class Hard(nn.Module):
    """MobileNetV3's block: HardSwish, depthwise, squeeze and excite by HardSigmoid."""

    def __init__(self, c, m, stride):
        super().__init__()
        e = 3 * c
        self.body = nn.Sequential(ConvBn(c, e, 1, act=nn.Hardswish),
                                  ConvBn(e, e, 3, stride, e, act=nn.Hardswish))
        self.a, self.b = nn.Conv2d(e, 5, 1), nn.Conv2d(5, e, 1)
        self.back = ConvBn(e, m, 1, act=None)

    def forward(self, x):
        x = self.body(x)
        return self.back(x * F.hardsigmoid(self.b(F.relu(self.a(F.adaptive_avg_pool2d(x, 1))))))


class MobileNet3(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(ConvBn(3, 8, 3, 2, act=nn.Hardswish), Hard(8, 8, 1), Hard(8, 12, 2))
        self.head = nn.Sequential(nn.Linear(12, 20), nn.Hardswish(), nn.Linear(20, 10))

    def forward(self, x):
        return self.head(self.body(x).mean((2, 3)))


class Fire(nn.Module):
    """SqueezeNet: concatenated 1x1 and 3x3, pooling with ceil_mode, convolution as classifier."""

    def __init__(self):
        super().__init__()
        self.stem, self.squeeze = nn.Conv2d(3, 16, 3, 2), nn.Conv2d(16, 5, 1)
        self.left, self.right = nn.Conv2d(5, 10, 1), nn.Conv2d(5, 10, 3, padding=1)
        self.head = nn.Conv2d(20, 10, 1)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.stem(x)), 3, 2, ceil_mode=True)
        x = F.relu(self.squeeze(x))
        x = torch.cat([F.relu(self.left(x)), F.relu(self.right(x))], 1)
        return torch.flatten(F.adaptive_avg_pool2d(F.relu(self.head(x)), 1), 1)


class Inception(nn.Module):
    """Four branches, one an average pool with padding, joined."""

    def __init__(self):
        super().__init__()
        self.a, self.b = ConvBn(10, 7, 1), nn.Sequential(ConvBn(10, 5, 1), ConvBn(5, 9, 5))
        self.c, self.d = nn.Sequential(ConvBn(10, 4, 1), ConvBn(4, 6)), ConvBn(10, 3, 1)

    def forward(self, x):
        pooled = F.avg_pool2d(x, 3, 1, 1)
        return torch.cat([self.a(x), self.b(x), self.c(x), self.d(pooled)], 1)


class Dense(nn.Module):
    """DenseNet: batch norm before the convolution, which cannot be folded."""

    def __init__(self):
        super().__init__()
        self.bn, self.conv = nn.BatchNorm2d(6), nn.Conv2d(6, 5, 3, padding=1)
        self.stem = nn.Conv2d(3, 6, 3)

    def forward(self, x):
        x = F.max_pool2d(self.stem(x), 2)
        return torch.cat([x, self.conv(F.relu(self.bn(x)))], 1)


class LeNet(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.AvgPool2d(2),
                         nn.Conv2d(6, 16, 5), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(),
                         nn.Linear(64, 33), nn.ReLU(), nn.Linear(33, 10))


class Temporal(nn.Sequential):
    """1-D network with dilated causal convolutions."""

    def __init__(self):
        super().__init__(nn.ConstantPad1d((4, 0), 0.0), nn.Conv1d(3, 10, 3, dilation=2), nn.ReLU(),
                         nn.ConstantPad1d((8, 0), 0.0), nn.Conv1d(10, 17, 3, dilation=4), nn.ReLU(),
                         nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(17, 5))


class Excite(nn.Module):
    """Squeeze-and-excitation: Sigmoid and a broadcast Mul between convolutions."""

    def __init__(self):
        super().__init__()
        self.conv, self.back = nn.Conv2d(3, 10, 3, padding=1), nn.Conv2d(10, 5, 1)
        self.a, self.b = nn.Conv2d(10, 3, 1), nn.Conv2d(3, 10, 1)

    def forward(self, x):
        x = F.relu(self.conv(x))
        gate = torch.sigmoid(self.b(F.relu(self.a(F.adaptive_avg_pool2d(x, 1)))))
        return self.back(x * gate)


class Attention(nn.Module):
    """One head: three products by weights, two of activations, Transpose and Softmax between."""

    def __init__(self, d=16):
        super().__init__()
        self.q, self.k, self.v, self.o = (nn.Linear(d, d) for _ in range(4))

    def forward(self, x):
        scores = self.q(x) @ self.k(x).transpose(-1, -2) / 4.0
        return x + self.o(F.softmax(scores, -1) @ self.v(x))


class Middle(nn.Module):
    """A float operator between two convolutions."""

    def __init__(self, op):
        super().__init__()
        self.a, self.b, self.op = nn.Conv2d(3, 10, 3), nn.Conv2d(10, 3, 1), op

    def forward(self, x):
        return self.b(self.op(self.a(x)))


def cases():
    shape = [1, 3, 17, 17]
    middle = "between two convolutions"
    return [
        Case("t_resnet", "PyTorch: residual blocks, 1x1 shortcut, max and global pooling, dense",
             exported(ResNet, [1, 3, 20, 20])),
        Case("t_resnet_u8", "the same, uint8", exported(ResNet, [1, 3, 20, 20]), act="u8",
             per_channel=False),
        Case("t_resnet_qop", "the same, QLinear operators", exported(ResNet, [1, 3, 20, 20]),
             form="qop", act="u8"),
        Case("t_resnet_dynamo", "the same, torch.export exporter, opset 18",
             exported(ResNet, [1, 3, 20, 20], 18, True)),
        Case("t_resnet_pairs", "the same, a Q and DQ for each use of a result",
             exported(ResNet, [1, 3, 20, 20]), extra={"DedicatedQDQPair": True}),
        Case("t_lenet_weights", "weights as fp32 behind Q and DQ", exported(LeNet, [1, 1, 16, 16]),
             extra={"AddQDQPairToWeight": True}),
        Case("t_mobilenet", "PyTorch: depthwise, ReLU6, residual, ReduceMean, dense",
             exported(MobileNet, shape)),
        Case("t_mobilenet_sym", "the same, symmetric activations: Clip stays",
             exported(MobileNet, shape, 17), extra={"ActivationSymmetric": True}),
        Case("t_mobilenet3", "PyTorch: HardSwish, depthwise, squeeze and excite by HardSigmoid",
             exported(MobileNet3, shape, 17)),
        Case("t_mobilenet3_pieces", "the same, opset 13: HardSwish as HardSigmoid and Mul",
             exported(MobileNet3, shape)),
        Case("t_mobilenet3_dynamo", "the same, torch.export exporter, opset 20",
             exported(MobileNet3, shape, 20, True), act="u8"),
        Case("t_fire", "PyTorch: SqueezeNet fire module, ceil_mode, Concat", exported(Fire, shape)),
        Case("t_fire_batch3", "the same, batch 3, uint8", exported(Fire, [3, 3, 17, 17]), act="u8"),
        Case("t_inception", "PyTorch: four branches, padded average pool, Concat",
             exported(Inception, [1, 10, 8, 8])),
        Case("t_dense", "PyTorch: batch norm in front of Relu and Conv", exported(Dense, shape)),
        Case("t_lenet", "PyTorch: average pools, Flatten, three dense layers",
             exported(LeNet, [1, 1, 16, 16])),
        Case("t_lenet_dynamo", "the same, torch.export exporter, opset 20",
             exported(LeNet, [1, 1, 16, 16], 20, True), act="u8"),
        Case("t_temporal", "PyTorch: 1-D dilated causal convolutions", exported(Temporal,
                                                                               [1, 3, 40])),
        Case("t_excite", "PyTorch: squeeze and excite, Sigmoid, broadcast Mul",
             exported(Excite, [1, 3, 7, 7])),
        Case("t_attention", "PyTorch: attention head, MatMul of activations, Softmax",
             exported(Attention, [1, 9, 16]), per_channel=False),
        Case("t_mlp", "PyTorch: dense layers, batch 3",
             exported(lambda: nn.Sequential(nn.Linear(65, 33), nn.ReLU(), nn.Linear(33, 17),
                                            nn.Tanh(), nn.Linear(17, 3)), [3, 65])),
        Case("mixed_softmax", "Softmax on the CPU " + middle,
             exported(lambda: Middle(nn.Softmax(1)), [1, 3, 7, 7])),
        Case("mixed_sigmoid", "Sigmoid " + middle,
             exported(lambda: Middle(nn.Sigmoid()), [1, 3, 7, 7])),
        Case("mixed_silu", "Sigmoid and Mul " + middle,
             exported(lambda: Middle(nn.SiLU()), [1, 3, 7, 7]), act="u8"),
        Case("mixed_leaky", "LeakyRelu " + middle,
             exported(lambda: Middle(nn.LeakyReLU(.1)), [1, 3, 7, 7])),
        Case("mixed_silu_qop", "QLinearSigmoid and QLinearMul " + middle,
             exported(lambda: Middle(nn.SiLU()), [1, 3, 7, 7]), form="qop"),
        Case("mixed_elu", "Elu " + middle, exported(lambda: Middle(nn.ELU()), [1, 3, 7, 7])),
        Case("mixed_gelu", "GELU with Erf, in five operators " + middle,
             exported(lambda: Middle(nn.GELU()), [1, 3, 7, 7])),
        Case("mixed_gelu_dynamo", "Gelu, torch.export exporter, opset 20, " + middle,
             exported(lambda: Middle(nn.GELU()), [1, 3, 7, 7], 20, True), act="u8"),
        Case("mixed_softmax_end", "Softmax at the end, fp32 output",
             exported(lambda: nn.Sequential(LeNet(), nn.Softmax(1)), [1, 1, 16, 16])),
    ]
