/*
 * graph_infer.c -- inference: one row of a table per rule; the last node's results, or the error.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "test.h"

#include "systole/base/buf.h"
#include "systole/graph/infer.h"
#include "systole/graph/text.h"
#include "systole/graph/verify.h"

typedef struct row {
    const char *inputs, *body; /* the last statement's results are compared */
    const char *expected;      /* types separated by " | ", or the error */
} row;

static const row rows[] = {
    /* elementwise, broadcasting */
    { "%a: f32[N, 1, 5], %b: f32[4, 1]", "%y: ? = Add(%a, %b)", "f32[N, 4, 5]" },
    { "%a: f32[N, 3], %b: f32[M, 3]", "%y: ? = Mul(%a, %b)", "f32[\"y#0\", 3]" },
    { "%a: f32[N], %b: f32[7]", "%y: ? = Sub(%a, %b)", "f32[7]" },
    { "%a: f32[3], %b: f32[4]", "%y: ? = Div(%a, %b)",
      "node 'y' (Div): operands do not broadcast: 3 against 4 in dimension 0" },
    { "%a: f32[3], %b: i32[3]", "%y: ? = Add(%a, %b)",
      "node 'y' (Add): operands 0 and 1 must have one type, got f32 and i32" },
    { "%a: bool[3]", "%y: ? = Add(%a, %a)", "node 'y' (Add): operands must be numbers, got bool" },
    { "%a: f32[*], %b: f32[3]", "%y: ? = Add(%a, %b)", "f32[*]" },
    { "%a: ?, %b: f32[3]", "%y: ? = Sum(%a, %b, %b)", "f32[*]" },
    { "%a: f32[2], %b: f32[1, 1], %c: f32[]", "%y: ? = Max(%a, %b, %c)", "f32[1, 2]" },
    { "%a: i64[2, 1]", "%y: ? = Equal(%a, %a)", "bool[2, 1]" },
    { "%c: bool[4, 1], %a: f32[3]", "%y: ? = Where(%c, %a, %a)", "f32[4, 3]" },
    { "%c: f32[4, 1], %a: f32[3]", "%y: ? = Where(%c, %a, %a)", "node 'y' (Where): operand 0 must be bool, got f32" },
    { "%a: f32[2, 2], %b: i64[]", "%y: ? = Pow(%a, %b)", "f32[2, 2]" },
    { "%a: i8[4] quant(0.5 3)", "%y: ? = Relu(%a)", "i8[4]" },
    { "%a: i8[4] quant(0.5 3), %lo: i8[]", "%y: ? = Clip(%a, %lo)", "i8[4] quant(0.5 3)" },
    { "%a: f32[4], %lo: f32[2]", "%y: ? = Clip(%a, _, %lo)",
      "node 'y' (Clip): dimension 0 of operand 2 must be 1, got 2" },
    { "%a: i32[4]", "%y: ? = Sigmoid(%a)", "node 'y' (Sigmoid): operand 0 must be of float type, got i32" },
    { "%a: f32[N, 4]", "%y: ? = Softmax(%a) {axis = 2}",
      "node 'y' (Softmax): axis 2 is outside a tensor of 2 dimensions" },
    { "%a: f32[2]", "%y: ? = Cast(%a) {to = 7}", "i64[2]" },
    { "%a: f32[2]", "%y: ? = Cast(%a) {to = 99}", "node 'y' (Cast): attribute 'to' must be a dtype number, got 99" },
    /* matrix products */
    { "%a: f32[N, 4], %b: f32[4, 8], %c: f32[8]", "%y: ? = Gemm(%a, %b, %c)", "f32[N, 8]" },
    { "%a: f32[4, N], %b: f32[8, 4]", "%y: ? = Gemm(%a, %b) {transA = 1, transB = 1}", "f32[N, 8]" },
    { "%a: f32[N, 4], %b: f32[5, 8]", "%y: ? = Gemm(%a, %b)",
      "node 'y' (Gemm): dimension 0 of operand 1 must be 4, got 5" },
    { "%a: f32[1, 4], %b: f32[4, 8], %c: f32[3, 8]", "%y: ? = Gemm(%a, %b, %c)",
      "node 'y' (Gemm): operand 2 must broadcast to 1 in dimension 0, got 3" },
    { "%a: f32[B, 1, M, 4], %b: f32[6, 4, 2]", "%y: ? = MatMul(%a, %b)", "f32[B, 6, M, 2]" },
    { "%a: f32[4], %b: f32[6, 4, 2]", "%y: ? = MatMul(%a, %b)", "f32[6, 2]" },
    { "%a: f32[4], %b: f32[4]", "%y: ? = MatMul(%a, %b)", "f32[]" },
    { "%a: f32[3, 4], %b: f32[5, 6]", "%y: ? = MatMul(%a, %b)",
      "node 'y' (MatMul): dimension 0 of operand 1 must be 4, got 5" },
    /* windows */
    { "%x: f32[N, 3, 224, 224], %w: f32[64, 3, 7, 7]",
      "%y: ? = Conv(%x, %w) {strides = ints[2, 2], pads = ints[3, 3, 3, 3]}", "f32[N, 64, 112, 112]" },
    { "%x: f32[N, 3, H, W], %w: f32[8, 3, 3, 3]", "%y: ? = Conv(%x, %w) {strides = ints[2, 1], pads = ints[1, 1, 1, 1]}",
      "f32[N, 8, floor(H + 1, 2), W]" },
    { "%x: f32[N, 3, H, 9], %w: f32[8, 3, 3, 3]", "%y: ? = Conv(%x, %w) {strides = ints[2, 2], auto_pad = \"SAME_UPPER\"}",
      "f32[N, 8, ceil(H, 2), 5]" },
    { "%x: f32[1, 4, 9], %w: f32[8, 2, 3], %b: f32[8]", "%y: ? = Conv(%x, %w, %b) {group = 2, dilations = ints[4]}",
      "f32[1, 8, 1]" },
    { "%x: f32[1, 4, 8], %w: f32[8, 4, 3]", "%y: ? = Conv(%x, %w) {dilations = ints[4]}",
      "node 'y' (Conv): a window over 9 elements does not fit into 8 (padding included) in spatial dimension 0" },
    { "%x: f32[1, 4, 8], %w: f32[8, 3, 3]", "%y: ? = Conv(%x, %w)",
      "node 'y' (Conv): the input has 4 channels in 1 groups, the weights take 3 channels per group" },
    { "%x: f32[1, 4, 8], %w: f32[8, 4, 3]", "%y: ? = Conv(%x, %w) {strides = ints[0]}",
      "node 'y' (Conv): attribute 'strides' must be at least 1, got 0" },
    { "%x: f32[1, 4, 8], %w: f32[8, 4, 3]", "%y: ? = Conv(%x, %w) {strides = ints[1, 1]}",
      "node 'y' (Conv): attribute 'strides' must have 1 entries, got 2" },
    { "%x: f32[1, 4, 8], %w: f32[8, 4, 3], %b: f32[7]", "%y: ? = Conv(%x, %w, %b)",
      "node 'y' (Conv): dimension 0 of operand 2 must be 8, got 7" },
    { "%x: f32[1, 4], %w: f32[8, 4]", "%y: ? = Conv(%x, %w)",
      "node 'y' (Conv): operand 0 must have 3 to 5 dimensions (N, C, spatial), got 2" },
    { "%x: i8[2, 5, 112, 112] quant(0.5 1)",
      "%y: ?, %i: ? = MaxPool(%x) {kernel_shape = ints[3, 3], strides = ints[2, 2], pads = ints[1, 1, 1, 1]}",
      "i8[2, 5, 56, 56] quant(0.5 1) | i64[2, 5, 56, 56]" },
    { "%x: f32[1, 1, 10]", "%y: ? = AveragePool(%x) {kernel_shape = ints[3], strides = ints[2], ceil_mode = 1}",
      "f32[1, 1, 5]" },
    { "%x: f32[1, 1, 4]", "%y: ? = MaxPool(%x) {kernel_shape = ints[1], strides = ints[3], ceil_mode = 1, pads = ints[0, 1]}",
      "f32[1, 1, 2]" },
    { "%x: f32[N, C, H, W]", "%y: ? = GlobalAveragePool(%x)", "f32[N, C, 1, 1]" },
    /* reductions, normalisation */
    { "%x: f32[N, C, H, W]", "%a: ? = Constant() {value_ints = ints[-1, 2]} %y: ? = ReduceMean(%x, %a) {keepdims = 0}",
      "f32[N, C]" },
    { "%x: f32[N, C, H, W]", "%y: ? = ReduceSum(%x)", "f32[1, 1, 1, 1]" },
    { "%x: f32[N, C]", "%y: ? = ReduceSum(%x) {noop_with_empty_axes = 1}", "f32[N, C]" },
    { "%x: f32[N, C], %a: i64[1]", "%y: ? = ReduceSum(%x, %a)", "f32[\"y#0\", \"y#1\"]" },
    { "%x: f32[N, C]", "%a: ? = Constant() {value_ints = ints[1, -1]} %y: ? = ReduceSum(%x, %a)",
      "node 'y' (ReduceSum): axis 1 is given twice in operand 1" },
    { "%x: f32[N, 4, H], %p: f32[4]", "%y: ? = BatchNormalization(%x, %p, %p, %p, %p)", "f32[N, 4, H]" },
    { "%x: f32[N, 4, H], %p: f32[5]", "%y: ? = BatchNormalization(%x, %p, %p, %p, %p)",
      "node 'y' (BatchNormalization): dimension 0 of operand 1 must be 4, got 5" },
    /* views and movement */
    { "%x: f32[N, 3, 4]", "%s: ? = Constant() {value_ints = ints[0, -1]} %y: ? = Reshape(%x, %s)", "f32[N, 12]" },
    { "%x: f32[N, 3, 4]", "%s: ? = Constant() {value_ints = ints[-1, 6]} %y: ? = Reshape(%x, %s)", "f32[2*N, 6]" },
    { "%x: f32[5, 3, 4]", "%s: ? = Constant() {value_ints = ints[7, -1]} %y: ? = Reshape(%x, %s)",
      "node 'y' (Reshape): 60 elements do not divide by 7" },
    { "%x: f32[5, 3, 4]", "%s: ? = Constant() {value_ints = ints[7, 9]} %y: ? = Reshape(%x, %s)",
      "node 'y' (Reshape): 60 elements do not fit a shape of 63" },
    { "%x: f32[5], %s: i64[3]", "%y: ? = Reshape(%x, %s)", "f32[\"y#0\", \"y#1\", \"y#2\"]" },
    { "%x: f32[5], %s: i64[K]", "%y: ? = Reshape(%x, %s)", "f32[*]" },
    { "%x: f32[N, C, H, W]",
      "%s: ? = Shape(%x) %z: ? = Constant() {value_int = 0} %n: ? = Gather(%s, %z) "
      "%a: ? = Constant() {value_ints = ints[0]} %u: ? = Unsqueeze(%n, %a) %m: ? = Constant() {value_ints = ints[-1]} "
      "%c: ? = Concat(%u, %m) {axis = 0} %y: ? = Reshape(%x, %c)",
      "f32[N, C*H*W]" },
    { "%x: f32[N, C, 6, 8]",
      "%s: ? = Shape(%x) %b: ? = Constant() {value_ints = ints[2]} %e: ? = Constant() {value_ints = ints[4]} "
      "%h: ? = Slice(%s, %b, %e) %t: ? = Constant() {value_ints = ints[2, 4]} %d: ? = Div(%h, %t) "
      "%y: ? = ConstantOfShape(%d)",
      "f32[3, 2]" },
    { "%x: f32[N, C]",
      "%s: ? = Shape(%x) {start = 0, end = 1} %one: ? = Constant() {value_ints = ints[1]} %a: ? = Add(%s, %one) "
      "%i: ? = Cast(%a) {to = 6} %y: ? = Expand(%one, %i)",
      "i64[N + 1]" },
    { "%x: f32[N, 3, 4]", "%y: ? = Flatten(%x)", "f32[N, 12]" },
    { "%x: f32[N, 3, 4]", "%y: ? = Flatten(%x) {axis = 0}", "f32[1, 12*N]" },
    { "%x: i8[N, 3, 1, 1] quant(0.5 1)", "%a: ? = Constant() {value_ints = ints[2, 3]} %y: ? = Squeeze(%x, %a)",
      "i8[N, 3] quant(0.5 1)" },
    { "%x: f32[1, 3]", "%a: ? = Constant() {value_ints = ints[1]} %y: ? = Squeeze(%x, %a)",
      "node 'y' (Squeeze): dimension 1 must be 1 to be dropped, got 3" },
    { "%x: f32[1, 3, 1]", "%y: ? = Squeeze(%x)", "f32[3]" },
    { "%x: f32[N, 3]", "%y: ? = Squeeze(%x)", "f32[*]" },
    { "%x: f32[3]", "%a: ? = Constant() {value_ints = ints[0, -1]} %y: ? = Unsqueeze(%x, %a)", "f32[1, 3, 1]" },
    { "%x: i8[2, 3, 4] quant(axis 1: 0.5 1, 0.25 2, 0.125 3)", "%y: ? = Transpose(%x) {perm = ints[1, 2, 0]}",
      "i8[3, 4, 2] quant(axis 0: 0.5 1, 0.25 2, 0.125 3)" },
    { "%x: f32[2, 3]", "%y: ? = Transpose(%x)", "f32[3, 2]" },
    { "%x: f32[2, 3]", "%y: ? = Transpose(%x) {perm = ints[0, 0]}",
      "node 'y' (Transpose): attribute 'perm' is no permutation of 2 axes" },
    { "%a: i8[N, 2] quant(0.5 1), %b: i8[N, 3] quant(0.5 1)", "%y: ? = Concat(%a, %b) {axis = -1}",
      "i8[N, 5] quant(0.5 1)" },
    { "%a: i8[N, 2] quant(0.5 1), %b: i8[M, 2]", "%y: ? = Concat(%a, %b) {axis = 0}", "i8[M + N, 2]" },
    { "%a: f32[4, 2], %b: f32[5, 3]", "%y: ? = Concat(%a, %b) {axis = 1}",
      "node 'y' (Concat): dimension 0 of operand 1 must be 4, got 5" },
    { "%x: f32[7, N]", "%y: ?, %z: ? = Split(%x) {num_outputs = 2}", "f32[4, N] | f32[3, N]" },
    { "%x: f32[2*N]", "%y: ?, %z: ? = Split(%x) {num_outputs = 2}", "f32[N] | f32[N]" },
    { "%x: f32[7]", "%s: ? = Constant() {value_ints = ints[2, 4]} %y: ?, %z: ? = Split(%x, %s)",
      "node 'y' (Split): the parts add up to 6, dimension 0 is 7" },
    { "%x: f32[10, N]",
      "%b: ? = Constant() {value_ints = ints[-1]} %e: ? = Constant() {value_ints = ints[-9223372036854775808]} "
      "%a: ? = Constant() {value_ints = ints[0]} %s: ? = Constant() {value_ints = ints[-3]} %y: ? = Slice(%x, %b, %e, %a, %s)",
      "f32[4, N]" },
    { "%x: f32[N + 2]",
      "%b: ? = Constant() {value_ints = ints[1]} %e: ? = Constant() {value_ints = ints[-1]} %y: ? = Slice(%x, %b, %e)",
      "f32[N]" },
    { "%x: f32[N], %b: i64[1]", "%y: ? = Slice(%x, %b, %b)", "f32[\"y#0\"]" },
    { "%x: f32[4, 5, 6], %i: i32[2, 3]", "%y: ? = Gather(%x, %i) {axis = 1}", "f32[4, 2, 3, 6]" },
    { "%x: f32[4], %i: f32[2]", "%y: ? = Gather(%x, %i)", "node 'y' (Gather): operand 1 must be of integer type, got f32" },
    { "%x: f32[N, C, 5, 5]", "%p: ? = Constant() {value_ints = ints[0, 0, 1, 2, 0, 0, 3, 4]} %y: ? = Pad(%x, %p)",
      "f32[N, C, 9, 11]" },
    { "%x: f32[2, 5]",
      "%p: ? = Constant() {value_ints = ints[-1, -1]} %a: ? = Constant() {value_ints = ints[1]} %y: ? = Pad(%x, %p, _, %a)",
      "f32[2, 3]" },
    { "%x: f32[2, 5]", "%p: ? = Constant() {value_ints = ints[1]} %y: ? = Pad(%x, %p)",
      "node 'y' (Pad): operand 1 must have 4 entries, got 1" },
    { "", "%a: ? = Constant() {value_int = 2} %b: ? = Constant() {value_int = 11} %c: ? = Constant() {value_int = 3} "
          "%y: ? = Range(%a, %b, %c)", "i64[3]" },
    { "", "%a: ? = Constant() {value_float = 0.0} %y: ? = Range(%a, %a, %a)", "f32[\"y#0\"]" },
    /* quantisation */
    { "%x: f32[2, 3], %s: f32[], %z: i8[]", "%y: ? = QuantizeLinear(%x, %s, %z)", "i8[2, 3]" },
    { "%x: f32[2, 3], %s: f32[3]", "%y: ? = QuantizeLinear(%x, %s)", "u8[2, 3]" },
    { "%x: f32[2, 3], %s: f32[4]", "%y: ? = QuantizeLinear(%x, %s)",
      "node 'y' (QuantizeLinear): dimension 0 of operand 1 must be 3, got 4" },
    { "%x: i8[2, 3], %s: f32[], %z: u8[]", "%y: ? = DequantizeLinear(%x, %s, %z)",
      "node 'y' (DequantizeLinear): operands 0 and 2 must have one type, got i8 and u8" },
    { "%x: i8[1, 3, 8, 8], %w: i8[8, 3, 3, 3], %b: i32[8]",
      "%y: ? = systole::QConv(%x, %w, %b) {x_scale = 0.5, w_scale = floats[0.5], y_scale = 0.25, y_zero = -4, pads = ints[1, 1, 1, 1]}",
      "i8[1, 8, 8, 8] quant(0.25 -4)" },
    { "%x: i8[1, 3, 8, 8], %w: i8[8, 3, 3, 3]",
      "%y: ? = systole::QConv(%x, %w) {x_scale = 0.5, w_scale = floats[0.5, 0.5], y_scale = 0.25}",
      "node 'y' (QConv): attribute 'w_scale' must have 1 entry or one per output channel, got 2" },
    { "%x: i8[1, 3, 8, 8], %w: i8[8, 3, 3, 3]", "%y: ? = systole::QConv(%x, %w) {x_scale = 0.5, w_scale = floats[0.5]}",
      "node 'y' (QConv): attribute 'y_scale' is missing" },
    { "%x: i8[N, 4], %w: i8[4, 8]", "%y: ? = systole::QGemm(%x, %w) {x_scale = 0.5, w_scale = floats[0.5], y_scale = 2.0, y_min = 0}",
      "i8[N, 8] quant(2.0 0)" },
    { "%x: u8[N, 4], %w: i8[4, 8]", "%y: ? = systole::QGemm(%x, %w) {x_scale = 0.5, w_scale = floats[0.5], y_scale = 2.0}",
      "node 'y' (QGemm): operand 0 must be i8, got u8" },
    { "%x: i8[H, 4, 8], %z: i8[H, 8, 4]", "%y: ? = systole::QMatMul(%x, %z) {a_scale = 0.5, b_scale = 0.5, y_scale = 2.0}",
      "i8[H, 4, 4] quant(2.0 0)" },
    { "%x: i8[1, 4, 8, 8], %z: i8[4, 1, 1]", "%y: ? = systole::QAdd(%x, %z) {a_scale = 0.5, b_scale = 0.5, y_scale = 2.0, y_zero = 200}",
      "node 'y' (QAdd): attribute 'y_zero' must lie in -128 to 127, got 200" },
    { "%x: i8[1, 4, 8, 8]", "%y: ? = systole::QAveragePool(%x) {global = 1, x_scale = 0.5, y_scale = 0.5}",
      "i8[1, 4, 1, 1] quant(0.5 0)" },
    { "%x: i8[5]", "%y: ? = systole::QRequantize(%x) {x_scale = -0.5, y_scale = 0.5}",
      "node 'y' (QRequantize): attribute 'x_scale' must be positive, got -0.5" },
    /* arity, unknown operators, declared types */
    { "%x: f32[5]", "%y: ? = Relu(%x, %x)", "node 'y' (Relu): needs 1 operands, got 2" },
    { "%x: f32[5]", "%y: ? = Gemm(%x, _)", "node 'y' (Gemm): operand 1 is missing" },
    { "%x: f32[5]", "%y: f32[Q] = com.example::Odd(%x)", "f32[Q]" },
    { "%x: f32[5]", "%y: f32[6] = Relu(%x)", "node 'y' (Relu): result 'y' is declared as f32[6], inference gives f32[5]" },
    { "%x: f32[N]", "%y: f32[6] = Relu(%x)", "f32[6]" },
    { "%x: f32[N], %i: i64[K]", "%y: f32[rows] = Slice(%x, %i, %i)", "f32[rows]" },
    { "%x: sequence<f32[*]>", "%y: ? = Relu(%x)",
      "node 'y' (Relu): operand 0 must be a tensor, got another kind of value" },
    /* regions */
    { "%c: bool[], %x: f32[3], %z: f32[4]",
      "%y: ? = If(%c) {then_branch = graph () -> (%x) {}, else_branch = graph () -> (%z) {}}", "f32[\"y#0\"]" },
    { "%c: bool[], %x: f32[3], %z: i32[4]",
      "%y: ? = If(%c) {then_branch = graph () -> (%x) {}, else_branch = graph () -> (%z) {}}",
      "node 'y' (If): 'x' is f32 on one way and i32 on the other" },
    { "%c: bool[], %x: f32[3]", "%y: ? = If(%c) {then_branch = graph () -> (%x) {}}",
      "node 'y' (If): region 'else_branch' is missing" },
    { "%x: f32[2]",
      "%n: ? = Constant() {value_int = 5} %y: ?, %z: ? = Loop(%n, _, %x) "
      "{body = graph (%i: ?, %c: ?, %a: ?) -> (%c, %b, %x) {%b: ? = Concat(%a, %x) {axis = 0}}}",
      "f32[\"y#0\"] | f32[\"z#0\", 2]" },
    { "%x: f32[7, 2], %s: f32[2]",
      "%y: ?, %z: ? = Scan(%s, %x) {num_scan_inputs = 1, scan_output_axes = ints[-1], body = graph (%a: ?, %b: ?) -> (%d, %d) "
      "{%d: ? = Add(%a, %b)}}",
      "f32[2] | f32[2, 7]" },
    { "%x: f32[T, B, 3], %w: f32[2, 16, 3], %r: f32[2, 16, 4]",
      "%y: ?, _, %c: ? = LSTM(%x, %w, %r) {hidden_size = 4, direction = \"bidirectional\"}",
      "f32[T, 2, B, 4] | f32[2, B, 4]" },
    { "%x: f32[T, B, 3], %w: f32[1, 15, 3], %r: f32[1, 16, 4]", "%y: ? = LSTM(%x, %w, %r) {hidden_size = 4}",
      "node 'y' (LSTM): dimension 1 of operand 1 must be 16, got 15" },
    /* sizes beyond 64 bits are an error, never a wrap */
    { "%x: f32[4611686018427387904, 4]", "%y: ? = Flatten(%x) {axis = 0}",
      "node 'y' (Flatten): the result's shape: a dimension leaves 64 bits" },
};

