// vpu_fn.v -- one lane of the VPU's chain, stages 11 to 15: the function, and mul3.
//
// Function : 11 to 14 function: the elementary ones in fn_unit.v; the others in stage 11 (s11_o), from where the chain brings them
//            to stage 15; the table: 11 round   12 look up   13 back to fp32.   15 mul3, and +0 in a masked lane.
//            sK_* control stage K in the cycle in which a row is in it. The table is written by whole rows, which come down the
//            chain lane by lane and are put together in stage 12.
// Latency  : s11_o after stage 11, v_o after stage 15.
// Reset    : row register mul3, to 0.
// C twin   : simulator/vpu.c.   Tests: tests/rtl/fn.sh, tests/rtl/machine.c, tests/cosim.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
`include "isa.vh"
module vpu_fn #(
    parameter W_TABLE_ROW  = 32,        // bits of a row of SPM
    parameter N_TABLE_ROWS = 64         // with 256 bytes
) (
    input  wire        clk,
    input  wire        rst_n,
    input  wire [31:0] v_i,             // in stage 11's cycle
    input  wire [31:0] b_i,
    input  wire        s11_valid_i,
    input  wire [4:0]  s11_fn_i,
    input  wire [31:0] s11_clip_lo_i,
    input  wire [31:0] s11_clip_hi_i,
    // an elementary function is in stage K
    input  wire        s11_unit_i,
    input  wire        s12_unit_i,
    input  wire        s13_unit_i,
    input  wire        s14_unit_i,
    input  wire [3:0]  s11_unit_fn_i,
    input  wire [3:0]  s13_unit_fn_i,
    // the table
    input  wire        s12_table_i,
    input  wire        s13_table_i,
    input  wire        s14_table_i,
    input  wire        table_known_i,   // it has been loaded since START
    input  wire        table_we_i,
    input  wire [7:0]  table_row_i,
    input  wire [W_TABLE_ROW-1:0] table_data_i,
    output wire [31:0] s11_o,
    input  wire        s15_valid_i,
    input  wire [31:0] s15_v_i,         // s11_o of this row
    input  wire [1:0]  s15_from_i,      // the function's result: 0 s15_v_i, 1 fn_unit, 2 table
    input  wire [1:0]  s15_mul3_i,
    input  wire [31:0] s15_pre_i,
    input  wire [31:0] s15_b_i,
    input  wire        s15_mask_i,
    input  wire        s15_row_we_i,
    output wire [31:0] v_o
);
    localparam [31:0] NAN = 32'h7FC0_0000;
    localparam [31:0] ONE = 32'h3F80_0000;

    function is_nan(input [30:0] x);
        is_nan = x > 31'h7F80_0000;
    endfunction
    // x > y for numbers that are not NaN; the two zeros are equal
    function greater(input [31:0] x, input [31:0] y);
        greater = $signed(x[31] ? -{1'b0, x[30:0]} : {1'b0, x[30:0]}) > $signed(y[31] ? -{1'b0, y[30:0]} : {1'b0, y[30:0]});
    endfunction

    // ------------------------------------------------------------------ 11: functions of one stage; the table's index
    reg  [31:0] s11_q;
    reg  [31:0] f11;
    reg         v_nan, b_nan, above, below;
    wire        s11_table = s11_fn_i == `SY_VPU_CHAIN_FP_FN_TABLE;
    wire [31:0] index11;
    fp_to_int u_index (.en_i (s11_valid_i && s11_table), .a_i (v_i), .y_o (index11));
    always @* begin
        f11   = v_i;
        v_nan = 1'b0;
        b_nan = 1'b0;
        above = 1'b0;
        below = 1'b0;
        if (s11_valid_i && s11_fn_i != `SY_VPU_CHAIN_FP_FN_IDENTITY) begin
            v_nan = is_nan(v_i[30:0]);
            b_nan = is_nan(b_i[30:0]);
            above = greater(v_i, b_i);
            below = greater(b_i, v_i);
            case (s11_fn_i)
                `SY_VPU_CHAIN_FP_FN_RELU: f11 = v_nan ? NAN : greater(v_i, 32'd0) ? v_i : 32'd0;
                `SY_VPU_CHAIN_FP_FN_CLIP: f11 = v_nan ? NAN :
                                                !is_nan(s11_clip_lo_i[30:0]) && greater(s11_clip_lo_i, v_i) ? s11_clip_lo_i :
                                                !is_nan(s11_clip_hi_i[30:0]) && greater(v_i, s11_clip_hi_i) ? s11_clip_hi_i : v_i;
                `SY_VPU_CHAIN_FP_FN_MAX:  f11 = v_nan || b_nan ? NAN : above ? v_i : b_i;
                `SY_VPU_CHAIN_FP_FN_MIN:  f11 = v_nan || b_nan ? NAN : below ? v_i : b_i;
                `SY_VPU_CHAIN_FP_FN_ABS:  f11 = v_nan ? NAN : {1'b0, v_i[30:0]};
                `SY_VPU_CHAIN_FP_FN_STEP: f11 = v_nan ? NAN : greater(v_i, 32'd0) ? s11_clip_hi_i : s11_clip_lo_i;
                `SY_VPU_CHAIN_FP_FN_SELECT: f11 = b_i[30:0] != 31'd0 ? v_i : s11_clip_lo_i;
                `SY_VPU_CHAIN_FP_FN_GT:   f11 = !v_nan && !b_nan && above ? ONE : 32'd0;
                `SY_VPU_CHAIN_FP_FN_GE:   f11 = !v_nan && !b_nan && !below ? ONE : 32'd0;
                `SY_VPU_CHAIN_FP_FN_EQ:   f11 = !v_nan && !b_nan && !above && !below ? ONE : 32'd0;
                `SY_VPU_CHAIN_FP_FN_TABLE: f11 = {24'd0, index11[7:0]};
                default:                  f11 = v_i;
            endcase
        end
    end
    always @(posedge clk) begin
        if (s11_valid_i) begin
            s11_q <= f11;
        end
    end
    assign s11_o = s11_q;

    // ------------------------------------------------------------------ 11 to 14: elementary functions
    wire [31:0] f14;
    fn_unit u_fn (
        .clk        (clk),
        .s1_valid_i (s11_unit_i),
        .s1_fn_i    (s11_unit_fn_i),
        .v_i        (v_i),
        .s2_valid_i (s12_unit_i),
        .s3_valid_i (s13_unit_i),
        .s3_fn_i    (s13_unit_fn_i),
        .s4_valid_i (s14_unit_i),
        .y_o        (f14)
    );

    // ------------------------------------------------------------------ 12 to 14: the table
    localparam LOG_BYTES = $clog2(W_TABLE_ROW / 8) > 8 ? 8 : $clog2(W_TABLE_ROW / 8);
    localparam W_ADDR    = N_TABLE_ROWS > 1 ? $clog2(N_TABLE_ROWS) : 1;
    reg  [W_TABLE_ROW-1:0] table_q [0:N_TABLE_ROWS-1];
    reg  [7:0]             t12_q;
    reg  [31:0]            t13_q, t14_q;
    wire [W_ADDR-1:0]      t12_addr;
    wire [W_TABLE_ROW-1:0] t12_row = table_q[t12_addr];
    wire [31:0]            t13_fp;
    generate
        if (N_TABLE_ROWS > 1) begin : g_addr
            assign t12_addr = s11_q[LOG_BYTES +: W_ADDR];
        end else begin : g_single
            assign t12_addr = 1'b0;
        end
    endgenerate
    int_to_fp u_t13 (.en_i (s13_table_i), .a_i ({{24{t12_q[7]}}, t12_q}), .y_o (t13_fp));
    always @(posedge clk) begin
        if (table_we_i) begin
            table_q[table_row_i[W_ADDR-1:0]] <= table_data_i;
        end
        if (s12_table_i) begin
            t12_q <= table_known_i ? t12_row[{24'd0, s11_q[LOG_BYTES-1:0]} * 8 +: 8] : 8'd0;
        end
        if (s13_table_i) begin
            t13_q <= t13_fp;
        end
        if (s14_table_i) begin
            t14_q <= t13_q;
        end
    end

    // ------------------------------------------------------------------ 15: mul3
    reg  [31:0] row_mul3_q, v15_q;
    wire [31:0] v15_fp;
    wire [31:0] v15_f  = s15_from_i == 2'd0 ? s15_v_i : s15_from_i == 2'd1 ? f14 : t14_q;
    wire        v15_on = s15_mul3_i != `SY_VPU_CHAIN_FP_MUL3_ONE;
    fp_mul u_v15 (
        .en_i (s15_valid_i && v15_on), .a_i (v15_f),
        .b_i (s15_mul3_i == `SY_VPU_CHAIN_FP_MUL3_PRE ? s15_pre_i :
              s15_mul3_i == `SY_VPU_CHAIN_FP_MUL3_ROW ? row_mul3_q : s15_b_i), .y_o (v15_fp)
    );
    always @(posedge clk) begin
        if (s15_valid_i) begin
            v15_q <= s15_mask_i ? 32'd0 : v15_on ? v15_fp : v15_f;
        end
    end
    always @(posedge clk or negedge rst_n) begin
        if (!rst_n) begin
            row_mul3_q <= 32'd0;
        end else if (s15_row_we_i) begin
            row_mul3_q <= s15_v_i;
        end
    end
    assign v_o = v15_q;
    wire unused = &{1'b0, index11[31:8], table_row_i};
endmodule
`default_nettype wire
