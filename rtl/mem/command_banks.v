// command_banks.v -- the banks that the written streams of a unit's commands in flight still need.
//
// Function : one entry per command in flight, with both output streams. Rows are written in order, so in any cycle one entry
//            at most completes an iteration of loop 3 (advance_i) or its last row (clear_i).
// Latency  : spm_o and acc_o change in the cycle after.
// Reset    : no banks.
// C twin   : simulator/banks.c.   Tests: tests/rtl/machine.c, tests/cosim.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
module command_banks #(
    parameter N         = 4,
    parameter W_IDX     = 2,    // of an entry's number
    parameter SPM_BANKS = 8,
    parameter W_SPM     = 11,
    parameter ACC_BANKS = 4,
    parameter W_ACC     = 8,
    parameter W_ROW     = 11
) (
    input  wire                   clk,
    input  wire                   rst_n,
    input  wire                   load_i,
    input  wire [W_IDX-1:0]       load_idx_i,
    // output in the low half, second output in the high half
    input  wire [8*W_ROW-1:0]     range_i,    // as the checks give it
    input  wire [2*W_ROW-1:0]     step_i,
    input  wire [2*SPM_BANKS-1:0] spm_i,
    input  wire [2*ACC_BANKS-1:0] acc_i,
    input  wire                   advance_i,
    input  wire                   clear_i,
    input  wire [W_IDX-1:0]       idx_i,
    output reg  [SPM_BANKS-1:0]   spm_o,
    output reg  [ACC_BANKS-1:0]   acc_o
);
    reg [SPM_BANKS-1:0] spm_q   [0:N-1];
    reg [ACC_BANKS-1:0] acc_q   [0:N-1];
    reg [8*W_ROW-1:0]   range_q [0:N-1];
    reg [2*W_ROW-1:0]   step_q  [0:N-1];
    reg [3:0]           kind_q  [0:N-1];   // output in SPM, in ACC; second output in SPM, in ACC

    // ------------------------------------------------------------------ the entry's rest after this iteration
    wire [8*W_ROW-1:0]     range = range_q[idx_i];
    wire [2*W_ROW-1:0]     step  = step_q[idx_i];
    wire [3:0]             kind  = kind_q[idx_i];
    wire [8*W_ROW-1:0]     next;
    wire [2*SPM_BANKS-1:0] spm_next;
    wire [2*ACC_BANKS-1:0] acc_next;
    genvar s;
    generate
        for (s = 0; s < 2; s = s + 1) begin : g_stream
            wire [W_ROW-1:0] low       = range[s*4*W_ROW +: W_ROW] + step[s*W_ROW +: W_ROW];
            wire [W_ROW-1:0] high      = range[s*4*W_ROW + W_ROW +: W_ROW] + step[s*W_ROW +: W_ROW];
            wire [W_ROW-1:0] last_low  = range[s*4*W_ROW + 2*W_ROW +: W_ROW];
            wire [W_ROW-1:0] last_high = range[s*4*W_ROW + 3*W_ROW +: W_ROW];
            assign next[s*4*W_ROW +: 4*W_ROW] = {last_high, last_low, high, low};
            wire [W_SPM-1:0] spm_low  = low[W_SPM-1:0] < last_low[W_SPM-1:0] ? low[W_SPM-1:0] : last_low[W_SPM-1:0];
            wire [W_SPM-1:0] spm_high = high[W_SPM-1:0] > last_high[W_SPM-1:0] ? high[W_SPM-1:0] : last_high[W_SPM-1:0];
            wire [W_ACC-1:0] acc_low  = low[W_ACC-1:0] < last_low[W_ACC-1:0] ? low[W_ACC-1:0] : last_low[W_ACC-1:0];
            wire [W_ACC-1:0] acc_high = high[W_ACC-1:0] > last_high[W_ACC-1:0] ? high[W_ACC-1:0] : last_high[W_ACC-1:0];
            bank_span #(.N_BANKS(SPM_BANKS), .W_ROW(W_SPM)) u_spm (
                .low_i (spm_low), .high_i (spm_high), .banks_o (spm_next[s*SPM_BANKS +: SPM_BANKS])
            );
            bank_span #(.N_BANKS(ACC_BANKS), .W_ROW(W_ACC)) u_acc (
                .low_i (acc_low), .high_i (acc_high), .banks_o (acc_next[s*ACC_BANKS +: ACC_BANKS])
            );
        end
    endgenerate

    integer i;
    always @(posedge clk or negedge rst_n) begin
        if (!rst_n) begin
            for (i = 0; i < N; i = i + 1) begin
                spm_q[i] <= {SPM_BANKS{1'b0}};
                acc_q[i] <= {ACC_BANKS{1'b0}};
            end
        end else begin
            if (load_i) begin
                spm_q[load_idx_i] <= spm_i[0 +: SPM_BANKS] | spm_i[SPM_BANKS +: SPM_BANKS];
                acc_q[load_idx_i] <= acc_i[0 +: ACC_BANKS] | acc_i[ACC_BANKS +: ACC_BANKS];
            end
            if (clear_i) begin
                spm_q[idx_i] <= {SPM_BANKS{1'b0}};
                acc_q[idx_i] <= {ACC_BANKS{1'b0}};
            end else if (advance_i) begin
                spm_q[idx_i] <= (kind[0] ? spm_next[0 +: SPM_BANKS] : {SPM_BANKS{1'b0}}) |
                                (kind[2] ? spm_next[SPM_BANKS +: SPM_BANKS] : {SPM_BANKS{1'b0}});
                acc_q[idx_i] <= (kind[1] ? acc_next[0 +: ACC_BANKS] : {ACC_BANKS{1'b0}}) |
                                (kind[3] ? acc_next[ACC_BANKS +: ACC_BANKS] : {ACC_BANKS{1'b0}});
            end
        end
    end
    always @(posedge clk) begin
        if (load_i) begin
            range_q[load_idx_i] <= range_i;
            step_q[load_idx_i]  <= step_i;
            kind_q[load_idx_i]  <= {|acc_i[ACC_BANKS +: ACC_BANKS], |spm_i[SPM_BANKS +: SPM_BANKS],
                                    |acc_i[0 +: ACC_BANKS], |spm_i[0 +: SPM_BANKS]};
        end
        if (advance_i) begin
            range_q[idx_i] <= next;
        end
    end

    integer k;
    always @* begin
        spm_o = {SPM_BANKS{1'b0}};
        acc_o = {ACC_BANKS{1'b0}};
        for (k = 0; k < N; k = k + 1) begin
            spm_o = spm_o | spm_q[k];
            acc_o = acc_o | acc_q[k];
        end
    end
endmodule
`default_nettype wire