static ir_module *parse_row(base_arena *arena, ir_optable *table, const row *r)
{
    base_buf text = { 0 };
    base_diag diag = { "" };
    ir_module *m = NULL;
    base_buf_printf(&text, "systole_ir 1 module \"row\" func @main (%s) -> () {%s}", r->inputs, r->body);
    assert_ok(base_buf_status(&text));
    if (ir_parse(arena, table, "row", text.data, text.n_bytes, &diag, &m) != SY_OK) {
        fail_msg("%s: %s", r->body, base_diag_message(&diag));
    }
    base_buf_free(&text);
    return m;
}

static void result_types(const ir_module *m, base_arena *arena, base_buf *out)
{
    const ir_node *last = m->main->last;
    for (uint32_t i = 0; i < last->n_outputs; i++) {
        if (last->outputs[i] != NULL) {
            base_buf_puts(out, out->n_bytes > 0 ? " | " : "");
            base_buf_puts(out, ir_type_text(&last->outputs[i]->type, arena));
        }
    }
}

static void test_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        base_arena *arena = base_arena_create();
        base_diag diag = { "" };
        ir_optable *table;
        base_buf got = { 0 };
        assert_ok(ir_optable_create(arena, &table));
        ir_module *m = parse_row(arena, table, &rows[i]);
        if (ir_infer_module(m, &diag) != SY_OK) {
            base_buf_puts(&got, base_diag_message(&diag));
        } else {
            result_types(m, arena, &got);
            if (ir_infer_module(m, &diag) != SY_OK || ir_verify(m, &diag) != SY_OK) { /* a fixed point */
                fail_msg("%s: %s", rows[i].body, base_diag_message(&diag));
            }
        }
        if (strcmp(got.data, rows[i].expected) != 0) {
            fail_msg("(%s) %s:\n  got      %s\n  expected %s", rows[i].inputs, rows[i].body, got.data, rows[i].expected);
        }
        base_buf_free(&got);
        base_arena_destroy(arena);
    }
}

