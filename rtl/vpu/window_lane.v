// window_lane.v -- one lane of the depthwise window: weights, and a transposed-form filter of three or five taps.
//
// Function : slot k holds the partial sum of the output that takes tap k next. At a new column (shift_i) every slot hands its sum
//            to the next one, slot 0 and those in fresh_i start at zero; a row of the column then adds x * w to the slots in
//            add_i. sum_o is the last slot's sum with this row. Column and padding are the sequencer's business.
//            int8: x_i is a sign-extended 9-bit difference, w signed, the sum int32. bf16: x_i is a widened bf16, the sum fp32, each step
//            a fused multiply-add.
// Latency  : sum_o combinational.
// Protocol : tap_we_i (not with en_i) writes x_i as weight row tap_i. Weights nobody wrote since START are 0 (tap_known_i).
// Reset    : none; the first column of a line is fresh where it matters.
// C twin   : simulator/vpu.c.   Tests: tests/rtl/machine.c, tests/cosim.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
module window_lane #(
    parameter ELEMENT = 0
) (
    input  wire        clk,
    input  wire        en_i,
    input  wire [4:0]  add_i,
    input  wire [4:0]  fresh_i,
    input  wire        shift_i,
    input  wire        five_i,
    input  wire [31:0] x_i,
    input  wire [4:0]  tap_i,
    input  wire [4:0]  tap_known_i,
    input  wire        tap_we_i,
    output wire [31:0] sum_o
);
    localparam W_EL = ELEMENT != 0 ? 16 : 8;
    reg [W_EL-1:0] tap_q [0:31];        // 25 weight rows; the rest is never read
    reg [31:0]     slot_q [0:4];
    always @(posedge clk) begin
        if (tap_we_i) begin
            tap_q[tap_i] <= x_i[W_EL-1:0];
        end
    end

    wire [31:0] sum [0:4];
    genvar k;
    generate
        for (k = 0; k < 5; k = k + 1) begin : g_slot
            localparam [4:0] K = k;
            reg [W_EL-1:0] w;
            reg [31:0]     held;
            always @* begin
                w    = {W_EL{1'b0}};
                held = 32'd0;
                if (en_i) begin
                    if (tap_known_i[k]) begin
                        w = tap_q[tap_i + K];
                    end
                    if (!shift_i) begin
                        held = slot_q[k];
                    end else if (k > 0 && !fresh_i[k]) begin
                        held = slot_q[k > 0 ? k - 1 : 0];
                    end
                end
            end
            if (ELEMENT != 0) begin : g_bf16
                wire [31:0] fma;
                bf16_fma u_fma (.en_i (en_i && add_i[k]), .a_i (x_i[31:16]), .w_i (w), .c_i (held), .y_o (fma));
                assign sum[k] = add_i[k] ? fma : held;
            end else begin : g_int8
                reg [31:0] total;
                always @* begin
                    total = held;
                    if (en_i && add_i[k]) begin
                        total = held + {{23{x_i[8]}}, x_i[8:0]} * {{24{w[7]}}, w};
                    end
                end
                assign sum[k] = total;
            end
            always @(posedge clk) begin
                if (en_i) begin
                    slot_q[k] <= sum[k];
                end
            end
        end
    endgenerate
    assign sum_o = five_i ? sum[4] : sum[2];
    wire unused = &{1'b0, fresh_i[0], x_i};
endmodule
`default_nettype wire
