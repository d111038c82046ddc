// bank_arbiter.v -- which units may start a command: the start rule between units (timing.md section 4).
//
// Function : unit u (0 MXU, 1 VPU, 2 LD, 3 ST) starts if it is ready, no bank it needs is held by another unit, and none is needed
//            by a unit before it that starts in the same cycle.
// Latency  : combinational, from registers of the units.
// C twin   : simulator/banks.c.   Tests: tests/rtl/machine.c, tests/cosim.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
module bank_arbiter #(
    parameter N = 12    // banks of SPM and ACC
) (
    input  wire [3:0]     ready_i,
    input  wire [4*N-1:0] need_i,
    input  wire [4*N-1:0] held_i,
    output reg  [3:0]     start_o
);
    reg [N-1:0] taken;
    integer u;
    integer v;
    always @* begin
        start_o = 4'd0;
        taken   = {N{1'b0}};
        for (u = 0; u < 4; u = u + 1) begin
            if (ready_i[u]) begin
                taken = {N{1'b0}};
                for (v = 0; v < 4; v = v + 1) begin
                    if (v != u) begin
                        taken = taken | held_i[v*N +: N];
                    end
                    if (v < u && start_o[v]) begin
                        taken = taken | need_i[v*N +: N];
                    end
                end
                start_o[u] = (need_i[u*N +: N] & taken) == {N{1'b0}};
            end
        end
    end
endmodule
`default_nettype wire