/* Every allocation may fail, and then the status says so. */
static void test_out_of_memory(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bool done = false;
        for (size_t nth = 1; !done; nth++) {
            base_arena *arena = base_arena_create();
            base_diag diag = { "" };
            ir_optable *table;
            assert_ok(ir_optable_create(arena, &table));
            ir_module *m = parse_row(arena, table, &rows[i]);
            base_arena_fail_at(arena, nth);
            const sy_status status = ir_infer_module(m, &diag);
            done = status != SY_ENOMEM;
            base_arena_destroy(arena);
        }
    }
}

/* Copies text with the number at `at` (n digits) replaced. */
static void replace_number(base_buf *out, const char *text, size_t at, size_t n, const char *number)
{
    base_buf_clear(out);
    base_buf_append(out, text, at);
    base_buf_puts(out, number);
    base_buf_puts(out, text + at + n);
}

/* Each integer in each row in turn becomes an extreme one: an answer or an error, never undefined behaviour. */
static void test_extreme_numbers(void **state)
{
    (void)state;
    static const char *const extremes[] = { "9223372036854775807", "-9223372036854775808", "-1", "0", "1", "4294967296" };
    base_buf inputs = { 0 }, body = { 0 }, text = { 0 };
    int n_tried = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const size_t n_inputs = strlen(rows[i].inputs), n = n_inputs + strlen(rows[i].body);
        for (size_t k = 0; k < n * (sizeof extremes / sizeof extremes[0]); k++) {
            const size_t at = k % n;
            const bool in_body = at >= n_inputs;
            const char *source = in_body ? rows[i].body : rows[i].inputs, *p = source + (in_body ? at - n_inputs : at);
            const char before = p > source ? p[-1] : ' ';
            const size_t length = strspn(p, "0123456789");
            if (length == 0 || (strchr(" [-", before) == NULL) || strchr(" ,]}", p[length]) == NULL) {
                continue;
            }
            const size_t sign = before == '-' ? 1 : 0;
            base_buf_clear(&inputs);
            base_buf_clear(&body);
            base_buf_puts(&inputs, rows[i].inputs);
            base_buf_puts(&body, rows[i].body);
            replace_number(in_body ? &body : &inputs, source, (size_t)(p - source) - sign, length + sign, extremes[k / n]);
            base_buf_clear(&text);
            base_buf_printf(&text, "systole_ir 1 module \"row\" func @main (%s) -> () {%s}", inputs.data, body.data);
            n_tried++;
            base_arena *arena = base_arena_create();
            base_diag diag = { "" };
            ir_optable *table;
            ir_module *m;
            assert_ok(ir_optable_create(arena, &table));
            if (ir_parse(arena, table, "row", text.data, text.n_bytes, &diag, &m) == SY_OK &&
                ir_infer_module(m, &diag) != SY_OK) {
                assert_true(base_diag_message(&diag)[0] != '\0');
            }
            base_arena_destroy(arena);
        }
    }
    assert_true(n_tried > 1000);
    base_buf_free(&inputs);
    base_buf_free(&body);
    base_buf_free(&text);
}

