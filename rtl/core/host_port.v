// host_port.v -- the AXI4-Lite slave of isa/host.def: START, status, counters, and the memories word by word.
//
// Function : one access at a time. MEM_DATA reads and writes the selected memory at MEM_ADDR while nothing runs (else it reads 0 and
//            writes are lost); SPM and ACC are reached through the ports of ST and LD.
// Latency  : a register access answers in the next cycle. A memory access waits MEM_CYCLES, so that the lanes of the last rows of a
//            run have passed, is made, and answers MEM_CYCLES later; mem_active_o covers its second half.
// Protocol : AXI4-Lite; write address and data are taken together; WSTRB is ignored (registers are words); all answers OKAY.
// Reset    : registers 0.
// C twin   : none.   Tests: tests/rtl/machine.c.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
`include "isa.vh"
module host_port #(
    parameter MEM_CYCLES  = 8,
    parameter [63:0] CONFIG_HASH = 64'd0
) (
    input  wire        clk,
    input  wire        rst_n,
    // AXI4-Lite
    input  wire        awvalid_i,
    output wire        awready_o,
    input  wire [11:0] awaddr_i,
    input  wire        wvalid_i,
    output wire        wready_o,
    input  wire [31:0] wdata_i,
    output wire        bvalid_o,
    input  wire        bready_i,
    output wire [1:0]  bresp_o,
    input  wire        arvalid_i,
    output wire        arready_o,
    input  wire [11:0] araddr_i,
    output wire        rvalid_o,
    input  wire        rready_i,
    output wire [31:0] rdata_o,
    output wire [1:0]  rresp_o,
    // machine
    output wire        start_o,
    output wire [31:0] entry_o,
    output wire        core_unified_o,
    output wire [31:0] core_base_o,
    output wire        core_watch_o,
    output wire [31:0] core_watch_address_o,
    input  wire        running_i,
    input  wire        done_i,
    input  wire        deadlock_i,
    input  wire [7:0]  error_code_i,
    input  wire [7:0]  error_unit_i,
    input  wire [31:0] error_command_i,
    input  wire [31:0] exit_code_i,
    input  wire [63:0] cycle_i,
    output wire [5:0]  counter_sel_o,
    input  wire [63:0] counter_i,
    // memories: an access is issued for one cycle; read data is taken MEM_CYCLES later
    output wire [1:0]  mem_select_o,
    output wire [31:0] mem_addr_o,
    output wire        mem_active_o,
    output wire        mem_re_o,
    output wire        mem_we_o,
    output wire [31:0] mem_wdata_o,
    input  wire [31:0] mem_rdata_i
);
    localparam [31:0] WAIT32 = MEM_CYCLES;
    localparam [31:0] LAST32 = 2 * MEM_CYCLES;
    localparam IDLE = 2'd0, MEMORY = 2'd1, ANSWER_W = 2'd2, ANSWER_R = 2'd3;

    reg [1:0]  state_q;
    reg [8:0]  wait_q;
    reg        is_write_q;
    reg [31:0] rdata_q, wdata_q;
    reg [29:0] entry_q, core_base_q, core_watch_q;
    reg [1:0]  core_map_q;
    reg [1:0]  mem_select_q;
    reg [31:0] mem_addr_q;
    reg        start_q, mem_re_q, mem_we_q, mem_active_q;

    wire take_w = state_q == IDLE && awvalid_i && wvalid_i;
    wire take_r = state_q == IDLE && arvalid_i && !take_w;
    assign awready_o = take_w;
    assign wready_o  = take_w;
    assign arready_o = take_r;
    assign bvalid_o  = state_q == ANSWER_W;
    assign rvalid_o  = state_q == ANSWER_R;
    assign bresp_o   = 2'd0;
    assign rresp_o   = 2'd0;
    assign rdata_o   = rdata_q;

    reg [31:0] value;
    always @* begin
        value = 32'd0;
        if (take_r) begin
            case ({araddr_i[11:2], 2'b00})
                `SY_HOST_ID:             value = `SY_HOST_ID_VALUE;
                `SY_HOST_STATUS:         value = {28'd0, deadlock_i, error_code_i != 8'd0, done_i, running_i};
                `SY_HOST_ENTRY:          value = {entry_q, 2'b00};
                `SY_HOST_EXIT_CODE:      value = exit_code_i;
                `SY_HOST_ERROR:          value = {16'd0, error_unit_i, error_code_i};
                `SY_HOST_ERROR_COMMAND:  value = error_command_i;
                `SY_HOST_CYCLES:         value = cycle_i[31:0];
                `SY_HOST_CYCLES_HIGH:    value = cycle_i[63:32];
                `SY_HOST_CONFIG_HASH:    value = CONFIG_HASH[31:0];
                `SY_HOST_CONFIG_HASH_HI: value = CONFIG_HASH[63:32];
                `SY_HOST_ISA_HASH:       value = ISA_HASH[31:0];
                `SY_HOST_ISA_HASH_HI:    value = ISA_HASH[63:32];
                `SY_HOST_MEM_SELECT:     value = {30'd0, mem_select_q};
                `SY_HOST_MEM_ADDR:       value = mem_addr_q;
                `SY_HOST_CORE_MAP:       value = {30'd0, core_map_q};
                `SY_HOST_CORE_BASE:      value = {core_base_q, 2'b00};
                `SY_HOST_CORE_WATCH:     value = {core_watch_q, 2'b00};
                default:                 value = araddr_i[11:9] == 3'b010 ?
                                                 (araddr_i[2] ? counter_i[63:32] : counter_i[31:0]) : 32'd0;
            endcase
        end
    end
    localparam [63:0] ISA_HASH = `SY_ISA_HASH;
    assign counter_sel_o = araddr_i[8:3];

    wire mem_now    = state_q == MEMORY && wait_q == WAIT32[8:0];
    wire mem_access = (take_w && {awaddr_i[11:2], 2'b00} == `SY_HOST_MEM_DATA) ||
                      (take_r && {araddr_i[11:2], 2'b00} == `SY_HOST_MEM_DATA);
    always @(posedge clk or negedge rst_n) begin
        if (!rst_n) begin
            state_q      <= IDLE;
            wait_q       <= 9'd0;
            is_write_q   <= 1'b0;
            entry_q      <= 30'd0;
            core_map_q   <= 2'd0;
            core_base_q  <= 30'd0;
            core_watch_q <= 30'd0;
            mem_select_q <= 2'd0;
            mem_addr_q   <= 32'd0;
            start_q      <= 1'b0;
            mem_re_q     <= 1'b0;
            mem_we_q     <= 1'b0;
            mem_active_q <= 1'b0;
        end else begin
            start_q  <= take_w && {awaddr_i[11:2], 2'b00} == `SY_HOST_CTRL && wdata_i[`SY_HOST_CTRL_START_BITS];
            mem_re_q <= mem_now && !is_write_q && !running_i;
            mem_we_q <= mem_now && is_write_q && !running_i;
            if (mem_now) begin
                mem_active_q <= !running_i;
            end else if (state_q != MEMORY) begin
                mem_active_q <= 1'b0;
            end
            case (state_q)
                IDLE: begin
                    wait_q     <= 9'd0;
                    is_write_q <= take_w;
                    if (mem_access) begin
                        state_q <= MEMORY;
                    end else if (take_w) begin
                        state_q <= ANSWER_W;
                        case ({awaddr_i[11:2], 2'b00})
                            `SY_HOST_ENTRY:      entry_q      <= wdata_i[31:2];
                            `SY_HOST_MEM_SELECT: mem_select_q <= wdata_i[1:0];
                            `SY_HOST_MEM_ADDR:   mem_addr_q   <= {wdata_i[31:2], 2'b00};
                            `SY_HOST_CORE_MAP:   core_map_q   <= wdata_i[1:0];
                            `SY_HOST_CORE_BASE:  core_base_q  <= wdata_i[31:2];
                            `SY_HOST_CORE_WATCH: core_watch_q <= wdata_i[31:2];
                            default: ;
                        endcase
                    end else if (take_r) begin
                        state_q <= ANSWER_R;
                    end
                end
                MEMORY: begin
                    wait_q <= wait_q + 9'd1;
                    if (wait_q == LAST32[8:0]) begin
                        state_q    <= is_write_q ? ANSWER_W : ANSWER_R;
                        mem_addr_q <= mem_addr_q + 32'd4;
                    end
                end
                ANSWER_W: begin
                    if (bready_i) begin
                        state_q <= IDLE;
                    end
                end
                default: begin
                    if (rready_i) begin
                        state_q <= IDLE;
                    end
                end
            endcase
        end
    end
    always @(posedge clk) begin
        if (take_w) begin
            wdata_q <= wdata_i;
        end
        if (take_r) begin
            rdata_q <= value;
        end else if (state_q == MEMORY) begin
            rdata_q <= mem_active_q ? mem_rdata_i : 32'd0;
        end
    end

    assign start_o      = start_q;
    assign entry_o      = {entry_q, 2'b00};
    assign core_unified_o       = core_map_q[`SY_HOST_CORE_MAP_UNIFIED_BITS];
    assign core_base_o          = {core_base_q, 2'b00};
    assign core_watch_o         = core_map_q[`SY_HOST_CORE_MAP_WATCH_BITS];
    assign core_watch_address_o = {core_watch_q, 2'b00};
    assign mem_select_o = mem_select_q;
    assign mem_addr_o   = mem_addr_q;
    assign mem_active_o = mem_active_q;
    assign mem_re_o     = mem_re_q;
    assign mem_we_o     = mem_we_q;
    assign mem_wdata_o  = wdata_q;
    wire unused = &{1'b0, awaddr_i[1:0], araddr_i[1:0]};
endmodule
`default_nettype wire
