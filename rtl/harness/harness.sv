// harness.sv -- the test bench of one configuration: clock, host, DRAM on AXI4, and the way to C (harness.c, over DPI).
//
// Function : takes a request from the program that owns this process, puts the memories in, runs it, reports
//            every command and retired instruction, then results and memories. DRAM answers in the cycles that the simulator's
//            DRAM model says (simulator/dram.c).
// Memories : put in and taken out by the back door, bank by bank, or word by word through the host port if the request says so.
//
// SPDX-License-Identifier: Apache-2.0
`include "isa.vh"
`include "systole_params.vh"
`include "axi_rules.vh"
/* verilator lint_off BLKANDNBLK */
/* verilator lint_off WIDTH */
module harness;
    localparam int D        = `SYP_ARRAY_DIM;
    localparam int N_WORDS  = `SYP_ARRAY_ELEMENT != 0 ? D / 2 : D / 4;     // of an SPM row
    localparam int SPM_ROWS = `SYP_SPM_BANK_BYTES / (4 * N_WORDS);         // of a bank
    localparam int ACC_ROWS = `SYP_ACC_BANK_BYTES / (4 * D);
    localparam int BEAT     = `SYP_DRAM_BYTES_PER_CYCLE;

    // memories as the back door names them
    localparam int MEM_IMEM = 0, MEM_DMEM = 1, MEM_SPM = 2, MEM_ACC = 3;

    import "DPI-C" context function int sy_rtl_request(output int entry, output longint max_cycles, output int trace, output int core_map,
                                                         output int core_base, output int core_watch);
    import "DPI-C" context function int sy_rtl_dirty(input int mem);
    import "DPI-C" context function int sy_rtl_get_word(input int mem, input int word);
    import "DPI-C" context function void sy_rtl_put_word(input int mem, input int word, input int value);
    import "DPI-C" context function void sy_rtl_get_row(input int mem, input int row, input int n_words, output bit [N_WORDS*32-1:0] value);
    import "DPI-C" context function void sy_rtl_put_row(input int mem, input int row, input int n_words, input bit [N_WORDS*32-1:0] value);
    import "DPI-C" context function void sy_rtl_start();
    import "DPI-C" context function void sy_rtl_command_start(input int unit, input int funct7, input int number, input int tag,
                                                              input longint cycle);
    import "DPI-C" context function void sy_rtl_command_end(input int unit, input int number, input longint cycle);
    import "DPI-C" context function void sy_rtl_heartbeat();
    import "DPI-C" context function void sy_rtl_retire(input int pc, input longint cycle);
    import "DPI-C" context function void sy_rtl_queue(input int unit, input int fires, input int funct7, input int value,
                                                      input longint cycle);
    import "DPI-C" context function void sy_rtl_read(input longint cycle, input longint addr, input int n_beats);
    import "DPI-C" context function void sy_rtl_write(input longint cycle, input longint addr, input int n_beats);
    import "DPI-C" context function void sy_rtl_write_beat(input longint cycle, input bit [BEAT*8-1:0] data,
                                                           input bit [BEAT-1:0] strobe, input bit last);
    // what the bus does in that cycle: bit 0 a read beat, 1 the last of its burst, 2 a write beat, 3 an answer, 4 more to come,
    // 5 and 6 RRESP, 7 and 8 BRESP
    import "DPI-C" context function int sy_rtl_bus(input longint cycle, output bit [BEAT*8-1:0] data);
    import "DPI-C" context function int sy_rtl_ready(input int is_write);
    import "DPI-C" context function void sy_rtl_violation(input int rule, input string text, input string channel, input longint cycle);
    import "DPI-C" context function void sy_rtl_counter(input int unit, input int cause, input longint value);
    import "DPI-C" context function void sy_rtl_result(input int status, input int error, input int error_command, input int exit_code,
                                                       input longint cycles, input longint retired);
    import "DPI-C" context function void sy_rtl_queued(input int unit, input int funct7, input int rs1);
    import "DPI-C" context function void sy_rtl_semaphore(input int number, input int value);
    import "DPI-C" context function void sy_rtl_core_state(input int halted, input int pc, input int word, input int rs1);
    import "DPI-C" context function void sy_rtl_core_register(input int number, input int value);
    import "DPI-C" context function void sy_rtl_core_csrs(input int mstatus, input int mtvec, input int mscratch, input int mepc,
                                                          input int mcause, input int mtval);

    import "DPI-C" context function void sy_rtl_done();
