// core.v -- the scalar core: RV32IM, Zicsr, M mode, and Xsystole.
//
// Function : one instruction at a time; each takes the cycles of its class (isa/core.def) and does everything in the last of
//            them. Fetch and load need no pipeline registers of their own: the next pc is known in an instruction's last cycle,
//            which is when the synchronous IMEM wants it, and a load has one cycle more than its address.
// Latency  : timing.md section 2.
//            In a unified map (host register CORE_MAP) stores write IMEM too.
// Protocol : first_i marks cycle 0, in which pc is entry_i; IMEM must have been given entry_i the cycle before (rst_n low).
//            The core is asleep while an Xsystole instruction does not succeed.
// Reset    : registers, CSRs, state.
// C twin   : simulator/core.c.   Tests: tests/rtl/machine.c, tests/cosim.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
`include "isa.vh"
module core #(
    parameter IMEM_BYTES = 16384,
    parameter DMEM_BYTES = 16384,
    parameter SEM_COUNT  = 32
) (
    input  wire        clk,
    input  wire        rst_n,
    input  wire        active_i,       // a run is on
    input  wire        first_i,
    input  wire [31:0] entry_i,
    // the map: both memories at base_i if unified_i, else at their own bases; watch_i: a store at watch_address_i halts
    input  wire        unified_i,
    input  wire [31:0] base_i,
    input  wire        watch_i,
    input  wire [31:0] watch_address_i,
    // memories
    output wire        imem_re_o,
    output wire [3:0]  imem_we_o,
    output wire [$clog2(IMEM_BYTES/4)-1:0] imem_waddr_o,
    output wire [$clog2(IMEM_BYTES/4)-1:0] imem_addr_o,
    input  wire [31:0] imem_rdata_i,
    output wire        dmem_re_o,
    output wire [3:0]  dmem_we_o,
    output wire [$clog2(DMEM_BYTES/4)-1:0] dmem_addr_o,
    output wire [31:0] dmem_wdata_o,
    input  wire [31:0] dmem_rdata_i,
    // queues
    output wire [3:0]  push_o,
    output wire [6:0]  push_funct7_o,
    output wire [31:0] push_rs1_o,
    output wire [31:0] push_rs2_o,
    input  wire [3:0]  full_i,
    // semaphores
    output wire        take_o,
    input  wire        take_ok_i,
    output wire        post_o,
    output wire [4:0]  sem_o,
    // state of the machine
    input  wire        all_idle_i,     // queues, slots, posts empty and nothing in flight: FENCE
    input  wire        error_latched_i,
    output wire [5:0]  counter_sel_o,
    input  wire [31:0] counter_i,
    // own state
    output wire        halted_o,
    output wire        stopped_o,
    output wire        blocked_o,      // tried in the cycle before without success, and does not succeed now
    output wire [31:0] exit_code_o,
    output wire [63:0] instret_o,
    output wire        err_o,
    output wire [7:0]  err_code_o,
    output wire [31:0] err_command_o,
    // observation
    output wire        retire_o,
    output wire [31:0] retire_pc_o
);
    localparam W_IMEM = $clog2(IMEM_BYTES);
    localparam W_DMEM = $clog2(DMEM_BYTES);
    localparam [31:0] DMEM_SIZE = DMEM_BYTES;

    reg [31:0] pc_q;
    reg [4:0]  cycle_q;       // cycles that this instruction has had
    reg        halted_q;
    reg        stopped_q;
    reg        asleep_q;
    reg [31:0] exit_code_q;
    reg [63:0] instret_q;
    reg [31:0] x_q [0:31];    // x_q[0] stays 0

    wire [31:0] pc     = first_i ? {entry_i[31:2], 2'b00} : pc_q;
    wire        active = active_i && !halted_q && !stopped_q;

    // a store into IMEM is seen by the very next fetch, which reads memory in the same cycle
    reg  [3:0]  forward_q;
    reg  [31:0] forward_data_q;
    wire [31:0] forward_mask = {{8{forward_q[3]}}, {8{forward_q[2]}}, {8{forward_q[1]}}, {8{forward_q[0]}}};
    wire [31:0] word   = (forward_data_q & forward_mask) | (imem_rdata_i & ~forward_mask);

    // ------------------------------------------------------------------ decode
    wire lui, auipc, jal, jalr, branch, load, store, alu_imm, alu_reg, mul, div, nop, ecall, ebreak, mret, csr, xsystole;
    wire [31:0] imm;
    core_decode u_decode (
        .word_i     (word),
        .lui_o      (lui),
        .auipc_o    (auipc),
        .jal_o      (jal),
        .jalr_o     (jalr),
        .branch_o   (branch),
        .load_o     (load),
        .store_o    (store),
        .alu_imm_o  (alu_imm),
        .alu_reg_o  (alu_reg),
        .mul_o      (mul),
        .div_o      (div),
        .nop_o      (nop),
        .ecall_o    (ecall),
        .ebreak_o   (ebreak),
        .mret_o     (mret),
        .csr_o      (csr),
        .xsystole_o (xsystole),
        .imm_o      (imm)
    );
    wire [4:0]  rd     = word[11:7];
    wire [2:0]  funct3 = word[14:12];
    wire [31:0] rs1    = x_q[word[19:15]];
    wire [31:0] rs2    = x_q[word[24:20]];

    // ------------------------------------------------------------------ operations
    wire [31:0] alu_result;
    wire        condition;
    core_alu u_alu (
        .funct3_i   (funct3),
        .alt_i      (word[30] && (alu_reg || funct3 == 3'd5)),
        .a_i        (rs1),
        .b_i        (alu_reg ? rs2 : imm),
        .result_o   (alu_result),
        .branch_b_i (rs2),
        .taken_o    (condition)
    );
    wire [31:0] muldiv_result;
    core_muldiv u_muldiv (
        .clk      (clk),
        .en_i     (active && (mul || div)),
        .cycle_i  (cycle_q),
        .funct3_i (funct3),
        .a_i      (rs1),
        .b_i      (rs2),
        .result_o (muldiv_result)
    );

    wire [31:0] address   = rs1 + imm;
    wire        taken     = jal || jalr || (branch && condition);
    wire [31:0] target    = jalr ? {address[31:1], 1'b0} : pc + imm;
    wire        misaligned = (funct3[1:0] == 2'd1 && address[0]) || (funct3[1:0] == 2'd2 && address[1:0] != 2'd0);

    // both memories lie at multiples of their sizes: an address is inside if its high bits are the base's
    wire [31:0] imem_base = unified_i ? base_i : `SY_IMEM_BASE;
    wire [31:0] dmem_base = unified_i ? base_i : `SY_DMEM_BASE;
    wire        pc_outside = pc[31:W_IMEM] != imem_base[31:W_IMEM];
    wire        outside    = address[31:W_DMEM] != dmem_base[31:W_DMEM];
    wire        in_imem    = address[31:W_IMEM] == imem_base[31:W_IMEM];

    wire [31:0] csr_rdata;
    wire        csr_exists;
    wire        csr_read_only;
    wire        csr_writes  = csr && (funct3[1:0] == 2'd1 || word[19:15] != 5'd0);
    wire [31:0] csr_operand = funct3[2] ? {27'd0, word[19:15]} : rs1;
    wire        csr_legal   = csr_exists && !(csr_read_only && csr_writes);
    wire        known = lui || auipc || jal || jalr || branch || load || store || alu_imm || alu_reg || mul || div || nop
                        || ecall || ebreak || mret || (csr && csr_legal) || xsystole;

    // ------------------------------------------------------------------ exceptions, by the first that holds
    reg         exception;
    reg  [31:0] cause;
    reg  [31:0] value;
    always @* begin
        exception = 1'b1;
        cause     = `SY_EXCEPTION_ILLEGAL;
        value     = word;
        if (pc_outside) begin
            cause = `SY_EXCEPTION_FETCH_FAULT;
            value = pc;
        end else if (!known) begin
            cause = `SY_EXCEPTION_ILLEGAL;
        end else if (ecall) begin
            cause = `SY_EXCEPTION_ECALL;
            value = 32'd0;
        end else if (ebreak) begin
            cause = `SY_EXCEPTION_BREAKPOINT;
            value = pc;
        end else if (taken && target[1:0] != 2'd0) begin
            cause = `SY_EXCEPTION_FETCH_MISALIGNED;
            value = target;
        end else if ((load || store) && misaligned) begin
            cause = load ? `SY_EXCEPTION_LOAD_MISALIGNED : `SY_EXCEPTION_STORE_MISALIGNED;
            value = address;
        end else if ((load || store) && outside) begin
            cause = load ? `SY_EXCEPTION_LOAD_FAULT : `SY_EXCEPTION_STORE_FAULT;
            value = address;
        end else begin
            exception = 1'b0;
            cause     = 32'd0;
            value     = 32'd0;
        end
    end

    // ------------------------------------------------------------------ Xsystole
    wire        x_now     = active && !exception && xsystole;
    wire        x_push    = funct3 != `SY_UNIT_CORE;
    wire [6:0]  funct7    = word[31:25];
    wire        x_wait    = !x_push && funct7 == `SY_F7_CORE_SEMWAIT;
    wire        x_post    = !x_push && funct7 == `SY_F7_CORE_SEMPOST;
    wire        x_fence   = !x_push && funct7 == `SY_F7_CORE_FENCE;
    wire        x_halt    = !x_push && funct7 == `SY_F7_CORE_HALT;
    wire        sem_error = x_now && !error_latched_i && (x_wait || x_post) && rs1 >= SEM_COUNT;
    wire        x_go      = x_now && !error_latched_i && !sem_error;
    wire        x_ok      = x_go && ((x_push && !full_i[funct3[1:0]]) || (x_wait && take_ok_i) || x_post ||
                                     (x_fence && all_idle_i) || x_halt);

    assign push_o        = x_ok && x_push ? 4'b0001 << funct3[1:0] : 4'b0000;
    assign push_funct7_o = funct7;
    assign push_rs1_o    = rs1;
    assign push_rs2_o    = rs2;
    assign take_o        = x_go && x_wait;
    assign post_o        = x_go && x_post;
    assign sem_o         = rs1[4:0];

    // ------------------------------------------------------------------ the last cycle
    reg [4:0] cost;
    always @* begin
        cost = `SY_CYCLES_ALU;
        if (exception) begin
            cost = `SY_CYCLES_TRAP;
        end else if (taken || mret) begin
            cost = `SY_CYCLES_TAKEN;
        end else if (branch) begin
            cost = `SY_CYCLES_BRANCH;
        end else if (load) begin
            cost = `SY_CYCLES_LOAD;
        end else if (store) begin
            cost = `SY_CYCLES_STORE;
        end else if (csr) begin
            cost = `SY_CYCLES_CSR;
        end else if (mul) begin
            cost = `SY_CYCLES_MUL;
        end else if (div) begin
            cost = `SY_CYCLES_DIV;
        end
    end
    wire last   = active && (x_now ? x_ok : cycle_q + 5'd1 == cost);
    wire retire = last && !exception;
    wire trap   = last && exception;
    wire trap_stops = trap && mtvec[31:2] == 30'd0;

    wire [31:0] mtvec;
    wire [31:0] mepc;
    core_csr u_csr (
        .clk           (clk),
        .rst_n         (rst_n),
        .number_i      (word[31:20]),
        .rdata_o       (csr_rdata),
        .exists_o      (csr_exists),
        .read_only_o   (csr_read_only),
        .write_i       (retire && csr_writes),
        .wdata_i       (funct3[1:0] == 2'd1 ? csr_operand :
                        funct3[1:0] == 2'd2 ? csr_rdata | csr_operand : csr_rdata & ~csr_operand),
        .trap_i        (trap && !trap_stops),
        .trap_pc_i     (pc),
        .trap_cause_i  (cause),
        .trap_value_i  (value),
        .mret_i        (retire && mret),
        .mtvec_o       (mtvec),
        .mepc_o        (mepc),
        .run_i         (active_i),
        .retire_i      (retire),
        .counter_sel_o (counter_sel_o),
        .counter_i     (counter_i)
    );

    // ------------------------------------------------------------------ memories
    wire [31:0] pc_next = exception ? mtvec : mret ? mepc : taken ? target : pc + 32'd4;
    wire [31:0] fetch   = last ? pc_next : !rst_n ? entry_i : pc;
    assign imem_re_o   = 1'b1;
    assign imem_addr_o = fetch[$clog2(IMEM_BYTES/4)+1:2];

    assign dmem_re_o    = active && load && cycle_q == 5'd0;
    assign dmem_addr_o  = address[$clog2(DMEM_BYTES/4)+1:2];
    assign dmem_we_o    = !(retire && store) ? 4'h0 : funct3 == 3'd0 ? 4'h1 << address[1:0] :
                          funct3 == 3'd1 ? 4'h3 << address[1:0] : 4'hF;
    assign dmem_wdata_o = funct3 == 3'd0 ? {4{rs2[7:0]}} : funct3 == 3'd1 ? {2{rs2[15:0]}} : rs2;
    assign imem_we_o    = unified_i && in_imem ? dmem_we_o : 4'h0;
    assign imem_waddr_o = address[W_IMEM-1:2];
    always @(posedge clk or negedge rst_n) begin
        if (!rst_n) begin
            forward_q <= 4'h0;
        end else begin
            forward_q <= imem_waddr_o == imem_addr_o ? imem_we_o : 4'h0;
        end
    end
    always @(posedge clk) begin
        forward_data_q <= dmem_wdata_o;
    end

    // the store that ends a program
    wire [31:0] stored = funct3 == 3'd0 ? {24'd0, rs2[7:0]} : funct3 == 3'd1 ? {16'd0, rs2[15:0]} : rs2;
    wire        signal = retire && store && watch_i && address[31:2] == watch_address_i[31:2] && stored != 32'd0;
    wire [31:0] shifted   = dmem_rdata_i >> {address[1:0], 3'd0};
    wire [31:0] load_data = funct3[1:0] == 2'd0 ? {{24{shifted[7] && !funct3[2]}}, shifted[7:0]} :
                            funct3[1:0] == 2'd1 ? {{16{shifted[15] && !funct3[2]}}, shifted[15:0]} : shifted;

    // ------------------------------------------------------------------ registers
    wire writes_rd = retire && rd != 5'd0 && !(branch || store || nop || mret || xsystole);
    wire [31:0] result = lui ? imm : auipc ? pc + imm : jal || jalr ? pc + 32'd4 : load ? load_data :
                         mul || div ? muldiv_result : csr ? csr_rdata : alu_result;
    integer i;
    always @(posedge clk or negedge rst_n) begin
        if (!rst_n) begin
            for (i = 0; i < 32; i = i + 1) begin
                x_q[i] <= i == 2 ? `SY_DMEM_BASE + DMEM_SIZE : 32'd0;
            end
        end else if (writes_rd) begin
            x_q[rd] <= result;
        end
    end

    always @(posedge clk or negedge rst_n) begin
        if (!rst_n) begin
            pc_q        <= 32'd0;
            cycle_q     <= 5'd0;
            halted_q    <= 1'b0;
            stopped_q   <= 1'b0;
            asleep_q    <= 1'b0;
            exit_code_q <= 32'd0;
            instret_q   <= 64'd0;
        end else if (active) begin
            pc_q     <= last ? pc_next : pc;
            cycle_q  <= last ? 5'd0 : x_now ? cycle_q : cycle_q + 5'd1;
            asleep_q <= x_go && !x_ok;
            if (retire) begin
                instret_q <= instret_q + 64'd1;
            end
            if ((x_ok && x_halt) || signal) begin
                halted_q    <= 1'b1;
                exit_code_q <= signal ? stored : rs1;
            end
            if ((x_now && error_latched_i) || sem_error || trap_stops) begin
                stopped_q <= 1'b1;
            end
        end
    end

    assign halted_o      = halted_q;
    assign stopped_o     = stopped_q;
    assign blocked_o     = asleep_q && x_now && !x_ok;
    assign exit_code_o   = exit_code_q;
    assign instret_o     = instret_q;
    assign err_o         = sem_error || trap_stops;
    assign err_code_o    = sem_error ? `SY_ERROR_SEM_RANGE : `SY_ERROR_TRAP;
    assign err_command_o = sem_error ? 32'd0 : cause;
    assign retire_o      = retire;
    assign retire_pc_o   = pc;
    wire unused = &{1'b0, fetch[31:W_IMEM], fetch[1:0], imem_base[W_IMEM-1:0], dmem_base[W_DMEM-1:0], watch_address_i[1:0]};
endmodule
`default_nettype wire
