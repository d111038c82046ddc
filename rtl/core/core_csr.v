// core_csr.v -- control and status registers, and what a trap and mret do to them.
//
// Function : reads by number (counters of the units included), writes at the end of an instruction. mcycle counts the cycles of
//            the run, minstret what retires; a write of either counts nothing in its cycle.
// Latency  : reads combinational, from the state at the start of the cycle; writes are seen from the next.
// Reset    : everything to 0 (mstatus reads MPP = 3).
// C twin   : simulator/core.c.   Tests: tests/rtl/machine.c, tests/cosim.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
`include "isa.vh"
module core_csr (
    input  wire        clk,
    input  wire        rst_n,
    input  wire [11:0] number_i,
    output reg  [31:0] rdata_o,
    output reg         exists_o,
    output wire        read_only_o,   // writing number_i is illegal
    input  wire        write_i,
    input  wire [31:0] wdata_i,
    // trap and return, in their last cycle
    input  wire        trap_i,
    input  wire [31:0] trap_pc_i,
    input  wire [31:0] trap_cause_i,
    input  wire [31:0] trap_value_i,
    input  wire        mret_i,
    output wire [31:0] mtvec_o,
    output wire [31:0] mepc_o,
    // counts
    input  wire        run_i,         // a run is on
    input  wire        retire_i,
    output wire [5:0]  counter_sel_o, // unit, cause
    input  wire [31:0] counter_i
);
    reg        mie_q;
    reg        mpie_q;
    reg [29:0] mtvec_q;
    reg [31:0] mscratch_q;
    reg [29:0] mepc_q;
    reg [31:0] mcause_q;
    reg [31:0] mtval_q;
    reg [63:0] mcycle_q;
    reg [63:0] minstret_q;

    wire is_counter      = number_i[11:6] == 6'h3F && number_i[3:0] < `SY_N_COUNTERS;
    assign read_only_o   = number_i[11:10] == 2'b11;
    assign counter_sel_o = number_i[5:0];

    always @* begin
        exists_o = 1'b1;
        rdata_o  = 32'd0;
        case (number_i)
            `SY_CSR_MSTATUS:   rdata_o = {19'd0, 2'b11, 3'd0, mpie_q, 3'd0, mie_q, 3'd0};
            `SY_CSR_MTVEC:     rdata_o = {mtvec_q, 2'b00};
            `SY_CSR_MSCRATCH:  rdata_o = mscratch_q;
            `SY_CSR_MEPC:      rdata_o = {mepc_q, 2'b00};
            `SY_CSR_MCAUSE:    rdata_o = mcause_q;
            `SY_CSR_MTVAL:     rdata_o = mtval_q;
            `SY_CSR_MCYCLE, `SY_CSR_CYCLE, `SY_CSR_TIME:    rdata_o = mcycle_q[31:0];
            `SY_CSR_MCYCLEH, `SY_CSR_CYCLEH, `SY_CSR_TIMEH: rdata_o = mcycle_q[63:32];
            `SY_CSR_MINSTRET, `SY_CSR_INSTRET:              rdata_o = minstret_q[31:0];
            `SY_CSR_MINSTRETH, `SY_CSR_INSTRETH:            rdata_o = minstret_q[63:32];
            `SY_CSR_MISA:      rdata_o = `SY_MISA_VALUE;
            `SY_CSR_MIE, `SY_CSR_MIP, `SY_CSR_MSTATUSH, `SY_CSR_MVENDORID, `SY_CSR_MARCHID, `SY_CSR_MIMPID, `SY_CSR_MHARTID,
            `SY_CSR_MCONFIGPTR, `SY_CSR_TSELECT, `SY_CSR_TDATA1, `SY_CSR_TDATA2, `SY_CSR_TDATA3: rdata_o = 32'd0;
            default: begin
                exists_o = is_counter;
                rdata_o  = counter_i;
            end
        endcase
    end

    always @(posedge clk or negedge rst_n) begin
        if (!rst_n) begin
            mie_q      <= 1'b0;
            mpie_q     <= 1'b0;
            mtvec_q    <= 30'd0;
            mscratch_q <= 32'd0;
            mepc_q     <= 30'd0;
            mcause_q   <= 32'd0;
            mtval_q    <= 32'd0;
        end else if (trap_i) begin
            mepc_q   <= trap_pc_i[31:2];
            mcause_q <= trap_cause_i;
            mtval_q  <= trap_value_i;
            mpie_q   <= mie_q;
            mie_q    <= 1'b0;
        end else if (mret_i) begin
            mie_q  <= mpie_q;
            mpie_q <= 1'b1;
        end else if (write_i) begin
            case (number_i)
                `SY_CSR_MSTATUS: begin
                    mie_q  <= wdata_i[3];
                    mpie_q <= wdata_i[7];
                end
                `SY_CSR_MTVEC:    mtvec_q    <= wdata_i[31:2];
                `SY_CSR_MSCRATCH: mscratch_q <= wdata_i;
                `SY_CSR_MEPC:     mepc_q     <= wdata_i[31:2];
                `SY_CSR_MCAUSE:   mcause_q   <= wdata_i;
                `SY_CSR_MTVAL:    mtval_q    <= wdata_i;
                default: ;   // read-only registers ignore writes
            endcase
        end
    end

    always @(posedge clk or negedge rst_n) begin
        if (!rst_n) begin
            mcycle_q   <= 64'd0;
            minstret_q <= 64'd0;
        end else begin
            if (write_i && (number_i == `SY_CSR_MCYCLE || number_i == `SY_CSR_MCYCLEH)) begin
                mcycle_q <= number_i == `SY_CSR_MCYCLE ? {mcycle_q[63:32], wdata_i} : {wdata_i, mcycle_q[31:0]};
            end else if (run_i) begin
                mcycle_q <= mcycle_q + 64'd1;
            end
            if (write_i && (number_i == `SY_CSR_MINSTRET || number_i == `SY_CSR_MINSTRETH)) begin
                minstret_q <= number_i == `SY_CSR_MINSTRET ? {minstret_q[63:32], wdata_i} : {wdata_i, minstret_q[31:0]};
            end else if (retire_i) begin
                minstret_q <= minstret_q + 64'd1;
            end
        end
    end

    assign mtvec_o = {mtvec_q, 2'b00};
    assign mepc_o  = {mepc_q, 2'b00};
    wire unused = &{1'b0, trap_pc_i[1:0]};
endmodule
`default_nettype wire