`ifdef SY_WAVE
    import "DPI-C" context function void sy_rtl_wave(input longint cycle);
`endif

    // ------------------------------------------------------------------ clock and device
    bit clk = 0;
    bit rst_n = 0;
    always #1 clk = !clk;
    bit over = 0;      // the run is over,
    bit limited = 0;   // because of its limit

    logic        awvalid = 0, wvalid = 0, arvalid = 0, bready = 0, rready = 0, awready, wready, bvalid, arready, rvalid;
    logic [11:0] awaddr = 0, araddr = 0;
    logic [31:0] wdata = 0, rdata;
    logic        m_arvalid, m_awvalid, m_wvalid, m_wlast, m_rready, m_bready;
    logic        m_rvalid = 0, m_rlast = 0, m_wready = 0, m_bvalid = 0, m_arready = 1, m_awready = 1;
    logic [1:0]  m_rresp = 0, m_bresp = 0, bresp, rresp, m_arburst, m_awburst;
    logic [2:0]  m_arsize, m_awsize;
    logic [39:0] m_araddr, m_awaddr;
    logic [7:0]  m_arlen, m_awlen;
    logic [BEAT*8-1:0] m_wdata;
    bit   [BEAT*8-1:0] m_rdata;
    logic [BEAT-1:0]   m_wstrb;
    logic        o_reset, o_running, o_run, o_retire;
    logic [63:0] o_cycle, o_retired;
    logic [3:0]  o_start, o_end;
    logic [127:0] o_start_number, o_start_tag, o_end_number;
    logic [27:0] o_start_funct7;
    logic [31:0] o_retire_pc;
    systole #(
        .ARRAY_DIM             (`SYP_ARRAY_DIM),
        .ARRAY_ELEMENT         (`SYP_ARRAY_ELEMENT),
        .SPM_BANKS             (`SYP_SPM_BANKS),
        .SPM_BANK_BYTES        (`SYP_SPM_BANK_BYTES),
        .ACC_BANKS             (`SYP_ACC_BANKS),
        .ACC_BANK_BYTES        (`SYP_ACC_BANK_BYTES),
        .QUEUE_DEPTH           (`SYP_QUEUE_DEPTH),
        .SEMAPHORE_COUNT       (`SYP_SEMAPHORE_COUNT),
        .SEMAPHORE_BITS        (`SYP_SEMAPHORE_BITS),
        .POST_DEPTH            (`SYP_POST_DEPTH),
        .CORE_IMEM_BYTES       (`SYP_CORE_IMEM_BYTES),
        .CORE_DMEM_BYTES       (`SYP_CORE_DMEM_BYTES),
        .DRAM_BYTES_PER_CYCLE  (`SYP_DRAM_BYTES_PER_CYCLE),
        .DRAM_OUTSTANDING      (`SYP_DRAM_OUTSTANDING),
        .DRAM_MAX_BURST_BYTES  (`SYP_DRAM_MAX_BURST_BYTES),
        .DRAM_SIZE_MIB         (`SYP_DRAM_SIZE_MIB),
        .DMA_LOAD_BEATS        (`SYP_DMA_LOAD_BEATS),
        .DMA_STORE_BEATS       (`SYP_DMA_STORE_BEATS),
        .PIPELINE_CHECK_CYCLES (`SYP_PIPELINE_CHECK_CYCLES),
        .PIPELINE_VPU_STAGES   (`SYP_PIPELINE_VPU_STAGES),
        .PIPELINE_COMMANDS     (`SYP_PIPELINE_COMMANDS),
        .CONFIG_HASH           (`SYP_CONFIG_HASH)
    ) dut (
        .clk              (clk),
        .rst_n            (rst_n),
        .s_awvalid_i      (awvalid),
        .s_awready_o      (awready),
        .s_awaddr_i       (awaddr),
        .s_wvalid_i       (wvalid),
        .s_wready_o       (wready),
        .s_wdata_i        (wdata),
        .s_bvalid_o       (bvalid),
        .s_bready_i       (bready),
        .s_bresp_o        (bresp),
        .s_arvalid_i      (arvalid),
        .s_arready_o      (arready),
        .s_araddr_i       (araddr),
        .s_rvalid_o       (rvalid),
        .s_rready_i       (rready),
        .s_rdata_o        (rdata),
        .s_rresp_o        (rresp),
        .m_arvalid_o      (m_arvalid),
        .m_arready_i      (m_arready),
        .m_araddr_o       (m_araddr),
        .m_arlen_o        (m_arlen),
        .m_arsize_o       (m_arsize),
        .m_arburst_o      (m_arburst),
        .m_rvalid_i       (m_rvalid),
        .m_rready_o       (m_rready),
        .m_rdata_i        (m_rdata),
        .m_rresp_i        (m_rresp),
        .m_rlast_i        (m_rlast),
        .m_awvalid_o      (m_awvalid),
        .m_awready_i      (m_awready),
        .m_awaddr_o       (m_awaddr),
        .m_awlen_o        (m_awlen),
        .m_awsize_o       (m_awsize),
        .m_awburst_o      (m_awburst),
        .m_wvalid_o       (m_wvalid),
        .m_wready_i       (m_wready),
        .m_wdata_o        (m_wdata),
        .m_wstrb_o        (m_wstrb),
        .m_wlast_o        (m_wlast),
        .m_bvalid_i       (m_bvalid),
        .m_bready_o       (m_bready),
        .m_bresp_i        (m_bresp),
        .o_reset_o        (o_reset),
        .o_running_o      (o_running),
        .o_run_o          (o_run),
        .o_cycle_o        (o_cycle),
        .o_start_o        (o_start),
        .o_start_number_o (o_start_number),
        .o_start_tag_o    (o_start_tag),
        .o_start_funct7_o (o_start_funct7),
        .o_end_o          (o_end),
        .o_end_number_o   (o_end_number),
        .o_retire_o       (o_retire),
        .o_retire_pc_o    (o_retire_pc),
        .o_retired_o      (o_retired)
    );

    // ------------------------------------------------------------------ the rules of both buses
    logic       m_broken, s_broken;
    logic [4:0] m_rule, s_rule;
    logic [2:0] m_channel, s_channel;
    axi_check #(.W_ADDR(40), .BEAT_BYTES(BEAT)) u_axi_check (
        .clk         (clk),
        .rst_n       (rst_n),
        .enable_i    (!(over && limited)),   // DRAM is dead after the limit of a run
        .arvalid_i   (m_arvalid),
        .arready_i   (m_arready),
        .araddr_i    (m_araddr),
        .arlen_i     (m_arlen),
        .arsize_i    (m_arsize),
        .arburst_i   (m_arburst),
        .rvalid_i    (m_rvalid),
        .rready_i    (m_rready),
        .rdata_i     (m_rdata),
        .rresp_i     (m_rresp),
        .rlast_i     (m_rlast),
        .awvalid_i   (m_awvalid),
        .awready_i   (m_awready),
        .awaddr_i    (m_awaddr),
        .awlen_i     (m_awlen),
        .awsize_i    (m_awsize),
        .awburst_i   (m_awburst),
        .wvalid_i    (m_wvalid),
        .wready_i    (m_wready),
        .wdata_i     (m_wdata),
        .wstrb_i     (m_wstrb),
        .wlast_i     (m_wlast),
        .bvalid_i    (m_bvalid),
        .bready_i    (m_bready),
        .bresp_i     (m_bresp),
        .violation_o (m_broken),
        .rule_o      (m_rule),
        .channel_o   (m_channel)
    );
    axi_lite_check #(.W_ADDR(12)) u_axi_lite_check (
        .clk         (clk),
        .rst_n       (rst_n),
        .arvalid_i   (arvalid),
        .arready_i   (arready),
        .araddr_i    (araddr),
        .rvalid_i    (rvalid),
        .rready_i    (rready),
        .rdata_i     (rdata),
        .rresp_i     (rresp),
        .awvalid_i   (awvalid),
        .awready_i   (awready),
        .awaddr_i    (awaddr),
        .wvalid_i    (wvalid),
        .wready_i    (wready),
        .wdata_i     (wdata),
        .bvalid_i    (bvalid),
        .bready_i    (bready),
        .bresp_i     (bresp),
        .violation_o (s_broken),
        .rule_o      (s_rule),
        .channel_o   (s_channel)
    );
    function automatic string rule_text(input logic [4:0] rule);
        case (rule)
            `AXI_VALID_DROPPED:   return "VALID fell before READY";
            `AXI_PAYLOAD_CHANGED: return "the payload changed before READY";
            `AXI_VALID_IN_RESET:  return "VALID is not low in reset";
            `AXI_UNKNOWN:         return "a signal is unknown";
            `AXI_CROSSES_4K:      return "the burst crosses 4 KiB";
            `AXI_SIZE:            return "the size is beyond the bus";
            `AXI_BURST_TYPE:      return "no such burst type";
            `AXI_BURST_LENGTH:    return "the length is not legal for the burst type";
            `AXI_W_WITHOUT_AW:    return "write data without an address";
            `AXI_WLAST:           return "WLAST is not at the last beat";
            `AXI_WSTRB:           return "a strobe outside the burst's bytes";
            `AXI_R_WITHOUT_AR:    return "read data without an address";
            `AXI_RLAST:           return "RLAST is not at the last beat";
            `AXI_B_EARLY:         return "an answer before the last write beat";
            `AXI_EXOKAY:          return "EXOKAY to a plain access";
            `AXI_TOO_MANY:        return "more bursts under way than the checker has room for";
            default:              return "?";
        endcase
    endfunction
    function automatic string channel_text(input bit lite, input logic [2:0] channel);
        case (channel)
            `AXI_AR: return lite ? "the host's AR" : "AR";
            `AXI_R:  return lite ? "the host's R" : "R";
            `AXI_AW: return lite ? "the host's AW" : "AW";
            `AXI_W:  return lite ? "the host's W" : "W";
            default: return lite ? "the host's B" : "B";
        endcase
    endfunction
    always @(posedge clk) begin
        if (m_broken) sy_rtl_violation(int'(m_rule), rule_text(m_rule), channel_text(0, m_channel), o_cycle - 1);
        if (s_broken) sy_rtl_violation(int'(s_rule), rule_text(s_rule), channel_text(1, s_channel), o_cycle - 1);
    end

    // ------------------------------------------------------------------ memories. The bounds are variables, so that Verilator leaves the loops
    // rolled: hundreds of these blocks, unrolled, would be most of what g++ has to compile.
    int n_imem_words, n_dmem_words, n_spm_rows, n_acc_rows, n_causes;
    initial begin
        n_imem_words = `SYP_CORE_IMEM_BYTES / 4;
        n_dmem_words = `SYP_CORE_DMEM_BYTES / 4;
        n_spm_rows   = SPM_ROWS;
        n_acc_rows   = ACC_ROWS;
        n_causes     = `SY_N_COUNTERS;
    end
    int entry, core_map, core_base, core_watch;
    bit load = 0;
    bit dump = 0;
    bit [3:0] dirty = 0;
    int i_word;
    always @(posedge clk) begin
        i_word = 0;
        while (load && dirty[MEM_IMEM] && i_word < n_imem_words) begin
            dut.u_imem.mem_q[i_word] = sy_rtl_get_word(MEM_IMEM, i_word);
            i_word++;
        end
        i_word = 0;
        while (load && dirty[MEM_DMEM] && i_word < n_dmem_words) begin
            dut.u_dmem.mem_q[i_word] = sy_rtl_get_word(MEM_DMEM, i_word);
            i_word++;
        end
        i_word = 0;
        while (dump && core_map[0] && i_word < n_imem_words) begin
            sy_rtl_put_word(MEM_IMEM, i_word, dut.u_imem.mem_q[i_word]);
            i_word++;
        end
        i_word = 0;
        while (dump && i_word < n_dmem_words) begin
            sy_rtl_put_word(MEM_DMEM, i_word, dut.u_dmem.mem_q[i_word]);
            i_word++;
        end
    end
    genvar b;
    genvar j;
    generate
        for (b = 0; b < `SYP_SPM_BANKS; b++) begin : g_spm
            bit [N_WORDS*32-1:0] row;
            int i_row;
            always @(posedge clk) if (load || dump) begin
                i_row = 0;
                while (i_row < n_spm_rows) begin
                    if (load && dirty[MEM_SPM]) begin
                        sy_rtl_get_row(MEM_SPM, b * SPM_ROWS + i_row, N_WORDS, row);
                        dut.u_spm.g_bank[b].u_bank.mem_q[i_row] = row;
                    end
                    if (dump) sy_rtl_put_row(MEM_SPM, b * SPM_ROWS + i_row, N_WORDS, dut.u_spm.g_bank[b].u_bank.mem_q[i_row]);
                    i_row++;
                end
            end
        end
        for (b = 0; b < `SYP_ACC_BANKS; b++) begin : g_acc
            for (j = 0; j < D; j++) begin : g_lane
                int i_row;
                always @(posedge clk) if (load || dump) begin
                    i_row = 0;
                    while (i_row < n_acc_rows) begin
                        if (load && dirty[MEM_ACC]) begin
                            dut.u_acc.g_lane[j].u_lane.g_bank[b].u_bank.mem_q[i_row] =
                                sy_rtl_get_word(MEM_ACC, (b * ACC_ROWS + i_row) * D + j);
                        end
                        if (dump) begin
                            sy_rtl_put_word(MEM_ACC, (b * ACC_ROWS + i_row) * D + j,
                                            dut.u_acc.g_lane[j].u_lane.g_bank[b].u_bank.mem_q[i_row]);
                        end
                        i_row++;
                    end
                end
            end
        end
    endgenerate

    // ------------------------------------------------------------------ what happens in a cycle, seen at its end
`define SYH_QUEUE(UNIT, FRONT) \
    if (dut.FRONT.post_o) sy_rtl_queue(UNIT, 1, int'(`SY_F7_MXU_POST), int'(dut.FRONT.post_sem_o), o_cycle); \
    if (dut.FRONT.pop) sy_rtl_queue(UNIT, 0, int'(dut.FRONT.funct7), int'(dut.FRONT.rs1), o_cycle);
    bit     watching = 0;
    bit     bus_active = 0;
    int     trace;      // bit 0: report instructions; bit 1: memories through the host port; bit 2: report pops and fires
    longint max_cycles;
    int     flags, c, ar_wait, aw_wait;
    always @(posedge clk) begin
        if (watching && o_running && !o_reset) begin
            if (!o_run || (max_cycles != 0 && o_cycle == max_cycles)) begin
                over    <= 1;
                limited <= o_run;
                watching <= 0;
                if (o_run) begin
                    // the machine goes on for as long as nobody stops it: take the numbers now
                    c = 0;
                    while (c < n_causes) begin
                        sy_rtl_counter(0, c, dut.g_counters[0].u_counters.count_q[c]);
                        sy_rtl_counter(1, c, dut.g_counters[1].u_counters.count_q[c]);
                        sy_rtl_counter(2, c, dut.g_counters[2].u_counters.count_q[c]);
                        sy_rtl_counter(3, c, dut.g_counters[3].u_counters.count_q[c]);
                        c++;
                    end
                    sy_rtl_result(0, {16'd0, dut.error_unit, dut.error_code}, dut.error_command, dut.exit_code, o_cycle,
                                  o_retired);
                end
            end else begin
                if (o_start != 0 || o_end != 0) begin
                    for (int u = 0; u < 4; u++) begin
                        if (o_start[u]) begin
                            sy_rtl_command_start(u, int'(o_start_funct7[u*7 +: 7]), o_start_number[u*32 +: 32],
                                                 o_start_tag[u*32 +: 32], o_cycle);
                        end
                        if (o_end[u]) sy_rtl_command_end(u, o_end_number[u*32 +: 32], o_cycle);
                    end
                end
                if (o_cycle[15:0] == 16'hFFFF) sy_rtl_heartbeat();
                if (o_retire && trace[0]) sy_rtl_retire(o_retire_pc, o_cycle);
                if (trace[2]) begin
                    `SYH_QUEUE(0, u_mxu_front)
                    `SYH_QUEUE(1, u_vpu_front)
                    `SYH_QUEUE(2, u_ld_front)
                    `SYH_QUEUE(3, u_st_front)
                end
                if (m_arvalid && m_arready) sy_rtl_read(o_cycle, longint'(m_araddr), int'(m_arlen) + 1);
                if (m_awvalid && m_awready) sy_rtl_write(o_cycle, longint'(m_awaddr), int'(m_awlen) + 1);
                // an address is taken so many cycles after it was first valid
                if (m_arvalid) begin
                    ar_wait    = m_arready ? sy_rtl_ready(0) : ar_wait - 1;
                    m_arready <= ar_wait == 0;
                end
                if (m_awvalid) begin
                    aw_wait    = m_awready ? sy_rtl_ready(1) : aw_wait - 1;
                    m_awready <= aw_wait == 0;
                end
                if (m_wvalid && m_wready) sy_rtl_write_beat(o_cycle, m_wdata, m_wstrb, m_wlast);
                if (bus_active || m_arvalid || m_awvalid) begin
                    flags = sy_rtl_bus(o_cycle + 1, m_rdata);
                    m_rvalid   <= flags[0];
                    m_rlast    <= flags[1];
                    m_wready   <= flags[2];
                    m_bvalid   <= flags[3];
                    m_rresp    <= flags[6:5];
                    m_bresp    <= flags[8:7];
                    bus_active <= flags != 0;
                end
            end
        end else if (o_reset) begin
            m_rvalid   <= 0;
            m_wready   <= 0;
            m_bvalid   <= 0;
            bus_active <= 0;
            ar_wait     = sy_rtl_ready(0);
            aw_wait     = sy_rtl_ready(1);
            m_arready  <= ar_wait == 0;
            m_awready  <= aw_wait == 0;
        end
    end

`ifdef SY_WAVE
    // ------------------------------------------------------------------ a drawn window: the cycle that this edge begins, -1: none
    always @(posedge clk) begin
        if (o_reset) sy_rtl_wave(0);
        else if (watching && o_running) begin
            sy_rtl_wave(!o_run || (max_cycles != 0 && o_cycle == max_cycles) ? -1 : o_cycle + 1);
        end
    end
    wave #(.N_BANKS(`SYP_SPM_BANKS + `SYP_ACC_BANKS)) u_wave (
        .clk    (clk),
        .cycle  (o_cycle),
        .pc     (dut.u_core.pc_q),
        .word   (dut.u_core.word),
        .retire (o_retire),
        .asleep (dut.u_core.asleep_q),
        .halted (dut.u_core.halted_q)
    );
`endif

    // ------------------------------------------------------------------ host
    // Driven at the falling edge; the slave is idle between accesses, so it takes each at the next rising edge.
    task automatic host_write(input logic [11:0] address, input logic [31:0] value);
        @(negedge clk);
        awvalid = 1;
        wvalid  = 1;
        awaddr  = address;
        wdata   = value;
        @(negedge clk);
        awvalid = 0;
        wvalid  = 0;
        while (!bvalid) @(negedge clk);
        bready = 1;
        @(negedge clk);
        bready = 0;
    endtask
    task automatic host_read(input logic [11:0] address, output logic [31:0] value);
        @(negedge clk);
        arvalid = 1;
        araddr  = address;
        @(negedge clk);
        arvalid = 0;
        while (!rvalid) @(negedge clk);
        value  = rdata;
        rready = 1;
        @(negedge clk);
        rready = 0;
    endtask

    // What the registers say before a run; a wrong answer ends this process.
    task automatic host_expect(input logic [11:0] address, input logic [31:0] expected);
        logic [31:0] value;
        host_read(address, value);
        if (value !== expected) $fatal(1, "host register 0x%03x reads 0x%08x, expected 0x%08x", address, value, expected);
    endtask
    task automatic host_check();
        logic [63:0] config_hash, isa_hash;
        config_hash = `SYP_CONFIG_HASH;
        isa_hash    = `SY_ISA_HASH;
        host_expect(`SY_HOST_ID, `SY_HOST_ID_VALUE);
        host_expect(`SY_HOST_CTRL, 0);
        host_expect(`SY_HOST_ENTRY, entry & ~3);
        host_expect(`SY_HOST_CONFIG_HASH, config_hash[31:0]);
        host_expect(`SY_HOST_CONFIG_HASH_HI, config_hash[63:32]);
        host_expect(`SY_HOST_ISA_HASH, isa_hash[31:0]);
        host_expect(`SY_HOST_ISA_HASH_HI, isa_hash[63:32]);
        host_expect(`SY_HOST_MEM_SELECT, MEM_ACC);
        host_expect(`SY_HOST_MEM_ADDR, 4 * words(MEM_ACC));
        host_expect(`SY_HOST_CORE_MAP, core_map & 3);
        host_expect(`SY_HOST_CORE_BASE, core_base & ~3);
        host_expect(`SY_HOST_CORE_WATCH, core_watch & ~3);
        host_expect(12'h07C, 0);   // no register
    endtask

    function automatic int words(input int mem);
        case (mem)
            MEM_IMEM: return `SYP_CORE_IMEM_BYTES / 4;
            MEM_DMEM: return `SYP_CORE_DMEM_BYTES / 4;
            MEM_SPM:  return `SYP_SPM_BANKS * `SYP_SPM_BANK_BYTES / 4;
            default:  return `SYP_ACC_BANKS * `SYP_ACC_BANK_BYTES / 4;
        endcase
    endfunction
    task automatic host_load(input int mem, input int n_words);
        host_write(`SY_HOST_MEM_SELECT, mem);
        host_write(`SY_HOST_MEM_ADDR, 0);
        for (int w = 0; w < n_words; w++) host_write(`SY_HOST_MEM_DATA, sy_rtl_get_word(mem, w));
    endtask
    task automatic host_dump(input int mem, input int n_words);
        logic [31:0] value;
        host_write(`SY_HOST_MEM_SELECT, mem);
        host_write(`SY_HOST_MEM_ADDR, 0);
        for (int w = 0; w < n_words; w++) begin
            host_read(`SY_HOST_MEM_DATA, value);
            sy_rtl_put_word(mem, w, value);
        end
    endtask

    task automatic report();
        logic [31:0] status, error, command, exit_code, low, high;
        logic [70:0] entry_at;
        int i;
        i = 0;
        while (i < 4 * n_causes) begin
            host_read(`SY_HOST_COUNTERS + 8 * (16 * (i / `SY_N_COUNTERS) + i % `SY_N_COUNTERS), low);
            host_read(`SY_HOST_COUNTERS + 8 * (16 * (i / `SY_N_COUNTERS) + i % `SY_N_COUNTERS) + 4, high);
            sy_rtl_counter(i / `SY_N_COUNTERS, i % `SY_N_COUNTERS, {high, low});
            i++;
        end
        host_read(`SY_HOST_STATUS, status);
        host_read(`SY_HOST_ERROR, error);
        host_read(`SY_HOST_ERROR_COMMAND, command);
        host_read(`SY_HOST_EXIT_CODE, exit_code);
        host_read(`SY_HOST_CYCLES, low);
        host_read(`SY_HOST_CYCLES_HIGH, high);
        if (status[3]) begin
            i = 0;
            while (i < int'(dut.u_mxu_front.u_queue.count_q)) begin
                entry_at = dut.u_mxu_front.u_queue.mem_q[(int'(dut.u_mxu_front.u_queue.head_q) + i) % `SYP_QUEUE_DEPTH];
                sy_rtl_queued(0, int'(entry_at[70:64]), entry_at[63:32]);
                i++;
            end
            i = 0;
            while (i < int'(dut.u_vpu_front.u_queue.count_q)) begin
                entry_at = dut.u_vpu_front.u_queue.mem_q[(int'(dut.u_vpu_front.u_queue.head_q) + i) % `SYP_QUEUE_DEPTH];
                sy_rtl_queued(1, int'(entry_at[70:64]), entry_at[63:32]);
                i++;
            end
            i = 0;
            while (i < int'(dut.u_ld_front.u_queue.count_q)) begin
                entry_at = dut.u_ld_front.u_queue.mem_q[(int'(dut.u_ld_front.u_queue.head_q) + i) % `SYP_QUEUE_DEPTH];
                sy_rtl_queued(2, int'(entry_at[70:64]), entry_at[63:32]);
                i++;
            end
            i = 0;
            while (i < int'(dut.u_st_front.u_queue.count_q)) begin
                entry_at = dut.u_st_front.u_queue.mem_q[(int'(dut.u_st_front.u_queue.head_q) + i) % `SYP_QUEUE_DEPTH];
                sy_rtl_queued(3, int'(entry_at[70:64]), entry_at[63:32]);
                i++;
            end
            i = 0;
            while (i < `SYP_SEMAPHORE_COUNT) begin
                sy_rtl_semaphore(i, dut.u_semaphores.value_q[i]);
                i++;
            end
            sy_rtl_core_state(int'(dut.u_core.halted_q), dut.u_core.pc_q, dut.u_core.word, dut.u_core.rs1);
        end
        i = 1;
        while (i < 32) begin
            sy_rtl_core_register(i, dut.u_core.x_q[i]);
            i++;
        end
        sy_rtl_core_csrs({24'd0, dut.u_core.u_csr.mpie_q, 3'd0, dut.u_core.u_csr.mie_q, 3'd0}, {dut.u_core.u_csr.mtvec_q, 2'b00},
                         dut.u_core.u_csr.mscratch_q, {dut.u_core.u_csr.mepc_q, 2'b00}, dut.u_core.u_csr.mcause_q,
                         dut.u_core.u_csr.mtval_q);
        sy_rtl_result(status, error, command, exit_code, {high, low}, o_retired);
    endtask

    initial begin
        repeat (4) @(posedge clk);
        rst_n <= 1;
        repeat (2) @(posedge clk);
        while (sy_rtl_request(entry, max_cycles, trace, core_map, core_base, core_watch) != 0) begin
            for (int m = 0; m < 4; m++) dirty[m] = sy_rtl_dirty(m) != 0 && !trace[1];
            if (limited) begin
                // the run before was cut off: reset everything, so that nothing moves under the memories
                rst_n <= 0;
                repeat (2) @(posedge clk);
                rst_n <= 1;
                repeat (2) @(posedge clk);
            end
            load <= 1;
            @(posedge clk);
            load <= 0;
            @(posedge clk);
            @(posedge clk);
            if (trace[1]) begin
                for (int m = 0; m < 4; m++) host_load(m, words(m));
            end
            sy_rtl_start();
            host_write(`SY_HOST_ENTRY, entry);
            host_write(`SY_HOST_CORE_MAP, core_map);
            host_write(`SY_HOST_CORE_BASE, core_base);
            host_write(`SY_HOST_CORE_WATCH, core_watch);
            if (trace[1]) host_check();
            over     <= 0;
            limited  <= 0;
            watching <= 1;
            host_write(`SY_HOST_CTRL, 32'd1);
            while (!over) @(posedge clk);
            @(posedge clk);
            if (!limited) begin
                report();
                repeat (D + 2) @(posedge clk);   // the last rows' lanes
            end
            if (trace[1]) begin
                for (int m = 0; m < 4; m++) host_dump(m, words(m));
            end else begin
                dump <= 1;
                @(posedge clk);
                dump <= 0;
                @(posedge clk);
            end
            sy_rtl_done();
        end
        $finish;
    end

`ifdef SYP_COVERAGE
    // Which lines have run, for scripts/coverage.sh: one file per process.
    final $c("Verilated::threadContextp()->coveragep()->write((std::string{getenv(\"SYSTOLE_RTL_COVERAGE\")} + \"/\" + ",
             "std::to_string(getpid()) + \".dat\").c_str());");
`systemc_header
#include <unistd.h>
#include "verilated_cov.h"
`verilog
`endif
endmodule