/* The same functions on concrete tensors, as eager execution uses them. */
static void test_tensors(void **state)
{
    (void)state;
    static const row r = { "%x: ?, %s: ?", "%y: ? = Reshape(%x, %s)", "" };
    base_arena *arena = base_arena_create(), *scratch = base_arena_create();
    base_diag diag = { "" };
    ir_optable *table;
    assert_ok(ir_optable_create(arena, &table));
    ir_module *m = parse_row(arena, table, &r);
    int64_t shape[2] = { 2, -1 };
    const int64_t x_dims[2] = { 3, 4 }, s_dims[1] = { 2 };
    ir_tensor x, s, y = { .rank = 0 };
    float data[12] = { 0 };
    assert_ok(ir_tensor_init(&x, SY_DT_F32, 2, x_dims, data));
    assert_ok(ir_tensor_init(&s, SY_DT_I64, 1, s_dims, shape));
    const ir_tensor *const in[2] = { &x, &s };
    ir_tensor *const out[1] = { &y };
    const size_t before = base_arena_bytes(arena);
    assert_ok(ir_infer_tensors(m->main->first, scratch, 2, in, 1, out, &diag));
    assert_int_equal(base_arena_bytes(arena), before);
    assert_int_equal(y.dtype, SY_DT_F32);
    assert_int_equal(y.rank, 2);
    assert_int_equal(y.dims[0], 2);
    assert_int_equal(y.dims[1], 6);
    assert_int_equal(y.size_bytes, 48);
    shape[0] = 5;
    assert_int_equal(ir_infer_tensors(m->main->first, scratch, 2, in, 1, out, &diag), SY_ESHAPE);
    assert_string_equal(base_diag_message(&diag), "node 'y' (Reshape): 12 elements do not divide by 5");
    base_arena_destroy(scratch);
    base_arena_destroy(arena);
}

