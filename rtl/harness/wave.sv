// wave.sv -- what a drawn window shows first: per unit its queue, slot, posts, semaphores, banks and cause, under names of its own.
//
// Function : names signals of the machine; drives nothing. Ports are seen in the file as they stand here; commands and
//            causes are enumerations made from the tables (rtl_build.c), so a viewer prints their names. runtime/device/wave.c
//            lists these names in the save file. All else of the machine is in the file too, below harness.dut.
// Built    : into machines that draw alone (SY_WAVE).   Tests: tests/cosim/wave.sh.
//
// SPDX-License-Identifier: Apache-2.0

`include "systole_params.vh"

// One unit.
module wave_unit #(
    parameter type op_t = logic [6:0],
    parameter int  N_BANKS = 1
) (
    // queue: the head is what the unit looks at in this cycle
    input logic [31:0] queued,
    input op_t         head,
    input logic        head_valid,
    input logic [31:0] head_rs1,
    input logic [31:0] head_rs2,
    input logic        pop,
    // slot: the command that waits for its check and its banks
    input logic        slot_valid,
    input op_t         slot,
    input logic [31:0] slot_number,
    input logic [31:0] slot_tag,
    input logic        slot_checked,
    input logic        start,
    // commands in flight: numbers first_in_flight .. first_in_flight + in_flight - 1
    input logic [31:0] in_flight,
    input logic [31:0] first_in_flight,
    input logic        done,
    // semaphores
    input logic        wait_at_head,
    input logic        wait_taken,
    input logic [4:0]  wait_semaphore,
    input logic [31:0] posts_pending,
    input logic        post_fires,
    input logic [4:0]  post_semaphore,
    // banks: SPM in the low bits, ACC above
    input logic [N_BANKS-1:0] banks_needed,
    input logic [N_BANKS-1:0] banks_held,
    // what the counters count in this cycle
    input sy_wave_cause::cause_t cause
);
endmodule

// Rows that move between units and memories.
module wave_streams (
    input logic        mxu_a_read,
    input logic [31:0] mxu_a_row,
    input logic        mxu_weight_read,
    input logic [31:0] mxu_weight_row,
    input logic        mxu_acc_read,
    input logic [31:0] mxu_acc_read_row,
    input logic        mxu_acc_write,
    input logic [31:0] mxu_acc_write_row,
    input logic        vpu_a_spm_read,
    input logic        vpu_a_acc_read,
    input logic [31:0] vpu_a_row,
    input logic        vpu_b_spm_read,
    input logic        vpu_b_acc_read,
    input logic [31:0] vpu_b_row,
    input logic        vpu_out_spm_write,
    input logic        vpu_out_acc_write,
    input logic [31:0] vpu_out_row,
    input logic        ld_spm_write,
    input logic        ld_acc_write,
    input logic [31:0] ld_row,
    input logic        st_spm_read,
    input logic        st_acc_read,
    input logic [31:0] st_row
);
endmodule

module wave #(
    parameter int N_BANKS = 1
) (
    input logic        clk,
    input logic [63:0] cycle,
    // core
    input logic [31:0] pc,
    input logic [31:0] word,
    input logic        retire,
    input logic        asleep,
    input logic        halted
);
`define SYW_UNIT(INSTANCE, FRONT, UNIT, PACKAGE)                                                                          \
    wave_unit #(.op_t(PACKAGE::op_t), .N_BANKS(N_BANKS)) INSTANCE (                                                        \
        .queued          (32'(harness.dut.FRONT.u_queue.count_q)),                                                         \
        .head            (PACKAGE::op_t'(harness.dut.FRONT.funct7[6] ? 7'd64 : harness.dut.FRONT.funct7)),                 \
        .head_valid      (harness.dut.FRONT.head_valid),                                                                   \
        .head_rs1        (harness.dut.FRONT.rs1),                                                                          \
        .head_rs2        (harness.dut.FRONT.rs2),                                                                          \
        .pop             (harness.dut.FRONT.pop),                                                                          \
        .slot_valid      (harness.dut.FRONT.slot_valid_o),                                                                 \
        .slot            (PACKAGE::op_t'(harness.dut.FRONT.slot_funct7_o)),                                                \
        .slot_number     (harness.dut.FRONT.slot_number_o),                                                                \
        .slot_tag        (harness.dut.FRONT.slot_tag_o),                                                                   \
        .slot_checked    (harness.dut.FRONT.slot_ready_o),                                                                 \
        .start           (harness.dut.FRONT.start_i),                                                                      \
        .in_flight       (harness.dut.FRONT.n_in_flight),                                                                  \
        .first_in_flight (harness.dut.FRONT.ended_o),                                                                      \
        .done            (harness.dut.FRONT.end_i),                                                                        \
        .wait_at_head    (harness.dut.FRONT.head_wait_o),                                                                  \
        .wait_taken      (harness.dut.FRONT.pop_wait),                                                                     \
        .wait_semaphore  (harness.dut.FRONT.take_sem_o),                                                                   \
        .posts_pending   (32'(harness.dut.FRONT.u_posts.count_q)),                                                         \
        .post_fires      (harness.dut.FRONT.post_o),                                                                       \
        .post_semaphore  (harness.dut.FRONT.post_sem_o),                                                                   \
        .banks_needed    (harness.dut.FRONT.slot_valid_o ? harness.dut.need[(UNIT)*N_BANKS +: N_BANKS] : '0),              \
        .banks_held      (harness.dut.held[(UNIT)*N_BANKS +: N_BANKS]),                                                    \
        .cause           (sy_wave_cause::cause_t'(harness.dut.g_counters[UNIT].u_counters.cause))                          \
    )
    `SYW_UNIT(mxu, u_mxu_front, 0, sy_wave_mxu);
    `SYW_UNIT(vpu, u_vpu_front, 1, sy_wave_vpu);
    `SYW_UNIT(ld, u_ld_front, 2, sy_wave_ld);
    `SYW_UNIT(st, u_st_front, 3, sy_wave_st);

    wave_streams streams (
        .mxu_a_read        (harness.dut.u_mxu.a_re_o),
        .mxu_a_row         (32'(harness.dut.u_mxu.a_row_o)),
        .mxu_weight_read   (harness.dut.u_mxu.w_re_o),
        .mxu_weight_row    (32'(harness.dut.u_mxu.w_row_o)),
        .mxu_acc_read      (harness.dut.u_mxu.c_re_o),
        .mxu_acc_read_row  (32'(harness.dut.u_mxu.c_rrow_o)),
        .mxu_acc_write     (harness.dut.u_mxu.c_we_o),
        .mxu_acc_write_row (32'(harness.dut.u_mxu.c_wrow_o)),
        .vpu_a_spm_read    (harness.dut.u_vpu.spm_re_o[0]),
        .vpu_a_acc_read    (harness.dut.u_vpu.acc_re_o[0]),
        .vpu_a_row         (harness.dut.u_vpu.acc_re_o[0] ? 32'(harness.dut.u_vpu.acc_rrow_o[harness.dut.W_ACC-1:0])
                                                          : 32'(harness.dut.u_vpu.spm_rrow_o[harness.dut.W_SPM-1:0])),
        .vpu_b_spm_read    (harness.dut.u_vpu.spm_re_o[1]),
        .vpu_b_acc_read    (harness.dut.u_vpu.acc_re_o[1]),
        .vpu_b_row         (harness.dut.u_vpu.acc_re_o[1]
                                ? 32'(harness.dut.u_vpu.acc_rrow_o[harness.dut.W_ACC +: harness.dut.W_ACC])
                                : 32'(harness.dut.u_vpu.spm_rrow_o[harness.dut.W_SPM +: harness.dut.W_SPM])),
        .vpu_out_spm_write (harness.dut.u_vpu.spm_we_o[0]),
        .vpu_out_acc_write (harness.dut.u_vpu.acc_we_o[0]),
        .vpu_out_row       (harness.dut.u_vpu.acc_we_o[0] ? 32'(harness.dut.u_vpu.acc_wrow_o[harness.dut.W_ACC-1:0])
                                                          : 32'(harness.dut.u_vpu.spm_wrow_o[harness.dut.W_SPM-1:0])),
        .ld_spm_write      (harness.dut.u_ld.spm_we_o),
        .ld_acc_write      (harness.dut.u_ld.acc_we_o),
        .ld_row            (harness.dut.u_ld.acc_we_o ? 32'(harness.dut.u_ld.acc_row_o) : 32'(harness.dut.u_ld.spm_row_o)),
        .st_spm_read       (harness.dut.u_st.spm_re_o),
        .st_acc_read       (harness.dut.u_st.acc_re_o),
        .st_row            (harness.dut.u_st.acc_re_o ? 32'(harness.dut.u_st.acc_row_o) : 32'(harness.dut.u_st.spm_row_o))
    );

    genvar s;
    generate
        for (s = 0; s < `SYP_SEMAPHORE_COUNT; s++) begin : semaphore
            wire [31:0] value = 32'(harness.dut.u_semaphores.value_q[s]);
        end
    endgenerate
endmodule
