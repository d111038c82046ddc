// systole.v -- the machine: core, units, memories, arbiters, host port.
//
// Function : parameters are the keys of isa/config.def (SECTION_KEY). The host loads the memories and starts through AXI4-Lite; LD and
//            ST are one AXI4 master (reads, writes). Everything between units is registered; the arbiters (semaphores, banks, first
//            error, DRAM bus outside) decide ties MXU > VPU > LD > ST > core.
// Latency  : isa/spec/timing.md.
// Protocol : observation ports report commands and retired instructions in their cycles; they drive nothing.
// Reset    : rst_n, asynchronous; START resets all but the memories and the host port.
// C twin   : simulator/sim.c.   Tests: tests/rtl, tests/cosim.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
`include "isa.vh"
module systole #(
    parameter ARRAY_DIM            = `SY_DEFAULT_ARRAY_DIM,
    parameter ARRAY_ELEMENT        = `SY_DEFAULT_ARRAY_ELEMENT,
    parameter SPM_BANKS            = `SY_DEFAULT_SPM_BANKS,
    parameter SPM_BANK_BYTES       = `SY_DEFAULT_SPM_BANK_BYTES,
    parameter ACC_BANKS            = `SY_DEFAULT_ACC_BANKS,
    parameter ACC_BANK_BYTES       = `SY_DEFAULT_ACC_BANK_BYTES,
    parameter QUEUE_DEPTH          = `SY_DEFAULT_QUEUE_DEPTH,
    parameter SEMAPHORE_COUNT      = `SY_DEFAULT_SEMAPHORE_COUNT,
    parameter SEMAPHORE_BITS       = `SY_DEFAULT_SEMAPHORE_BITS,
    parameter POST_DEPTH           = `SY_DEFAULT_POST_DEPTH,
    parameter CORE_IMEM_BYTES      = `SY_DEFAULT_CORE_IMEM_BYTES,
    parameter CORE_DMEM_BYTES      = `SY_DEFAULT_CORE_DMEM_BYTES,
    parameter DRAM_BYTES_PER_CYCLE = `SY_DEFAULT_DRAM_BYTES_PER_CYCLE,
    parameter DRAM_OUTSTANDING     = `SY_DEFAULT_DRAM_OUTSTANDING,
    parameter DRAM_MAX_BURST_BYTES = `SY_DEFAULT_DRAM_MAX_BURST_BYTES,
    parameter DRAM_SIZE_MIB        = `SY_DEFAULT_DRAM_SIZE_MIB,
    parameter DMA_LOAD_BEATS       = `SY_DEFAULT_DMA_LOAD_BEATS,
    parameter DMA_STORE_BEATS      = `SY_DEFAULT_DMA_STORE_BEATS,
    parameter PIPELINE_CHECK_CYCLES = `SY_DEFAULT_PIPELINE_CHECK_CYCLES,
    parameter PIPELINE_VPU_STAGES  = `SY_DEFAULT_PIPELINE_VPU_STAGES,
    parameter PIPELINE_COMMANDS    = `SY_DEFAULT_PIPELINE_COMMANDS,
    parameter [63:0] CONFIG_HASH   = 64'd0
) (
    input  wire         clk,
    input  wire         rst_n,
    // host: AXI4-Lite slave
    input  wire         s_awvalid_i,
    output wire         s_awready_o,
    input  wire [11:0]  s_awaddr_i,
    input  wire         s_wvalid_i,
    output wire         s_wready_o,
    input  wire [31:0]  s_wdata_i,
    output wire         s_bvalid_o,
    input  wire         s_bready_i,
    output wire [1:0]   s_bresp_o,
    input  wire         s_arvalid_i,
    output wire         s_arready_o,
    input  wire [11:0]  s_araddr_i,
    output wire         s_rvalid_o,
    input  wire         s_rready_i,
    output wire [31:0]  s_rdata_o,
    output wire [1:0]   s_rresp_o,
    // DRAM: AXI4 master, INCR bursts of full beats, one ID
    output wire         m_arvalid_o,
    input  wire         m_arready_i,
    output wire [39:0]  m_araddr_o,
    output wire [7:0]   m_arlen_o,
    output wire [2:0]   m_arsize_o,
    output wire [1:0]   m_arburst_o,
    input  wire         m_rvalid_i,
    output wire         m_rready_o,
    input  wire [DRAM_BYTES_PER_CYCLE*8-1:0] m_rdata_i,
    input  wire [1:0]   m_rresp_i,
    input  wire         m_rlast_i,
    output wire         m_awvalid_o,
    input  wire         m_awready_i,
    output wire [39:0]  m_awaddr_o,
    output wire [7:0]   m_awlen_o,
    output wire [2:0]   m_awsize_o,
    output wire [1:0]   m_awburst_o,
    output wire         m_wvalid_o,
    input  wire         m_wready_i,
    output wire [DRAM_BYTES_PER_CYCLE*8-1:0] m_wdata_o,
    output wire [DRAM_BYTES_PER_CYCLE-1:0]   m_wstrb_o,
    output wire         m_wlast_o,
    input  wire         m_bvalid_i,
    output wire         m_bready_o,
    input  wire [1:0]   m_bresp_i,
    // observation: unit u at bit u, and fields at u: MXU, VPU, LD, ST
    output wire         o_reset_o,         // the cycle before cycle 0
    output wire         o_running_o,
    output wire         o_run_o,           // this cycle counts
    output wire [63:0]  o_cycle_o,
    output wire [3:0]   o_start_o,
    output wire [127:0] o_start_number_o,
    output wire [127:0] o_start_tag_o,
    output wire [27:0]  o_start_funct7_o,
    output wire [3:0]   o_end_o,
    output wire [127:0] o_end_number_o,
    output wire         o_retire_o,
    output wire [31:0]  o_retire_pc_o,
    output wire [63:0]  o_retired_o
);
    localparam D        = ARRAY_DIM;
    localparam W_EL     = ARRAY_ELEMENT != 0 ? 16 : 8;      // bits of an element
    localparam N_WORDS  = D * W_EL / 32;                    // 32-bit words of an SPM row
    localparam SPM_ROWS = SPM_BANKS * (SPM_BANK_BYTES / (4 * N_WORDS));
    localparam ACC_ROWS = ACC_BANKS * (ACC_BANK_BYTES / (4 * D));
    localparam W_SPM    = $clog2(SPM_ROWS);
    localparam W_ACC    = $clog2(ACC_ROWS);
    localparam W_ROW    = W_SPM > W_ACC ? W_SPM : W_ACC;
    localparam N_BANKS  = SPM_BANKS + ACC_BANKS;
    localparam BEAT     = DRAM_BYTES_PER_CYCLE;
    localparam [31:0] SIZE32 = $clog2(BEAT);