/* Constant scale and zero point go into the type, per axis too. */
static void test_constant_quantisation(void **state)
{
    (void)state;
    static const char text[] =
        "systole_ir 1 module \"q\" const #0 = f32[2] hex 0000003f0000803e const #1 = i8[2] hex 03fd "
        "func @main (%x: f32[N, 2]) -> () {const %s: f32[2] = #0 const %z: i8[2] = #1 "
        "%y: ? = QuantizeLinear(%x, %s, %z) {axis = -1} %d: ? = DequantizeLinear(%y, %s, %z)}";
    base_arena *arena = base_arena_create();
    base_diag diag = { "" };
    ir_optable *table;
    ir_module *m;
    assert_ok(ir_optable_create(arena, &table));
    assert_ok(ir_parse(arena, table, "q", text, sizeof text - 1, &diag, &m));
    assert_ok(ir_infer_module(m, &diag));
    assert_string_equal(ir_type_text(&m->main->first->outputs[0]->type, arena),
                        "i8[N, 2] quant(axis 1: 0.5 3, 0.25 -3)");
    assert_string_equal(ir_type_text(&m->main->last->outputs[0]->type, arena), "f32[N, 2]");
    base_arena_destroy(arena);
}

/* A user's operator: a row with its own inference. */
static sy_status infer_halve(ir_infer_args *a)
{
    ir_type t;
    SY_TRY(ir_infer_operand(a, 0, &t));
    if (!t.has_rank || t.rank != 1) {
        return ir_infer_error(a, SY_ESHAPE, "wants a vector");
    }
    const ir_dim n = ir_dim_floor_div(a->module, t.dims[0], ir_dim_const(a->module, 2));
    return ir_infer_result(a, 0, t.dtype, 1, &n);
}

