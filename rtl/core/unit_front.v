// unit_front.v -- what every unit has in front: queue, descriptor registers, slot with its check timer, pending posts.
//
// Function : pops at most one queue entry per cycle: SET writes a register pair; WAIT is popped when the semaphore grants;
//            POST goes to the pending posts with the number of commands popped so far; a command goes to the slot with a copy
//            of the registers. The slot's command is checked in CHECK_CYCLES cycles (check_now_o marks the last) and is
//            then ready until start_i. Pending posts fire when the commands they counted have ended.
// Latency  : timing.md sections 1 and 3; every output is a function of registers but post_* and err_*, which the freeze gates.
// Reset    : everything.
// C twin   : simulator/queue.c.   Tests: tests/rtl/machine.c, tests/cosim.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
`include "isa.vh"
module unit_front #(
    parameter N_PAIRS      = 11,
    parameter QUEUE_DEPTH  = 4,
    parameter POST_DEPTH   = 4,
    parameter SEM_COUNT    = 32,
    parameter CHECK_CYCLES = 2
) (
    input  wire                   clk,
    input  wire                   rst_n,
    input  wire                   freeze_i,       // an error is latched: nothing pops or fires
    // push from the core
    input  wire                   push_i,
    input  wire [6:0]             push_funct7_i,
    input  wire [31:0]            push_rs1_i,
    input  wire [31:0]            push_rs2_i,
    output wire                   full_o,
    // semaphores
    output wire                   take_o,         // a WAIT on an existing semaphore is at the head and may pop
    output wire [4:0]             take_sem_o,
    input  wire                   take_ok_i,
    output wire                   post_o,
    output wire [4:0]             post_sem_o,
    output wire [31:0]            post_command_o, // the count that the post captured
    // slot
    output wire                   slot_valid_o,
    output wire                   slot_ready_o,   // checked
    output wire                   check_now_o,    // last cycle of the checks: check_error_i counts
    input  wire [7:0]             check_error_i,
    input  wire                   start_i,
    output wire [6:0]             slot_funct7_o,
    output wire [31:0]            slot_tag_o,
    output wire [31:0]            slot_number_o,
    output wire [N_PAIRS*64-1:0]  slot_regs_o,
    // commands in flight
    input  wire                   end_i,
    output wire [31:0]            ended_o,        // number of the next command to end
    output wire                   in_flight_o,
    output wire [4:0]             n_in_flight_o,  // saturates at 31
    // errors of the slot and the head
    output wire                   err_o,
    output wire [7:0]             err_code_o,
    output wire [31:0]            err_command_o,
    // state, for counters, FENCE, end and deadlock
    output wire                   queue_empty_o,
    output wire                   posts_empty_o,
    output wire                   head_wait_o     // the head is a WAIT on an existing semaphore
);
    localparam W_REGS = N_PAIRS * 64;
    localparam W_POST = 5 + 32;

    wire        head_valid;
    wire [70:0] head;
    wire        pop;
    queue #(.N(QUEUE_DEPTH), .W_DATA(71)) u_queue (
        .clk     (clk),
        .rst_n   (rst_n),
        .push_i  (push_i),
        .data_i  ({push_funct7_i, push_rs1_i, push_rs2_i}),
        .full_o  (full_o),
        .pop_i   (pop),
        .valid_o (head_valid),
        .data_o  (head)
    );

    // ------------------------------------------------------------------ the head
    wire [6:0]  funct7     = head[70:64];
    wire [31:0] rs1        = head[63:32];
    wire [31:0] rs2        = head[31:0];
    wire        is_set     = head_valid && funct7[6];
    wire        is_wait    = head_valid && funct7 == `SY_F7_MXU_WAIT;
    wire        is_post    = head_valid && funct7 == `SY_F7_MXU_POST;
    wire        is_command = head_valid && !funct7[6] && !is_wait && !is_post;
    wire        sem_exists = rs1 < SEM_COUNT;

    wire post_full;
    wire pop_set     = is_set && !freeze_i;
    wire pop_wait    = take_o && take_ok_i;
    wire pop_post    = is_post && sem_exists && !post_full && !freeze_i;
    wire pop_command = is_command && !slot_valid_o && !freeze_i;
    assign pop         = pop_set || pop_wait || pop_post || pop_command;
    assign head_wait_o = is_wait && sem_exists;
    assign take_o      = head_wait_o && !freeze_i;
    assign take_sem_o  = rs1[4:0];

    // ------------------------------------------------------------------ descriptor registers
    reg [W_REGS-1:0] regs_q;
    integer p;
    always @(posedge clk or negedge rst_n) begin
        if (!rst_n) begin
            regs_q <= {W_REGS{1'b0}};
        end else if (pop_set) begin
            for (p = 0; p < N_PAIRS; p = p + 1) begin
                if (funct7[5:0] == p[5:0]) begin
                    regs_q[p*64 +: 64] <= {rs2, rs1};
                end
            end
        end
    end

    // ------------------------------------------------------------------ slot
    reg              valid_q;
    reg              ready_q;
    reg [3:0]        age_q;      // cycles of checking, this one included
    reg [31:0]       popped_q;   // number of the next command
    reg [31:0]       started_q;
    reg [31:0]       ended_q;
    reg [6:0]        funct7_q;
    reg [31:0]       tag_q;
    reg [W_REGS-1:0] slot_q;
    localparam [31:0] CHECK32 = CHECK_CYCLES;

    wire check_fails = check_now_o && check_error_i != `SY_ERROR_NONE;
    always @(posedge clk or negedge rst_n) begin
        if (!rst_n) begin
            valid_q   <= 1'b0;
            ready_q   <= 1'b0;
            age_q     <= 4'd0;
            popped_q  <= 32'd0;
            started_q <= 32'd0;
            ended_q   <= 32'd0;
        end else begin
            if (pop_command) begin
                valid_q  <= 1'b1;
                age_q    <= 4'd1;
                popped_q <= popped_q + 32'd1;
            end else if (start_i) begin
                valid_q <= 1'b0;
                ready_q <= 1'b0;
            end else if (valid_q && !ready_q && age_q != 4'd15) begin
                age_q <= age_q + 4'd1;
            end
            if (check_now_o && !check_fails) begin
                ready_q <= 1'b1;
            end
            if (start_i) begin
                started_q <= started_q + 32'd1;
            end
            if (end_i) begin
                ended_q <= ended_q + 32'd1;
            end
        end
    end
    always @(posedge clk) begin
        if (pop_command) begin
            funct7_q <= funct7;
            tag_q    <= rs1;
            slot_q   <= regs_q;
        end
    end

    assign check_now_o   = valid_q && !ready_q && age_q == CHECK32[3:0];
    assign slot_valid_o  = valid_q;
    assign slot_ready_o  = ready_q;
    assign slot_funct7_o = funct7_q;
    assign slot_tag_o    = tag_q;
    assign slot_number_o = popped_q - 32'd1;
    assign slot_regs_o   = slot_q;

    wire [31:0] n_in_flight = started_q - ended_q;
    assign ended_o       = ended_q;
    assign in_flight_o   = n_in_flight != 32'd0;
    assign n_in_flight_o = n_in_flight > 32'd31 ? 5'd31 : n_in_flight[4:0];

    // ------------------------------------------------------------------ pending posts
    wire              post_valid;
    wire [W_POST-1:0] post;
    queue #(.N(POST_DEPTH), .W_DATA(W_POST)) u_posts (
        .clk     (clk),
        .rst_n   (rst_n),
        .push_i  (pop_post),
        .data_i  ({rs1[4:0], popped_q}),
        .full_o  (post_full),
        .pop_i   (post_o),
        .valid_o (post_valid),
        .data_o  (post)
    );
    wire [31:0] ahead = ended_q - post[31:0];   // never negative once all counted commands have ended
    assign post_o         = post_valid && !ahead[31] && !freeze_i;
    assign post_sem_o     = post[36:32];
    assign post_command_o = post[31:0];

    // ------------------------------------------------------------------ errors: the slot's command is older than the head
    wire head_error = (is_wait || is_post) && !sem_exists;
    assign err_o         = check_fails || head_error;
    assign err_code_o    = check_fails ? check_error_i : `SY_ERROR_SEM_RANGE;
    assign err_command_o = check_fails ? slot_number_o : popped_q;

    assign queue_empty_o = !head_valid;
    assign posts_empty_o = !post_valid;
endmodule
`default_nettype wire
