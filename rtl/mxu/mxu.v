// mxu.v -- the matrix unit: two sequencers, for weight planes (L) and for streams (M), around the array.
//
// Function : the load sequencer reads each plane's D weight rows, last row first, under the stream before it, across command
//            borders; the stream sequencer reads A's rows and sends their ACC rows along. int8 sums are added at the ACC port, bf16 sums
//            enter the array at the column's top.
// Latency  : timing.md section 5: row t of a plane: A read in M + t, ACC read in M + t + D (bf16: M + t), written in M + t + D + 1.
// Protocol : start_i only when own_ok_o and own_bank_ok_o; the first weight row is read in that very cycle.
// Reset    : idle.
// C twin   : simulator/mxu.c.   Tests: tests/rtl/machine.c, tests/cosim.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
`include "isa.vh"
module mxu #(
    parameter D         = 4,
    parameter ELEMENT   = 0,    // 0 int8, 1 bf16
    parameter W_EL      = 8,    // bits of it
    parameter SPM_BANKS = 8,
    parameter SPM_ROWS  = 2048,
    parameter W_SPM     = 11,
    parameter ACC_BANKS = 4,
    parameter ACC_ROWS  = 256,
    parameter W_ACC     = 8
) (
    input  wire                          clk,
    input  wire                          rst_n,
    // slot
    input  wire [`SY_MXU_N_PAIRS*64-1:0] regs_i,
    input  wire [6:0]                    funct7_i,
    input  wire                          check_now_i,
    output wire [7:0]                    check_error_o,
    input  wire                          start_i,
    output wire                          own_ok_o,
    output wire                          own_bank_ok_o,
    output wire                          end_o,
    // banks: SPM in the low bits, ACC above
    output wire [SPM_BANKS+ACC_BANKS-1:0] need_o,
    output wire [SPM_BANKS+ACC_BANKS-1:0] held_o,
    // activity
    output wire                          busy_o,
    output wire                          load_o,
    // SPM and ACC ports
    output wire                          a_re_o,
    output wire [W_SPM-1:0]              a_row_o,
    input  wire [D*W_EL-1:0]             a_data_i,
    output wire                          w_re_o,
    output wire [W_SPM-1:0]              w_row_o,
    input  wire [D*W_EL-1:0]             w_data_i,
    output wire                          c_re_o,
    output wire [W_ACC-1:0]              c_rrow_o,
    input  wire [D*32-1:0]               c_rdata_i,
    output wire                          c_we_o,
    output wire [W_ACC-1:0]              c_wrow_o,
    output wire [D*32-1:0]               c_wdata_o
);
    localparam W_LEFT = $clog2(D) + 1;
    localparam W_OP   = ELEMENT != 0 ? 16 : 9;      // bits of an operand of the array
    localparam [31:0] D32 = D;
    localparam [31:0] H32 = ELEMENT != 0 ? D + 2 : 2;
    localparam W_GAP  = $clog2(D + 2) + 1;
    localparam [W_GAP-1:0] GAP = H32[W_GAP-1:0] - 1'b1;

    // ------------------------------------------------------------------ checks; what they found is kept for the start
    wire [4*W_SPM-1:0]   a_range, w_range;
    wire [SPM_BANKS-1:0] a_banks, w_banks;
    wire [W_ACC-1:0]     c_low, c_high;
    wire [ACC_BANKS-1:0] c_banks;
    mxu_check #(
        .D(D), .ELEMENT(ELEMENT), .SPM_BANKS(SPM_BANKS), .SPM_ROWS(SPM_ROWS), .W_SPM(W_SPM),
        .ACC_BANKS(ACC_BANKS), .ACC_ROWS(ACC_ROWS), .W_ACC(W_ACC)
    ) u_check (
        .en_i      (check_now_i),
        .regs_i    (regs_i),
        .error_o   (check_error_o),
        .a_range_o (a_range),
        .w_range_o (w_range),
        .a_banks_o (a_banks),
        .w_banks_o (w_banks),
        .c_low_o   (c_low),
        .c_high_o  (c_high),
        .c_banks_o (c_banks)
    );
    reg [4*W_SPM-1:0]   a_range_q, w_range_q;
    reg [SPM_BANKS-1:0] a_banks_q, w_banks_q;
    reg [ACC_BANKS-1:0] c_banks_q;
    reg [W_ACC-1:0]     c_low_q, c_high_q;      // of the slot's command
    reg                 gap_q;                  // its ACC rows overlap those of the command before, by another walk
    reg                 same_q;                 // by the same walk

    // ------------------------------------------------------------------ the command whose planes are being loaded
    reg                 any_q;                  // there has been one
    reg [15:0]          planes_left_q;          // planes whose L has not come
    reg [W_SPM-1:0]     w_next_q;               // first row of the next plane
    reg [W_SPM-1:0]     w_plane_q;
    reg [W_SPM-1:0]     a_plane_q;
    reg [W_SPM-1:0]     a_base_q;               // of the next plane to stream
    reg [4*W_SPM-1:0]   a_stride_q;
    reg [4*W_ACC-1:0]   c_stride_q;
    reg [63:0]          n_q;
    reg [W_ACC-1:0]     c_base_q;
    reg                 accumulate_q;           // of the next plane to stream
    reg                 a_unsigned_q, w_unsigned_q, transposed_q;
    reg [8:0]           a_zero_q, w_zero_q;
    reg [287:0]         c_walk_q;               // the fields that make walks equal
    reg [W_ACC-1:0]     prev_low_q, prev_high_q;
    reg                 after_gap_q;            // the next plane to stream has other ACC rows that overlap, or the same
    reg                 after_same_q;
    reg                 parity_q;
    reg [1:0]           number_q;

    wire [31:0]  flags  = regs_i[`SY_MXU_FLAGS*32 +: 32];
    wire [287:0] c_walk = {regs_i[`SY_MXU_C_S0*32 +: 128], regs_i[`SY_MXU_N0*32 +: 128], regs_i[`SY_MXU_C_BASE*32 +: 32]};
    always @(posedge clk) begin
        if (check_now_i) begin
            a_range_q <= a_range;
            w_range_q <= w_range;
            a_banks_q <= a_banks;
            w_banks_q <= w_banks;
            c_banks_q <= c_banks;
            c_low_q   <= c_low;
            c_high_q  <= c_high;
            gap_q     <= any_q && c_low <= prev_high_q && prev_low_q <= c_high && c_walk != c_walk_q;
            same_q    <= any_q && c_low <= prev_high_q && prev_low_q <= c_high && c_walk == c_walk_q;
        end
    end

    // ------------------------------------------------------------------ sequencers
    reg                 pending_q;      // a plane's L has come, its M has not
    reg [W_LEFT-1:0]    load_left_q;    // weight rows of the plane still to read
    reg                 stream_q;       // rows of the plane still to read
    reg [W_GAP-1:0]     row_gap_q;      // cycles until H after the last row; after the first of the last plane
    reg [W_GAP-1:0]     plane_gap_q;
    reg [W_SPM-1:0]     w_row_q;        // the weight row read last
    reg                 last_plane_q;   // of the stream under way
    reg                 stream_parity_q;

    wire loaded  = load_left_q == {W_LEFT{1'b0}};
    wire near    = (after_gap_q && row_gap_q != {W_GAP{1'b0}}) || (after_same_q && plane_gap_q != {W_GAP{1'b0}});
    wire m_start = pending_q && loaded && !stream_q && !near;
    wire l_ok    = loaded && (!pending_q || m_start);
    wire l_next  = l_ok && planes_left_q != 16'd0;
    wire l_start = l_next || start_i;
    assign own_ok_o = l_ok && planes_left_q == 16'd0;

    wire [3:0] row_end;
    wire       row_read   = m_start || stream_q;
    wire       row_last   = row_read && row_end[3];
    wire       last_plane = m_start ? planes_left_q == 16'd0 : last_plane_q;
    wire [W_SPM-1:0] w_first = start_i ? regs_i[`SY_MXU_W_BASE*32 +: W_SPM] : w_next_q;
    assign w_re_o  = l_start || !loaded;
    assign w_row_o = l_start ? w_first + D32[W_SPM-1:0] - 1'b1 : w_row_q - 1'b1;
    assign a_re_o  = row_read;
    assign busy_o  = row_read;
    assign load_o  = w_re_o;

    always @(posedge clk or negedge rst_n) begin
        if (!rst_n) begin
            any_q         <= 1'b0;
            planes_left_q <= 16'd0;
            pending_q     <= 1'b0;
            load_left_q   <= {W_LEFT{1'b0}};
            stream_q      <= 1'b0;
            row_gap_q     <= {W_GAP{1'b0}};
            plane_gap_q   <= {W_GAP{1'b0}};
            after_gap_q   <= 1'b0;
            after_same_q  <= 1'b0;
            parity_q      <= 1'b0;
            number_q      <= 2'd0;
        end else begin
            if (start_i) begin
                any_q         <= 1'b1;
                planes_left_q <= regs_i[`SY_MXU_PLANES*32 +: 16] - 16'd1;
                after_gap_q   <= gap_q;
                after_same_q  <= same_q;
                parity_q      <= !parity_q;
                number_q      <= number_q + 2'd1;
            end else begin
                if (l_next) begin
                    planes_left_q <= planes_left_q - 16'd1;
                end
                if (m_start) begin
                    after_gap_q  <= 1'b0;
                    after_same_q <= 1'b1;
                end
            end
            if (l_start) begin
                pending_q   <= 1'b1;
                load_left_q <= D32[W_LEFT-1:0] - 1'b1;
            end else begin
                if (m_start) begin
                    pending_q <= 1'b0;
                end
                if (!loaded) begin
                    load_left_q <= load_left_q - 1'b1;
                end
            end
            stream_q      <= row_read && !row_end[3];
            if (row_read) begin
                row_gap_q <= GAP;
            end else if (row_gap_q != {W_GAP{1'b0}}) begin
                row_gap_q <= row_gap_q - 1'b1;
            end
            if (m_start) begin
                plane_gap_q <= GAP;
            end else if (plane_gap_q != {W_GAP{1'b0}}) begin
                plane_gap_q <= plane_gap_q - 1'b1;
            end
        end
    end

    always @(posedge clk) begin
        if (w_re_o) begin
            w_row_q <= w_row_o;
        end
        if (m_start) begin
            last_plane_q    <= last_plane;
            stream_parity_q <= parity_q;
        end
        if (start_i) begin
            w_next_q     <= w_first + regs_i[`SY_MXU_W_PLANE*32 +: W_SPM];
            w_plane_q    <= regs_i[`SY_MXU_W_PLANE*32 +: W_SPM];
            a_plane_q    <= regs_i[`SY_MXU_A_PLANE*32 +: W_SPM];
            a_base_q     <= regs_i[`SY_MXU_A_BASE*32 +: W_SPM];
            a_stride_q   <= {regs_i[`SY_MXU_A_S3*32 +: W_SPM], regs_i[`SY_MXU_A_S2*32 +: W_SPM],
                             regs_i[`SY_MXU_A_S1*32 +: W_SPM], regs_i[`SY_MXU_A_S0*32 +: W_SPM]};
            c_stride_q   <= {regs_i[`SY_MXU_C_S3*32 +: W_ACC], regs_i[`SY_MXU_C_S2*32 +: W_ACC],
                             regs_i[`SY_MXU_C_S1*32 +: W_ACC], regs_i[`SY_MXU_C_S0*32 +: W_ACC]};
            n_q          <= {regs_i[`SY_MXU_N3*32 +: 16], regs_i[`SY_MXU_N2*32 +: 16],
                             regs_i[`SY_MXU_N1*32 +: 16], regs_i[`SY_MXU_N0*32 +: 16]};
            c_base_q     <= regs_i[`SY_MXU_C_BASE*32 +: W_ACC];
            accumulate_q <= flags[`SY_MXU_FLAGS_ACCUMULATE_BITS];
            a_unsigned_q <= flags[`SY_MXU_FLAGS_A_UNSIGNED_BITS];
            w_unsigned_q <= flags[`SY_MXU_FLAGS_W_UNSIGNED_BITS];
            transposed_q <= funct7_i == `SY_F7_MXU_MATMUL_T;
            a_zero_q     <= regs_i[`SY_MXU_A_ZERO*32 +: 9];
            w_zero_q     <= regs_i[`SY_MXU_W_ZERO*32 +: 9];
            c_walk_q     <= c_walk;
            prev_low_q   <= c_low_q;
            prev_high_q  <= c_high_q;
        end else begin
            if (l_next) begin
                w_next_q <= w_next_q + w_plane_q;
            end
            if (m_start) begin
                a_base_q     <= a_base_q + a_plane_q;
                accumulate_q <= 1'b1;
            end
        end
    end

    // ------------------------------------------------------------------ walks of the stream
    wire [W_ACC-1:0] c_row;
    walk_count u_count (
        .clk     (clk),
        .start_i (m_start),
        .step_i  (row_read),
        .n_i     (n_q),
        .end_o   (row_end)
    );
    walk_addr #(.W(W_SPM)) u_a_walk (
        .clk      (clk),
        .start_i  (m_start),
        .step_i   (row_read),
        .end_i    (row_end[2:0]),
        .base_i   (a_base_q),
        .stride_i (a_stride_q),
        .row_o    (a_row_o)
    );
    walk_addr #(.W(W_ACC)) u_c_walk (
        .clk      (clk),
        .start_i  (m_start),
        .step_i   (row_read),
        .end_i    (row_end[2:0]),
        .base_i   (c_base_q),
        .stride_i (c_stride_q),
        .row_o    (c_row)
    );

    // ------------------------------------------------------------------ array: data come the cycle after the read
    reg  row_valid_q, swap_q, weight_valid_q, weight_first_q;
    reg  stream_unsigned_q;
    reg  stream_accumulate_q;
    reg [8:0] stream_zero_q;
    always @(posedge clk or negedge rst_n) begin
        if (!rst_n) begin
            row_valid_q    <= 1'b0;
            swap_q         <= 1'b0;
            weight_valid_q <= 1'b0;
            weight_first_q <= 1'b0;
        end else begin
            row_valid_q    <= row_read;
            swap_q         <= m_start;
            weight_valid_q <= w_re_o;
            weight_first_q <= l_start;
        end
    end
    always @(posedge clk) begin
        if (m_start) begin
            stream_unsigned_q   <= a_unsigned_q;
            stream_zero_q       <= a_zero_q;
            stream_accumulate_q <= accumulate_q;
        end
    end
    wire [D*W_OP-1:0] a_lanes;
    wire [D*W_OP-1:0] w_lanes;
    genvar j;
    generate
        if (ELEMENT == 0) begin : g_int8
            for (j = 0; j < D; j = j + 1) begin : g_operand
                assign a_lanes[j*9 +: 9] = {!stream_unsigned_q && a_data_i[j*8+7], a_data_i[j*8 +: 8]} - stream_zero_q;
                assign w_lanes[j*9 +: 9] = {!w_unsigned_q && w_data_i[j*8+7], w_data_i[j*8 +: 8]} - w_zero_q;
            end
        end else begin : g_bf16
            assign a_lanes = a_data_i;
            assign w_lanes = w_data_i;
            wire unused_zeros = &{1'b0, stream_unsigned_q, stream_zero_q, w_unsigned_q, w_zero_q};
        end
    endgenerate
    wire [D*32-1:0] psum_first, psum;
    mxu_array #(.D(D), .ELEMENT(ELEMENT)) u_array (
        .clk            (clk),
        .rst_n          (rst_n),
        .row_valid_i    (row_valid_q),
        .swap_i         (swap_q),
        .row_i          (a_lanes),
        .weight_valid_i (weight_valid_q),
        .weight_first_i (weight_first_q),
        .transposed_i   (transposed_q),
        .weight_i       (w_lanes),
        .psum_i         (psum_first),
        .psum_o         (psum)
    );

    // ------------------------------------------------------------------ ACC port
    wire             t_valid, t_last, t_accumulate;
    wire [W_ACC-1:0] t_row;
    wire             t_busy;
    wire             accumulates = m_start ? accumulate_q : stream_accumulate_q;
    delay_line #(.N(D), .W_DATA(W_ACC + 2)) u_rows (
        .clk     (clk),
        .rst_n   (rst_n),
        .valid_i (row_read),
        .data_i  ({row_last && last_plane, accumulates, c_row}),
        .valid_o (t_valid),
        .busy_o  (t_busy),
        .data_o  ({t_last, t_accumulate, t_row})
    );
    assign c_re_o   = ELEMENT != 0 ? row_read && accumulates : t_valid && t_accumulate;
    assign c_rrow_o = ELEMENT != 0 ? c_row : t_row;

    reg             write_q, write_last_q;
    reg [W_ACC-1:0] write_row_q;
    reg [D-1:0]     add_q;        // lane j adds to ACC in this cycle
    always @(posedge clk or negedge rst_n) begin
        if (!rst_n) begin
            write_q      <= 1'b0;
            write_last_q <= 1'b0;
            add_q        <= {D{1'b0}};
        end else begin
            write_q      <= t_valid;
            write_last_q <= t_valid && t_last;
            add_q        <= {add_q[D-2:0], c_re_o};
        end
    end
    always @(posedge clk) begin
        if (t_valid) begin
            write_row_q <= t_row;
        end
    end
    assign c_we_o   = write_q;
    assign c_wrow_o = write_row_q;
    assign end_o    = write_last_q;
    generate
        if (ELEMENT == 0) begin : g_port
            for (j = 0; j < D; j = j + 1) begin : g_sum
                assign c_wdata_o[j*32 +: 32] = psum[j*32 +: 32] + (add_q[j] ? c_rdata_i[j*32 +: 32] : 32'd0);
            end
            assign psum_first = {D*32{1'b0}};
        end else begin : g_top
            // H keeps a row's read behind its write by the plane before. A stream may read a row that the stream before the last still
            // has to write at the earliest in the very cycle of that write: it gets what is written. Lane j is j cycles later.
            wire [D-1:0] meet;
            reg  [D-2:0] meet_q;
            assign meet = {meet_q, c_re_o && c_we_o && c_rrow_o == c_wrow_o};
            always @(posedge clk or negedge rst_n) begin
                if (!rst_n) begin
                    meet_q <= {(D-1){1'b0}};
                end else begin
                    meet_q <= meet[D-2:0];
                end
            end
            for (j = 0; j < D; j = j + 1) begin : g_sum
                reg        met_q;
                reg [31:0] written_q;
                always @(posedge clk) begin
                    met_q <= meet[j];
                    if (meet[j]) begin
                        written_q <= psum[j*32 +: 32];
                    end
                end
                assign psum_first[j*32 +: 32] = !add_q[j] ? 32'd0 : met_q ? written_q : c_rdata_i[j*32 +: 32];
                assign c_wdata_o[j*32 +: 32]  = psum[j*32 +: 32];
            end
            wire unused_t = &{1'b0, t_accumulate};
        end
    endgenerate

    // ------------------------------------------------------------------ banks
    wire [SPM_BANKS-1:0] live_w, live_a0, live_a1;
    wire w_plane_read = load_left_q == {{(W_LEFT-1){1'b0}}, 1'b1};
    stream_range #(.N_BANKS(SPM_BANKS), .W_ROW(W_SPM)) u_w_banks (
        .clk (clk), .rst_n (rst_n), .load_i (start_i),
        .first_low_i (w_range_q[0 +: W_SPM]), .first_high_i (w_range_q[W_SPM +: W_SPM]),
        .last_low_i (w_range_q[2*W_SPM +: W_SPM]), .last_high_i (w_range_q[3*W_SPM +: W_SPM]),
        .step_i (regs_i[`SY_MXU_W_PLANE*32 +: W_SPM]), .banks_i (w_banks_q),
        .advance_i (w_plane_read && planes_left_q != 16'd0), .clear_i (w_plane_read && planes_left_q == 16'd0),
        .banks_o (live_w)
    );
    wire stream_parity = m_start ? parity_q : stream_parity_q;
    stream_range #(.N_BANKS(SPM_BANKS), .W_ROW(W_SPM)) u_a0_banks (
        .clk (clk), .rst_n (rst_n), .load_i (start_i && parity_q),
        .first_low_i (a_range_q[0 +: W_SPM]), .first_high_i (a_range_q[W_SPM +: W_SPM]),
        .last_low_i (a_range_q[2*W_SPM +: W_SPM]), .last_high_i (a_range_q[3*W_SPM +: W_SPM]),
        .step_i (regs_i[`SY_MXU_A_PLANE*32 +: W_SPM]), .banks_i (a_banks_q),
        .advance_i (row_last && !last_plane && !stream_parity), .clear_i (row_last && last_plane && !stream_parity),
        .banks_o (live_a0)
    );
    stream_range #(.N_BANKS(SPM_BANKS), .W_ROW(W_SPM)) u_a1_banks (
        .clk (clk), .rst_n (rst_n), .load_i (start_i && !parity_q),
        .first_low_i (a_range_q[0 +: W_SPM]), .first_high_i (a_range_q[W_SPM +: W_SPM]),
        .last_low_i (a_range_q[2*W_SPM +: W_SPM]), .last_high_i (a_range_q[3*W_SPM +: W_SPM]),
        .step_i (regs_i[`SY_MXU_A_PLANE*32 +: W_SPM]), .banks_i (a_banks_q),
        .advance_i (row_last && !last_plane && stream_parity), .clear_i (row_last && last_plane && stream_parity),
        .banks_o (live_a1)
    );

    // At most three commands are in flight: the ACC banks of each, by the low bits of its number.
    reg [1:0]             ended_q;
    reg [4*ACC_BANKS-1:0] acc_banks_q;
    always @(posedge clk or negedge rst_n) begin
        if (!rst_n) begin
            ended_q     <= 2'd0;
            acc_banks_q <= {4*ACC_BANKS{1'b0}};
        end else begin
            if (start_i) begin
                acc_banks_q[number_q*ACC_BANKS +: ACC_BANKS] <= c_banks_q;
            end
            if (end_o) begin
                ended_q <= ended_q + 2'd1;
                acc_banks_q[ended_q*ACC_BANKS +: ACC_BANKS] <= {ACC_BANKS{1'b0}};
            end
        end
    end
    assign need_o = {c_banks_q, a_banks_q | w_banks_q};
    assign held_o = {acc_banks_q[0 +: ACC_BANKS] | acc_banks_q[ACC_BANKS +: ACC_BANKS] |
                     acc_banks_q[2*ACC_BANKS +: ACC_BANKS] | acc_banks_q[3*ACC_BANKS +: ACC_BANKS],
                     live_w | live_a0 | live_a1};
    assign own_bank_ok_o = (w_banks_q & (live_a0 | live_a1)) == {SPM_BANKS{1'b0}};
    wire unused = &{1'b0, t_busy, row_end};
endmodule
`default_nettype wire