static void test_user_row(void **state)
{
    (void)state;
    static const row r = { "%x: f32[N]", "%y: ? = mine::Halve(%x)", "" };
    const ir_op op = { .domain = "mine", .name = "Halve", .since = 1, .min_inputs = 1, .max_inputs = 1,
                       .min_outputs = 1, .max_outputs = 1, .infer = infer_halve, .attrs = "", .doc = "every other" };
    base_arena *arena = base_arena_create();
    base_diag diag = { "" };
    ir_optable *table;
    const ir_op *added;
    assert_ok(ir_optable_create(arena, &table));
    assert_ok(ir_optable_add(table, &op, &diag, &added));
    assert_int_equal(added->code, IR_OP_COUNT);
    assert_int_equal(ir_optable_add(table, &op, &diag, NULL), SY_EINVAL);
    assert_string_equal(base_diag_message(&diag), "operator 'mine.Halve' is in the table already");
    ir_module *m = parse_row(arena, table, &r);
    assert_ok(ir_infer_module(m, &diag));
    assert_string_equal(ir_type_text(&m->main->last->outputs[0]->type, arena), "f32[floor(N, 2)]");
    base_arena_destroy(arena);
}

/* The table itself: rows are found by name, attribute lists are well formed and each name appears once. */
static void test_rows(void **state)
{
    (void)state;
    base_arena *arena = base_arena_create();
    ir_optable *table;
    assert_ok(ir_optable_create(arena, &table));
    for (uint32_t i = 0; i < ir_optable_count(table); i++) {
        const ir_op *op = ir_optable_row(table, i);
        assert_ptr_equal(ir_optable_find(table, op->domain, op->name), op);
        assert_non_null(op->infer);
        assert_true(op->min_inputs <= op->max_inputs && op->min_outputs <= op->max_outputs && op->doc[0] != '\0');
        for (const char *p = op->attrs; *p != '\0'; p += strspn(p, " ")) {
            char name[64];
            ir_attr_kind kind;
            const size_t n = strcspn(p, ":");
            assert_true(n < sizeof name && p[n] == ':');
            snprintf(name, sizeof name, "%.*s", (int)n, p);
            assert_true(ir_op_attr_kind(op, name, &kind));
            p += strcspn(p, " ");
        }
    }
    assert_ptr_equal(ir_optable_find(table, "ai.onnx", "Conv"), ir_optable_row(table, IR_OP_CONV));
    assert_null(ir_optable_find(table, "", "Convolution"));
    base_arena_destroy(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),     cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_tensors),   cmocka_unit_test(test_constant_quantisation),
        cmocka_unit_test(test_user_row),  cmocka_unit_test(test_rows),
        cmocka_unit_test(test_extreme_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
