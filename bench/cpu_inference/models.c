/*
 * models.c -- the models that bench/cpu_inference runs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stddef.h>

#include "bench.h"

const bench_model bench_models[] = {
    {"SqueezeNet 1.1", "squeezenet/squeezenet11_fp32.onnx", NULL, NULL, NULL, 0},
    {"ResNet-20", "resnet20_cifar10/resnet20_export.onnx", NULL, NULL, NULL, 0},
    {"mnist_8", "mnist_8/model.onnx", NULL, NULL, NULL, 0},
    {"ultraface", "ultraface/version-RFB-320.onnx", NULL, NULL, NULL, 0},
    {"silero_vad", "silero_vad/silero_vad.onnx", NULL, "input=1x512 state=2x1x128", "sr=16000", 0},
    {"magika", "magika/model.onnx", NULL, NULL, NULL, 257},
    {"ResNet-50", "light/light_resnet50.onnx", bench_refill, NULL, NULL, 0},
    {"DenseNet-121", "light/light_densenet121.onnx", bench_refill, NULL, NULL, 0},
    {"Inception v1", "light/light_inception_v1.onnx", bench_refill, NULL, NULL, 0},
    {"Inception v2", "light/light_inception_v2.onnx", bench_refill, NULL, NULL, 0},
    {"ShuffleNet", "light/light_shufflenet.onnx", bench_refill, NULL, NULL, 0},
    {"SqueezeNet 1.0", "light/light_squeezenet.onnx", bench_refill, NULL, NULL, 0},
    {"AlexNet", "light/light_bvlc_alexnet.onnx", bench_refill, NULL, NULL, 0},
    {"ZFNet-512", "light/light_zfnet512.onnx", bench_refill, NULL, NULL, 0},
    {"VGG-19", "light/light_vgg19.onnx", bench_refill, NULL, NULL, 0},
    {"BERT-base size", NULL, bench_encoder, NULL, NULL, 30000},
    {"GPT-2 size", NULL, bench_decoder, NULL, NULL, 50000},
};

const unsigned bench_n_models = sizeof bench_models / sizeof bench_models[0];