`ifndef SYNTHESIS
    generate
        if (ARRAY_ELEMENT != 0 && ARRAY_ELEMENT != 1) begin : g_element
            $fatal(1, "ARRAY_ELEMENT: 0 int8, 1 bf16");
        end
        if (D < 4 || (D & (D - 1)) != 0) begin : g_dim
            $fatal(1, "ARRAY_DIM: a power of two from 4");
        end
        if (PIPELINE_VPU_STAGES < 32 || PIPELINE_COMMANDS < 1 || PIPELINE_COMMANDS > 16) begin : g_pipeline
            $fatal(1, "PIPELINE_VPU_STAGES: at least 32; PIPELINE_COMMANDS: 1 to 16");
        end
        if (DRAM_MAX_BURST_BYTES < BEAT || DMA_LOAD_BEATS * BEAT < DRAM_MAX_BURST_BYTES ||
            DMA_STORE_BEATS * BEAT < DRAM_MAX_BURST_BYTES) begin : g_buffers
            $fatal(1, "DMA_LOAD_BEATS, DMA_STORE_BEATS: at least the largest burst");
        end
    endgenerate
`endif

    // ------------------------------------------------------------------ run control
    wire        unit_rst_n, active, run, first, error_latched, all_idle, running, done, deadlock, start_run;
    wire [63:0] cycle;
    wire [7:0]  error_code, error_unit;
    wire [31:0] error_command, entry, exit_code, core_base, core_watch_address;
    wire        core_unified, core_watch;
    wire        core_halted, core_stopped, core_blocked, core_err;
    wire [7:0]  core_err_code;
    wire [31:0] core_err_command;
    wire [4:0]  take, take_ok, sem_zero, post, overflow;
    wire [24:0] take_sem, post_sem;
    wire [3:0]  axi_err, unit_err, queue_empty, slot_valid, slot_ready, posts_empty, in_flight, head_wait, full, push;
    wire [3:0]  own_ok, own_bank_ok, check_now, start, ended;
    wire [31:0] unit_err_code, check_error;
    wire [127:0] unit_err_command, post_command, ended_number, slot_tag, slot_number;
    wire [19:0] n_in_flight;
    wire [27:0] slot_funct7;
    wire        ld_quiet, st_quiet, ld_beat, st_beat;
    run_control u_run (
        .clk             (clk),
        .rst_n           (rst_n),
        .start_i         (start_run),
        .unit_rst_n_o    (unit_rst_n),
        .active_o        (active),
        .run_o           (run),
        .first_o         (first),
        .cycle_o         (cycle),
        .axi_err_i       ({1'b0, axi_err}),
        .axi_command_i   ({32'd0, ended_number}),
        .overflow_i      (overflow),
        .post_command_i  ({32'd0, post_command}),
        .err_i           ({core_err, unit_err}),
        .err_code_i      ({core_err_code, unit_err_code}),
        .err_command_i   ({core_err_command, unit_err_command}),
        .error_latched_o (error_latched),
        .queue_empty_i   (queue_empty),
        .slot_empty_i    (~slot_valid),
        .posts_empty_i   (posts_empty),
        .in_flight_i     (in_flight),
        .wait_zero_i     (sem_zero[3:0]),
        .dram_quiet_i    (ld_quiet && st_quiet),
        .core_halted_i   (core_halted),
        .core_stopped_i  (core_stopped),
        .core_blocked_i  (core_blocked),
        .all_idle_o      (all_idle),
        .running_o       (running),
        .done_o          (done),
        .deadlock_o      (deadlock),
        .error_code_o    (error_code),
        .error_unit_o    (error_unit),
        .error_command_o (error_command)
    );
    assign axi_err[1:0] = 2'b00;

    semaphores #(.N_SEMS(SEMAPHORE_COUNT), .W_SEM(SEMAPHORE_BITS)) u_semaphores (
        .clk        (clk),
        .rst_n      (unit_rst_n),
        .take_i     (take),
        .take_sem_i (take_sem),
        .take_ok_o  (take_ok),
        .zero_o     (sem_zero),
        .post_i     (post),
        .post_sem_i (post_sem),
        .overflow_o (overflow)
    );

    // ------------------------------------------------------------------ host port and its way to the memories
    wire [1:0]  host_select;
    wire [31:0] host_addr, host_wdata;
    wire        host_re, host_we, host_active;
    reg  [31:0] host_rdata;
    wire [5:0]  host_counter, core_counter;
    wire [63:0] counter;
    host_port #(.MEM_CYCLES(D + 2), .CONFIG_HASH(CONFIG_HASH)) u_host (
        .clk             (clk),
        .rst_n           (rst_n),
        .awvalid_i       (s_awvalid_i),
        .awready_o       (s_awready_o),
        .awaddr_i        (s_awaddr_i),
        .wvalid_i        (s_wvalid_i),
        .wready_o        (s_wready_o),
        .wdata_i         (s_wdata_i),
        .bvalid_o        (s_bvalid_o),
        .bready_i        (s_bready_i),
        .bresp_o         (s_bresp_o),
        .arvalid_i       (s_arvalid_i),
        .arready_o       (s_arready_o),
        .araddr_i        (s_araddr_i),
        .rvalid_o        (s_rvalid_o),
        .rready_i        (s_rready_i),
        .rdata_o         (s_rdata_o),
        .rresp_o         (s_rresp_o),
        .start_o         (start_run),
        .entry_o         (entry),
        .core_unified_o  (core_unified),
        .core_base_o     (core_base),
        .core_watch_o    (core_watch),
        .core_watch_address_o (core_watch_address),
        .running_i       (running),
        .done_i          (done),
        .deadlock_i      (deadlock),
        .error_code_i    (error_code),
        .error_unit_i    (error_unit),
        .error_command_i (error_command),
        .exit_code_i     (exit_code),
        .cycle_i         (cycle),
        .counter_sel_o   (host_counter),
        .counter_i       (counter),
        .mem_select_o    (host_select),
        .mem_addr_o      (host_addr),
        .mem_active_o    (host_active),
        .mem_re_o        (host_re),
        .mem_we_o        (host_we),
        .mem_wdata_o     (host_wdata),
        .mem_rdata_i     (host_rdata)
    );
    wire host_imem = host_select == 2'd0;
    wire host_dmem = host_select == 2'd1;
    wire host_spm  = host_select == 2'd2;
    wire host_acc  = host_select == 2'd3;

    // ------------------------------------------------------------------ core
    localparam W_IMEM = $clog2(CORE_IMEM_BYTES / 4);
    localparam W_DMEM = $clog2(CORE_DMEM_BYTES / 4);
    wire              imem_re, dmem_re;
    wire [W_IMEM-1:0] imem_addr, imem_waddr;
    wire [W_DMEM-1:0] dmem_addr;
    wire [3:0]        imem_we, dmem_we;
    wire [31:0]       imem_rdata, dmem_rdata, dmem_wdata, push_rs1, push_rs2;
    wire [6:0]        push_funct7;
    core #(.IMEM_BYTES(CORE_IMEM_BYTES), .DMEM_BYTES(CORE_DMEM_BYTES), .SEM_COUNT(SEMAPHORE_COUNT)) u_core (
        .clk             (clk),
        .rst_n           (unit_rst_n),
        .active_i        (active),
        .first_i         (first),
        .entry_i         (entry),
        .unified_i       (core_unified),
        .base_i          (core_base),
        .watch_i         (core_watch),
        .watch_address_i (core_watch_address),
        .imem_re_o       (imem_re),
        .imem_we_o       (imem_we),
        .imem_waddr_o    (imem_waddr),
        .imem_addr_o     (imem_addr),
        .imem_rdata_i    (imem_rdata),
        .dmem_re_o       (dmem_re),
        .dmem_we_o       (dmem_we),
        .dmem_addr_o     (dmem_addr),
        .dmem_wdata_o    (dmem_wdata),
        .dmem_rdata_i    (dmem_rdata),
        .push_o          (push),
        .push_funct7_o   (push_funct7),
        .push_rs1_o      (push_rs1),
        .push_rs2_o      (push_rs2),
        .full_i          (full),
        .take_o          (take[4]),
        .take_ok_i       (take_ok[4]),
        .post_o          (post[4]),
        .sem_o           (take_sem[24:20]),
        .all_idle_i      (all_idle),
        .error_latched_i (error_latched),
        .counter_sel_o   (core_counter),
        .counter_i       (counter[31:0]),
        .halted_o        (core_halted),
        .stopped_o       (core_stopped),
        .blocked_o       (core_blocked),
        .exit_code_o     (exit_code),
        .instret_o       (o_retired_o),
        .err_o           (core_err),
        .err_code_o      (core_err_code),
        .err_command_o   (core_err_command),
        .retire_o        (o_retire_o),
        .retire_pc_o     (o_retire_pc_o)
    );
    assign post_sem[24:20] = take_sem[24:20];
    tcm #(.N_BYTES(CORE_IMEM_BYTES)) u_imem (
        .clk     (clk),
        .re_i    (host_active ? host_re && host_imem : imem_re),
        .raddr_i (host_active ? host_addr[W_IMEM+1:2] : imem_addr),
        .we_i    (host_active ? {4{host_we && host_imem}} : imem_we),
        .waddr_i (host_active ? host_addr[W_IMEM+1:2] : imem_waddr),
        .wdata_i (host_active ? host_wdata : dmem_wdata),
        .rdata_o (imem_rdata)
    );
    tcm #(.N_BYTES(CORE_DMEM_BYTES)) u_dmem (
        .clk     (clk),
        .re_i    (host_active ? host_re && host_dmem : dmem_re),
        .raddr_i (host_active ? host_addr[W_DMEM+1:2] : dmem_addr),
        .we_i    (host_active ? {4{host_we && host_dmem}} : dmem_we),
        .waddr_i (host_active ? host_addr[W_DMEM+1:2] : dmem_addr),
        .wdata_i (host_active ? host_wdata : dmem_wdata),
        .rdata_o (dmem_rdata)
    );

    // ------------------------------------------------------------------ what stands in front of each unit

    wire [`SY_MXU_N_PAIRS*64-1:0] mxu_regs;
    unit_front #(
        .N_PAIRS(`SY_MXU_N_PAIRS), .QUEUE_DEPTH(QUEUE_DEPTH), .POST_DEPTH(POST_DEPTH), .SEM_COUNT(SEMAPHORE_COUNT),
        .CHECK_CYCLES(PIPELINE_CHECK_CYCLES)
    ) u_mxu_front (
        .clk            (clk),
        .rst_n          (unit_rst_n),
        .freeze_i       (error_latched),
        .push_i         (push[0]),
        .push_funct7_i  (push_funct7),
        .push_rs1_i     (push_rs1),
        .push_rs2_i     (push_rs2),
        .full_o         (full[0]),
        .take_o         (take[0]),
        .take_sem_o     (take_sem[0 +: 5]),
        .take_ok_i      (take_ok[0]),
        .post_o         (post[0]),
        .post_sem_o     (post_sem[0 +: 5]),
        .post_command_o (post_command[0 +: 32]),
        .slot_valid_o   (slot_valid[0]),
        .slot_ready_o   (slot_ready[0]),
        .check_now_o    (check_now[0]),
        .check_error_i  (check_error[0 +: 8]),
        .start_i        (start[0]),
        .slot_funct7_o  (slot_funct7[0 +: 7]),
        .slot_tag_o     (slot_tag[0 +: 32]),
        .slot_number_o  (slot_number[0 +: 32]),
        .slot_regs_o    (mxu_regs),
        .end_i          (ended[0]),
        .ended_o        (ended_number[0 +: 32]),
        .in_flight_o    (in_flight[0]),
        .n_in_flight_o  (n_in_flight[0 +: 5]),
        .err_o          (unit_err[0]),
        .err_code_o     (unit_err_code[0 +: 8]),
        .err_command_o  (unit_err_command[0 +: 32]),
        .queue_empty_o  (queue_empty[0]),
        .posts_empty_o  (posts_empty[0]),
        .head_wait_o    (head_wait[0])
    );

    wire [`SY_VPU_N_PAIRS*64-1:0] vpu_regs;
    unit_front #(
        .N_PAIRS(`SY_VPU_N_PAIRS), .QUEUE_DEPTH(QUEUE_DEPTH), .POST_DEPTH(POST_DEPTH), .SEM_COUNT(SEMAPHORE_COUNT),
        .CHECK_CYCLES(PIPELINE_CHECK_CYCLES)
    ) u_vpu_front (
        .clk            (clk),
        .rst_n          (unit_rst_n),
        .freeze_i       (error_latched),
        .push_i         (push[1]),
        .push_funct7_i  (push_funct7),
        .push_rs1_i     (push_rs1),
        .push_rs2_i     (push_rs2),
        .full_o         (full[1]),
        .take_o         (take[1]),
        .take_sem_o     (take_sem[5 +: 5]),
        .take_ok_i      (take_ok[1]),
        .post_o         (post[1]),
        .post_sem_o     (post_sem[5 +: 5]),
        .post_command_o (post_command[32 +: 32]),
        .slot_valid_o   (slot_valid[1]),
        .slot_ready_o   (slot_ready[1]),
        .check_now_o    (check_now[1]),
        .check_error_i  (check_error[8 +: 8]),
        .start_i        (start[1]),
        .slot_funct7_o  (slot_funct7[7 +: 7]),
        .slot_tag_o     (slot_tag[32 +: 32]),
        .slot_number_o  (slot_number[32 +: 32]),
        .slot_regs_o    (vpu_regs),
        .end_i          (ended[1]),
        .ended_o        (ended_number[32 +: 32]),
        .in_flight_o    (in_flight[1]),
        .n_in_flight_o  (n_in_flight[5 +: 5]),
        .err_o          (unit_err[1]),
        .err_code_o     (unit_err_code[8 +: 8]),
        .err_command_o  (unit_err_command[32 +: 32]),
        .queue_empty_o  (queue_empty[1]),
        .posts_empty_o  (posts_empty[1]),
        .head_wait_o    (head_wait[1])
    );

    wire [`SY_LD_N_PAIRS*64-1:0] ld_regs;
    unit_front #(
        .N_PAIRS(`SY_LD_N_PAIRS), .QUEUE_DEPTH(QUEUE_DEPTH), .POST_DEPTH(POST_DEPTH), .SEM_COUNT(SEMAPHORE_COUNT),
        .CHECK_CYCLES(PIPELINE_CHECK_CYCLES)
    ) u_ld_front (
        .clk            (clk),
        .rst_n          (unit_rst_n),
        .freeze_i       (error_latched),
        .push_i         (push[2]),
        .push_funct7_i  (push_funct7),
        .push_rs1_i     (push_rs1),
        .push_rs2_i     (push_rs2),
        .full_o         (full[2]),
        .take_o         (take[2]),
        .take_sem_o     (take_sem[10 +: 5]),
        .take_ok_i      (take_ok[2]),
        .post_o         (post[2]),
        .post_sem_o     (post_sem[10 +: 5]),
        .post_command_o (post_command[64 +: 32]),
        .slot_valid_o   (slot_valid[2]),
        .slot_ready_o   (slot_ready[2]),
        .check_now_o    (check_now[2]),
        .check_error_i  (check_error[16 +: 8]),
        .start_i        (start[2]),
        .slot_funct7_o  (slot_funct7[14 +: 7]),
        .slot_tag_o     (slot_tag[64 +: 32]),
        .slot_number_o  (slot_number[64 +: 32]),
        .slot_regs_o    (ld_regs),
        .end_i          (ended[2]),
        .ended_o        (ended_number[64 +: 32]),
        .in_flight_o    (in_flight[2]),
        .n_in_flight_o  (n_in_flight[10 +: 5]),
        .err_o          (unit_err[2]),
        .err_code_o     (unit_err_code[16 +: 8]),
        .err_command_o  (unit_err_command[64 +: 32]),
        .queue_empty_o  (queue_empty[2]),
        .posts_empty_o  (posts_empty[2]),
        .head_wait_o    (head_wait[2])
    );

    wire [`SY_ST_N_PAIRS*64-1:0] st_regs;
    unit_front #(
        .N_PAIRS(`SY_ST_N_PAIRS), .QUEUE_DEPTH(QUEUE_DEPTH), .POST_DEPTH(POST_DEPTH), .SEM_COUNT(SEMAPHORE_COUNT),
        .CHECK_CYCLES(PIPELINE_CHECK_CYCLES)
    ) u_st_front (
        .clk            (clk),
        .rst_n          (unit_rst_n),
        .freeze_i       (error_latched),
        .push_i         (push[3]),
        .push_funct7_i  (push_funct7),
        .push_rs1_i     (push_rs1),
        .push_rs2_i     (push_rs2),
        .full_o         (full[3]),
        .take_o         (take[3]),
        .take_sem_o     (take_sem[15 +: 5]),
        .take_ok_i      (take_ok[3]),
        .post_o         (post[3]),
        .post_sem_o     (post_sem[15 +: 5]),
        .post_command_o (post_command[96 +: 32]),
        .slot_valid_o   (slot_valid[3]),
        .slot_ready_o   (slot_ready[3]),
        .check_now_o    (check_now[3]),
        .check_error_i  (check_error[24 +: 8]),
        .start_i        (start[3]),
        .slot_funct7_o  (slot_funct7[21 +: 7]),
        .slot_tag_o     (slot_tag[96 +: 32]),
        .slot_number_o  (slot_number[96 +: 32]),
        .slot_regs_o    (st_regs),
        .end_i          (ended[3]),
        .ended_o        (ended_number[96 +: 32]),
        .in_flight_o    (in_flight[3]),
        .n_in_flight_o  (n_in_flight[15 +: 5]),
        .err_o          (unit_err[3]),
        .err_code_o     (unit_err_code[24 +: 8]),
        .err_command_o  (unit_err_command[96 +: 32]),
        .queue_empty_o  (queue_empty[3]),
        .posts_empty_o  (posts_empty[3]),
        .head_wait_o    (head_wait[3])
    );


    // ------------------------------------------------------------------ banks and starts
    wire [4*N_BANKS-1:0] need, held;
    wire [3:0]           could = slot_ready & own_ok & {4{!error_latched && active}};
    bank_arbiter #(.N(N_BANKS)) u_banks (
        .ready_i (could & own_bank_ok),
        .need_i  (need),
        .held_i  (held),
        .start_o (start)
    );
    assign own_bank_ok[3:2] = 2'b11;

    // ------------------------------------------------------------------ units
    wire [4:0]         spm_re;
    wire [5*W_SPM-1:0] spm_raddr;
    wire [5*D*W_EL-1:0] spm_rdata;
    wire [1:0]         spm_vpu_we;
    wire [N_WORDS-1:0] spm_ld_we;
    wire [3*W_SPM-1:0] spm_waddr;
    wire [3*D*W_EL-1:0] spm_wdata;
    wire [3:0]         acc_re, acc_we;
    wire [4*W_ACC-1:0] acc_raddr, acc_waddr;
    wire [4*D*32-1:0]  acc_rdata, acc_wdata;
    wire [3:0]         busy;
    wire               mxu_load;
    mxu #(
        .D(D), .ELEMENT(ARRAY_ELEMENT), .W_EL(W_EL), .SPM_BANKS(SPM_BANKS), .SPM_ROWS(SPM_ROWS), .W_SPM(W_SPM),
        .ACC_BANKS(ACC_BANKS), .ACC_ROWS(ACC_ROWS), .W_ACC(W_ACC)
    ) u_mxu (
        .clk           (clk),
        .rst_n         (unit_rst_n),
        .regs_i        (mxu_regs),
        .funct7_i      (slot_funct7[0 +: 7]),
        .check_now_i   (check_now[0]),
        .check_error_o (check_error[0 +: 8]),
        .start_i       (start[0]),
        .own_ok_o      (own_ok[0]),
        .own_bank_ok_o (own_bank_ok[0]),
        .end_o         (ended[0]),
        .need_o        (need[0 +: N_BANKS]),
        .held_o        (held[0 +: N_BANKS]),
        .busy_o        (busy[0]),
        .load_o        (mxu_load),
        .a_re_o        (spm_re[0]),
        .a_row_o       (spm_raddr[0 +: W_SPM]),
        .a_data_i      (spm_rdata[0 +: D*W_EL]),
        .w_re_o        (spm_re[1]),
        .w_row_o       (spm_raddr[W_SPM +: W_SPM]),
        .w_data_i      (spm_rdata[D*W_EL +: D*W_EL]),
        .c_re_o        (acc_re[0]),
        .c_rrow_o      (acc_raddr[0 +: W_ACC]),
        .c_rdata_i     (acc_rdata[0 +: D*32]),
        .c_we_o        (acc_we[0]),
        .c_wrow_o      (acc_waddr[0 +: W_ACC]),
        .c_wdata_o     (acc_wdata[0 +: D*32])
    );
    vpu #(
        .D(D), .W_EL(W_EL), .STAGES(PIPELINE_VPU_STAGES), .N(PIPELINE_COMMANDS), .SPM_BANKS(SPM_BANKS), .SPM_ROWS(SPM_ROWS), .W_SPM(W_SPM),
        .ACC_BANKS(ACC_BANKS), .ACC_ROWS(ACC_ROWS), .W_ACC(W_ACC), .W_ROW(W_ROW)
    ) u_vpu (
        .clk           (clk),
        .rst_n         (unit_rst_n),
        .regs_i        (vpu_regs),
        .funct7_i      (slot_funct7[7 +: 7]),
        .check_now_i   (check_now[1]),
        .check_error_o (check_error[8 +: 8]),
        .start_i       (start[1]),
        .n_in_flight_i (n_in_flight[5 +: 5]),
        .own_ok_o      (own_ok[1]),
        .own_bank_ok_o (own_bank_ok[1]),
        .end_o         (ended[1]),
        .need_o        (need[N_BANKS +: N_BANKS]),
        .held_o        (held[N_BANKS +: N_BANKS]),
        .busy_o        (busy[1]),
        .spm_re_o      (spm_re[3:2]),
        .spm_rrow_o    (spm_raddr[2*W_SPM +: 2*W_SPM]),
        .spm_rdata_i   (spm_rdata[2*D*W_EL +: 2*D*W_EL]),
        .acc_re_o      (acc_re[2:1]),
        .acc_rrow_o    (acc_raddr[W_ACC +: 2*W_ACC]),
        .acc_rdata_i   (acc_rdata[D*32 +: 2*D*32]),
        .spm_we_o      (spm_vpu_we),
        .spm_wrow_o    (spm_waddr[0 +: 2*W_SPM]),
        .spm_wdata_o   (spm_wdata[0 +: 2*D*W_EL]),
        .acc_we_o      (acc_we[2:1]),
        .acc_wrow_o    (acc_waddr[W_ACC +: 2*W_ACC]),
        .acc_wdata_o   (acc_wdata[D*32 +: 2*D*32])
    );
    wire             ld_spm_we, ld_acc_we, st_spm_re, st_acc_re;
    wire [W_SPM-1:0] ld_spm_row, st_spm_row;
    wire [W_ACC-1:0] ld_acc_row, st_acc_row;
    wire [D*W_EL-1:0] ld_spm_data;
    wire [D*32-1:0]  ld_acc_data;
    ld #(
        .D(D), .W_EL(W_EL), .N(PIPELINE_COMMANDS), .BEAT_BYTES(BEAT), .BURST_BYTES(DRAM_MAX_BURST_BYTES), .OUTSTANDING(DRAM_OUTSTANDING),
        .N_BEATS(DMA_LOAD_BEATS), .DRAM_MIB(DRAM_SIZE_MIB), .SPM_BANKS(SPM_BANKS), .SPM_ROWS(SPM_ROWS), .W_SPM(W_SPM),
        .ACC_BANKS(ACC_BANKS), .ACC_ROWS(ACC_ROWS), .W_ACC(W_ACC), .W_ROW(W_ROW)
    ) u_ld (
        .clk           (clk),
        .rst_n         (unit_rst_n),
        .regs_i        (ld_regs),
        .check_now_i   (check_now[2]),
        .check_error_o (check_error[16 +: 8]),
        .start_i       (start[2]),
        .n_in_flight_i (n_in_flight[10 +: 5]),
        .own_ok_o      (own_ok[2]),
        .end_o         (ended[2]),
        .need_o        (need[2*N_BANKS +: N_BANKS]),
        .held_o        (held[2*N_BANKS +: N_BANKS]),
        .busy_o        (busy[2]),
        .beat_o        (ld_beat),
        .quiet_o       (ld_quiet),
        .axi_err_o     (axi_err[2]),
        .arvalid_o     (m_arvalid_o),
        .arready_i     (m_arready_i),
        .araddr_o      (m_araddr_o),
        .arlen_o       (m_arlen_o),
        .rvalid_i      (m_rvalid_i),
        .rready_o      (m_rready_o),
        .rdata_i       (m_rdata_i),
        .rresp_i       (m_rresp_i),
        .rlast_i       (m_rlast_i),
        .spm_we_o      (ld_spm_we),
        .spm_row_o     (ld_spm_row),
        .spm_data_o    (ld_spm_data),
        .acc_we_o      (ld_acc_we),
        .acc_row_o     (ld_acc_row),
        .acc_data_o    (ld_acc_data)
    );
    st #(
        .D(D), .W_EL(W_EL), .N(PIPELINE_COMMANDS), .BEAT_BYTES(BEAT), .BURST_BYTES(DRAM_MAX_BURST_BYTES), .OUTSTANDING(DRAM_OUTSTANDING),
        .N_BEATS(DMA_STORE_BEATS), .DRAM_MIB(DRAM_SIZE_MIB), .SPM_BANKS(SPM_BANKS), .SPM_ROWS(SPM_ROWS), .W_SPM(W_SPM),
        .ACC_BANKS(ACC_BANKS), .ACC_ROWS(ACC_ROWS), .W_ACC(W_ACC), .W_ROW(W_ROW)
    ) u_st (
        .clk           (clk),
        .rst_n         (unit_rst_n),
        .regs_i        (st_regs),
        .check_now_i   (check_now[3]),
        .check_error_o (check_error[24 +: 8]),
        .start_i       (start[3]),
        .n_in_flight_i (n_in_flight[15 +: 5]),
        .own_ok_o      (own_ok[3]),
        .end_o         (ended[3]),
        .need_o        (need[3*N_BANKS +: N_BANKS]),
        .held_o        (held[3*N_BANKS +: N_BANKS]),
        .busy_o        (busy[3]),
        .beat_o        (st_beat),
        .quiet_o       (st_quiet),
        .axi_err_o     (axi_err[3]),
        .spm_re_o      (st_spm_re),
        .spm_row_o     (st_spm_row),
        .spm_data_i    (spm_rdata[4*D*W_EL +: D*W_EL]),
        .acc_re_o      (st_acc_re),
        .acc_row_o     (st_acc_row),
        .acc_data_i    (acc_rdata[3*D*32 +: D*32]),
        .awvalid_o     (m_awvalid_o),
        .awready_i     (m_awready_i),
        .awaddr_o      (m_awaddr_o),
        .awlen_o       (m_awlen_o),
        .wvalid_o      (m_wvalid_o),
        .wready_i      (m_wready_i),
        .wdata_o       (m_wdata_o),
        .wstrb_o       (m_wstrb_o),
        .wlast_o       (m_wlast_o),
        .bvalid_i      (m_bvalid_i),
        .bready_o      (m_bready_o),
        .bresp_i       (m_bresp_i)
    );
    assign m_arsize_o  = SIZE32[2:0];
    assign m_awsize_o  = SIZE32[2:0];
    assign m_arburst_o = 2'b01;
    assign m_awburst_o = 2'b01;

    // ------------------------------------------------------------------ memories; the host has the ports of ST and LD while nothing runs
    localparam LOG_ROW = $clog2(4 * N_WORDS);
    localparam LOG_D = $clog2(D);
    wire [W_SPM-1:0]  host_spm_row = host_addr[LOG_ROW +: W_SPM];
    wire [W_ACC-1:0]  host_acc_row = host_addr[LOG_D+2 +: W_ACC];
    wire [31:0]       host_word    = (host_addr >> 2) & (N_WORDS - 1);    // of an SPM row
    wire [31:0]       host_lane    = (host_addr >> 2) & (D - 1);        // of an ACC row
    wire [N_WORDS:0]  host_spm_we  = {{N_WORDS{1'b0}}, host_we && host_spm} << host_word[7:0];
    assign spm_re[4]               = host_active ? host_re && host_spm : st_spm_re;
    assign spm_raddr[4*W_SPM +: W_SPM] = host_active ? host_spm_row : st_spm_row;
    assign spm_ld_we               = host_active ? host_spm_we[N_WORDS-1:0] : {N_WORDS{ld_spm_we}};
    assign spm_waddr[2*W_SPM +: W_SPM] = host_active ? host_spm_row : ld_spm_row;
    assign spm_wdata[2*D*W_EL +: D*W_EL] = host_active ? {N_WORDS{host_wdata}} : ld_spm_data;
    assign acc_re[3]               = host_active ? host_re && host_acc : st_acc_re;
    assign acc_raddr[3*W_ACC +: W_ACC] = host_active ? host_acc_row : st_acc_row;
    assign acc_we[3]               = host_active ? host_we && host_acc : ld_acc_we;
    assign acc_waddr[3*W_ACC +: W_ACC] = host_active ? host_acc_row : ld_acc_row;
    assign acc_wdata[3*D*32 +: D*32] = host_active ? {D{host_wdata}} : ld_acc_data;
    wire [D-1:0]      host_lane_mask = {{(D-1){1'b0}}, 1'b1} << host_lane[7:0];
    spm #(.N_WORDS(N_WORDS), .N_BANKS(SPM_BANKS), .N_ROWS(SPM_ROWS), .W_ROW(W_SPM)) u_spm (
        .clk      (clk),
        .re_i     (spm_re),
        .raddr_i  (spm_raddr),
        .rdata_o  (spm_rdata),
        .vpu_we_i (spm_vpu_we),
        .ld_we_i  (spm_ld_we),
        .waddr_i  (spm_waddr),
        .wdata_i  (spm_wdata)
    );
    acc #(.D(D), .N_BANKS(ACC_BANKS), .N_ROWS(ACC_ROWS), .W_ROW(W_ACC)) u_acc (
        .clk       (clk),
        .rst_n     (unit_rst_n),
        .re_i      (acc_re),
        .raddr_i   (acc_raddr),
        .rdata_o   (acc_rdata),
        .we_i      (acc_we),
        .waddr_i   (acc_waddr),
        .ld_mask_i (host_active ? host_lane_mask : {D{1'b1}}),
        .wdata_i   (acc_wdata)
    );
    always @* begin
        host_rdata = 32'd0;
        if (host_active) begin
            case (host_select)
                2'd0:    host_rdata = imem_rdata;
                2'd1:    host_rdata = dmem_rdata;
                2'd2:    host_rdata = spm_rdata[4*D*W_EL + host_word*32 +: 32];
                default: host_rdata = acc_rdata[3*D*32 + host_lane*32 +: 32];
            endcase
        end
    end

    // ------------------------------------------------------------------ counters
    wire [3:0]   other_beat = {ld_beat, st_beat, 2'b00};
    wire [255:0] counters;
    wire [5:0]   counter_sel = running ? core_counter : host_counter;
    genvar u;
    generate
        for (u = 0; u < 4; u = u + 1) begin : g_counters
            unit_counters u_counters (
                .clk        (clk),
                .rst_n      (unit_rst_n),
                .run_i      (run),
                .busy_i     (busy[u]),
                .load_i     (u == 0 && mxu_load),
                .dram_bw_i  (u >= 2 && in_flight[u] && other_beat[u]),
                .dram_lat_i (u >= 2 && in_flight[u]),
                .bank_i     (could[u] && !start[u]),
                .sem_i      (head_wait[u] && !(take[u] && take_ok[u])),
                .drain_i    (u < 2 && in_flight[u]),
                .decode_i   (slot_valid[u] || !queue_empty[u]),
                .halted_i   (core_halted || core_stopped),
                .sel_i      (counter_sel[3:0]),
                .value_o    (counters[u*64 +: 64])
            );
        end
    endgenerate
    assign counter = counters[counter_sel[5:4]*64 +: 64];

    // ------------------------------------------------------------------ observation
    assign o_reset_o        = !unit_rst_n;
    assign o_running_o      = running;
    assign o_run_o          = run;
    assign o_cycle_o        = cycle;
    assign o_start_o        = start;
    assign o_start_number_o = slot_number;
    assign o_start_tag_o    = slot_tag;
    assign o_start_funct7_o = slot_funct7;
    assign o_end_o          = ended & {4{run}};
    assign o_end_number_o   = ended_number;
    wire unused = &{1'b0, sem_zero[4], host_addr, host_word, host_lane, host_spm_we[N_WORDS], n_in_flight[4:0]};
endmodule
`default_nettype wire
