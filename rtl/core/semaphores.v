// semaphores.v -- the counting semaphores and the arbiter of those who take and post in one cycle.
//
// Function : in tie order (MXU, VPU, LD, ST, core) a taker is granted if the value exceeds the number of takers of the
//            same semaphore before it; then the posts are added, and one that would exceed the maximum is an overflow.
// Latency  : grants in the same cycle from the value at its start; the new value from the next cycle.
// Reset    : all zero.
// C twin   : simulator/queue.c.   Tests: tests/rtl/machine.c, tests/cosim.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
module semaphores #(
    parameter N_SEMS = 32,
    parameter W_SEM  = 8
) (
    input  wire        clk,
    input  wire        rst_n,
    // bit u, and five bits at 5 u: unit u of the tie order
    input  wire [4:0]  take_i,
    input  wire [24:0] take_sem_i,
    output reg  [4:0]  take_ok_o,
    output reg  [4:0]  zero_o,      // take_sem_i's value is zero
    input  wire [4:0]  post_i,
    input  wire [24:0] post_sem_i,
    output reg  [4:0]  overflow_o
);
    localparam W_IDX = N_SEMS > 1 ? $clog2(N_SEMS) : 1;

    reg [W_SEM-1:0] value_q [0:N_SEMS-1];
    reg [2:0]       n_before;
    integer u;
    integer v;

    // ------------------------------------------------------------------ takes
    always @* begin
        take_ok_o = 5'd0;
        zero_o    = 5'd0;
        n_before  = 3'd0;
        for (u = 0; u < 5; u = u + 1) begin
            if (take_i[u]) begin
                n_before = 3'd0;
                for (v = 0; v < u; v = v + 1) begin
                    if (take_i[v] && take_sem_i[v*5 +: 5] == take_sem_i[u*5 +: 5]) begin
                        n_before = n_before + 3'd1;
                    end
                end
                take_ok_o[u] = {3'd0, value_q[take_sem_i[u*5 +: W_IDX]]} > {{W_SEM{1'b0}}, n_before};
                zero_o[u]    = value_q[take_sem_i[u*5 +: W_IDX]] == {W_SEM{1'b0}};
            end
        end
    end

    // ------------------------------------------------------------------ new values; each unit's own view of its semaphore is
    // complete, so that two who touch the same semaphore write the same value
    reg [4:0]         post_write;
    reg [5*W_SEM-1:0] post_value;
    reg [4:0]         take_write;
    reg [5*W_SEM-1:0] take_value;
    reg [W_SEM-1:0]   sum;
    reg               over;
    integer w;
    integer x;
    always @* begin
        overflow_o = 5'd0;
        post_write = 5'd0;
        take_write = 5'd0;
        post_value = {5*W_SEM{1'b0}};
        take_value = {5*W_SEM{1'b0}};
        sum        = {W_SEM{1'b0}};
        over       = 1'b0;
        if (|(take_i & take_ok_o) || |post_i) begin
            for (w = 0; w < 5; w = w + 1) begin
                if (post_i[w]) begin
                    sum = value_q[post_sem_i[w*5 +: W_IDX]];
                    for (x = 0; x < 5; x = x + 1) begin
                        if (take_i[x] && take_ok_o[x] && take_sem_i[x*5 +: 5] == post_sem_i[w*5 +: 5]) begin
                            sum = sum - 1'b1;
                        end
                    end
                    for (x = 0; x < 5; x = x + 1) begin
                        if (post_i[x] && post_sem_i[x*5 +: 5] == post_sem_i[w*5 +: 5]) begin
                            over = sum == {W_SEM{1'b1}};
                            if (!over) begin
                                sum = sum + 1'b1;
                            end
                            if (x == w) begin
                                overflow_o[w] = over;
                            end
                        end
                    end
                    post_write[w] = 1'b1;
                    post_value[w*W_SEM +: W_SEM] = sum;
                end
                if (take_i[w] && take_ok_o[w]) begin
                    sum = value_q[take_sem_i[w*5 +: W_IDX]];
                    for (x = 0; x < 5; x = x + 1) begin
                        if (take_i[x] && take_ok_o[x] && take_sem_i[x*5 +: 5] == take_sem_i[w*5 +: 5]) begin
                            sum = sum - 1'b1;
                        end
                    end
                    take_write[w] = 1'b1;
                    take_value[w*W_SEM +: W_SEM] = sum;
                end
            end
        end
    end

    integer s;
    always @(posedge clk or negedge rst_n) begin
        if (!rst_n) begin
            for (s = 0; s < N_SEMS; s = s + 1) begin
                value_q[s] <= {W_SEM{1'b0}};
            end
        end else if (|take_write || |post_write) begin
            // a post knows the takes of its semaphore, so it comes last
            for (s = 0; s < 5; s = s + 1) begin
                if (take_write[s]) begin
                    value_q[take_sem_i[s*5 +: W_IDX]] <= take_value[s*W_SEM +: W_SEM];
                end
            end
            for (s = 0; s < 5; s = s + 1) begin
                if (post_write[s]) begin
                    value_q[post_sem_i[s*5 +: W_IDX]] <= post_value[s*W_SEM +: W_SEM];
                end
            end
        end
    end
endmodule
`default_nettype wire
