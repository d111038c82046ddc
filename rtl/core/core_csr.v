// core_csr.v -- control and status registers, and what a trap and mret do to them.
//
// Function : reads by number (counters of the units included), writes at the end of an instruction.
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
    output wire        counter_o,     // number_i is a counter of a unit: writing it is illegal
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
    input  wire [63:0] cycle_i,
    input  wire [63:0] instret_i,
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

    assign counter_o     = number_i[11:6] == 6'h3F && number_i[3:0] < `SY_N_COUNTERS;
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
            `SY_CSR_MCYCLE:    rdata_o = cycle_i[31:0];
            `SY_CSR_MCYCLEH:   rdata_o = cycle_i[63:32];
            `SY_CSR_MINSTRET:  rdata_o = instret_i[31:0];
            `SY_CSR_MINSTRETH: rdata_o = instret_i[63:32];
            `SY_CSR_MHARTID:   rdata_o = 32'd0;
            default: begin
                exists_o = counter_o;
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

    assign mtvec_o = {mtvec_q, 2'b00};
    assign mepc_o  = {mepc_q, 2'b00};
    wire unused = &{1'b0, trap_pc_i[1:0]};
endmodule
`default_nettype wire
