// run_control.v -- START, the cycle number, the first error, and the end of a run.
//
// Function : start_i resets the units for one cycle and then runs them; cycle 0 is the first cycle of the run. The first error by
//            cycle and tie order is latched. done and deadlock are functions of the state at the start of a cycle
//            (timing.md section 3); the first such cycle ends the run, is not counted, and is the total.
// Reset    : idle.
// C twin   : simulator/sim.c.   Tests: tests/rtl/machine.c, tests/cosim.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
`include "isa.vh"
module run_control (
    input  wire         clk,
    input  wire         rst_n,
    input  wire         start_i,
    output wire         unit_rst_n_o,
    output wire         active_o,       // a run is on; in the cycle that ends it nothing happens any more
    output wire         run_o,          // this cycle counts
    output wire         first_o,        // it is cycle 0
    output wire [63:0]  cycle_o,
    // errors of this cycle, bit u and fields at u: MXU, VPU, LD, ST, core
    input  wire [4:0]   axi_err_i,
    input  wire [159:0] axi_command_i,
    input  wire [4:0]   overflow_i,
    input  wire [159:0] post_command_i,
    input  wire [4:0]   err_i,
    input  wire [39:0]  err_code_i,
    input  wire [159:0] err_command_i,
    output wire         error_latched_o,
    // state at the start of the cycle, bit u: MXU, VPU, LD, ST
    input  wire [3:0]   queue_empty_i,
    input  wire [3:0]   slot_empty_i,
    input  wire [3:0]   posts_empty_i,
    input  wire [3:0]   in_flight_i,
    input  wire [3:0]   wait_zero_i,    // the head is a WAIT on an existing semaphore that is zero
    input  wire         dram_quiet_i,
    input  wire         core_halted_i,
    input  wire         core_stopped_i,
    input  wire         core_blocked_i,
    output wire         all_idle_o,     // FENCE
    // for the host
    output wire         running_o,
    output wire         done_o,
    output wire         deadlock_o,
    output wire [7:0]   error_code_o,
    output wire [7:0]   error_unit_o,
    output wire [31:0]  error_command_o
);
    reg        unit_rst_n_q;
    reg        start_q;       // the cycle in which the units are in reset
    reg        running_q;
    reg        first_q;
    reg        done_q;
    reg        deadlock_q;
    reg [63:0] cycle_q;
    reg        error_q;
    reg [7:0]  code_q;
    reg [7:0]  unit_q;
    reg [31:0] command_q;

    // ------------------------------------------------------------------ the end
    wire units_empty = (&queue_empty_i) && (&slot_empty_i) && (&posts_empty_i);
    wire calm        = !(|in_flight_i) && dram_quiet_i;
    wire done        = running_q && calm && ((core_halted_i && units_empty) || (error_q && (core_halted_i || core_stopped_i)));
    wire deadlock    = running_q && !done && !error_q && calm && (&slot_empty_i) && (&posts_empty_i) &&
                       (&(queue_empty_i | wait_zero_i)) && (core_halted_i || core_blocked_i);
    assign all_idle_o = units_empty && !(|in_flight_i);
    assign run_o      = running_q && !done && !deadlock;

    // ------------------------------------------------------------------ the first error
    reg        raise;
    reg [7:0]  code;
    reg [7:0]  unit;
    reg [31:0] command;
    integer u;
    always @* begin
        raise   = 1'b0;
        code    = `SY_ERROR_NONE;
        unit    = 8'd0;
        command = 32'd0;
        if (running_q && |(axi_err_i | overflow_i | err_i)) begin
            for (u = 4; u >= 0; u = u - 1) begin
                if (axi_err_i[u] || overflow_i[u] || err_i[u]) begin
                    raise   = 1'b1;
                    unit    = {5'd0, u[2:0]};
                    code    = axi_err_i[u] ? `SY_ERROR_AXI : overflow_i[u] ? `SY_ERROR_SEM_OVERFLOW : err_code_i[u*8 +: 8];
                    command = axi_err_i[u] ? axi_command_i[u*32 +: 32] :
                              overflow_i[u] ? post_command_i[u*32 +: 32] : err_command_i[u*32 +: 32];
                end
            end
        end
    end

    always @(posedge clk or negedge rst_n) begin
        if (!rst_n) begin
            unit_rst_n_q <= 1'b0;
            start_q      <= 1'b0;
            running_q    <= 1'b0;
            first_q      <= 1'b0;
            done_q       <= 1'b0;
            deadlock_q   <= 1'b0;
            cycle_q      <= 64'd0;
            error_q      <= 1'b0;
            code_q       <= 8'd0;
            unit_q       <= 8'd0;
            command_q    <= 32'd0;
        end else begin
            unit_rst_n_q <= !start_i;
            if (start_i) begin
                running_q  <= 1'b0;
                first_q    <= 1'b0;
                done_q     <= 1'b0;
                deadlock_q <= 1'b0;
                cycle_q    <= 64'd0;
                error_q    <= 1'b0;
                code_q     <= 8'd0;
                unit_q     <= 8'd0;
                command_q  <= 32'd0;
                start_q    <= 1'b1;
            end else if (start_q) begin
                start_q   <= 1'b0;
                running_q <= 1'b1;
                first_q   <= 1'b1;
            end else if (running_q) begin
                first_q <= 1'b0;
                if (run_o) begin
                    cycle_q <= cycle_q + 64'd1;
                end else begin
                    running_q  <= 1'b0;
                    done_q     <= done;
                    deadlock_q <= deadlock;
                end
                if (raise && !error_q) begin
                    error_q   <= 1'b1;
                    code_q    <= code;
                    unit_q    <= unit;
                    command_q <= command;
                end
            end
        end
    end
    assign active_o        = running_q;
    assign unit_rst_n_o    = unit_rst_n_q;
    assign first_o         = first_q;
    assign cycle_o         = cycle_q;
    assign error_latched_o = error_q;
    assign running_o       = running_q || start_q;
    assign done_o          = done_q;
    assign deadlock_o      = deadlock_q;
    assign error_code_o    = code_q;
    assign error_unit_o    = unit_q;
    assign error_command_o = command_q;
endmodule
`default_nettype wire
