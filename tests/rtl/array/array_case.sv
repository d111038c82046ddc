// array_case.sv -- one array with its edges against a product in C (array_oracle.c, over DPI).
//
// Planes with random weights, straight and transposed, of random lengths follow each other as closely as the timing contract allows
// (isa/spec/timing.md, section 5; the gap H apart, which is the sequencer's) or with random gaps; column j of row t must leave D + j
// cycles after the row came in.
//
// SPDX-License-Identifier: Apache-2.0
module array_case #(parameter int D = 8, parameter int ELEMENT = 0) (output bit done);
    import "DPI-C" function int array_oracle_operand(input int element, input int plane, input int kind, input int row, input int lane);
    import "DPI-C" function int array_oracle_transposed(input int plane);
    import "DPI-C" function int array_oracle_rows(input int plane);
    import "DPI-C" function int array_oracle_gap(input int plane, input int which);
    import "DPI-C" function int array_oracle_start(input int element, input int plane, input int row, input int column);
    import "DPI-C" function int array_oracle_product(input int element, input int d, input int plane, input int row, input int column);

    localparam int N_PLANES = 400;
    localparam int W_OP = ELEMENT != 0 ? 16 : 9;
    bit clk = 0;
    bit rst_n = 0;
    always #1 clk = !clk;

    bit            row_valid = 0, swap = 0, weight_valid = 0, weight_first = 0, transposed = 0;
    bit [D*W_OP-1:0] row = 0, weight = 0;
    bit [D*32-1:0] psum_in = 0;
    logic [D*32-1:0] psum;
    mxu_array #(.D(D), .ELEMENT(ELEMENT)) dut (
        .clk (clk), .rst_n (rst_n), .row_valid_i (row_valid), .swap_i (swap), .row_i (row),
        .weight_valid_i (weight_valid), .weight_first_i (weight_first), .transposed_i (transposed), .weight_i (weight),
        .psum_i (psum_in), .psum_o (psum)
    );

    // ------------------------------------------------------------------ when each plane is loaded and streamed: cycles of the edges' data
    int l_cycle [N_PLANES];
    int m_cycle [N_PLANES];
    int last;
    int at_load = 0, at_stream = 0;      // the planes under way
    initial begin
        for (int p = 0; p < N_PLANES; p++) begin
            l_cycle[p] = 4;
            if (p > 0) l_cycle[p] = l_cycle[p-1] + D > m_cycle[p-1] ? l_cycle[p-1] + D : m_cycle[p-1];
            l_cycle[p] += array_oracle_gap(p, 0);
            m_cycle[p] = l_cycle[p] + D;
            if (p > 0 && m_cycle[p] < m_cycle[p-1] + array_oracle_rows(p-1)) m_cycle[p] = m_cycle[p-1] + array_oracle_rows(p-1);
            m_cycle[p] += array_oracle_gap(p, 1);
        end
        last = m_cycle[N_PLANES-1] + array_oracle_rows(N_PLANES-1) + 3 * D;
        repeat (2) @(negedge clk);
        rst_n = 1;
    end

    // ------------------------------------------------------------------ one cycle: what leaves the array, then what enters it. The rows that
    // entered stand in a ring by cycle.
    localparam int RING = 4 * D;
    int plane_at [RING];                 // plane + 1; 0: no row
    int row_at [RING];
    int cycle = 0, when, want;
    int n_bad = 0, n_checked = 0;
    bit [31:0] operand;
    always @(posedge clk) cycle <= cycle + 1;
    always @(negedge clk) if (rst_n && cycle >= RING) begin
        for (int j = 0; j < D; j++) begin
            when = (cycle - D - j) % RING;
            if (plane_at[when] != 0) begin
                want = array_oracle_product(ELEMENT, D, plane_at[when] - 1, row_at[when], j);
                n_checked++;
                if (psum[j*32 +: 32] != want) begin
                    n_bad++;
                    if (n_bad <= 10) begin
                        $display("plane %0d row %0d column %0d: got 0x%08x, want 0x%08x", plane_at[when] - 1, row_at[when], j,
                                 psum[j*32 +: 32], want);
                    end
                end
            end
        end
        weight_valid = 0;
        row_valid    = 0;
        swap         = 0;
        plane_at[cycle % RING] = 0;
        if (at_load < N_PLANES && cycle - RING >= l_cycle[at_load]) begin
            weight_valid = 1;
            weight_first = cycle - RING == l_cycle[at_load];
            transposed   = array_oracle_transposed(at_load) != 0;
            for (int j = 0; j < D; j++) begin
                operand = array_oracle_operand(ELEMENT, at_load, 1, D - 1 - (cycle - RING - l_cycle[at_load]), j);
                weight[j*W_OP +: W_OP] = operand[W_OP-1:0];
            end
            if (cycle - RING == l_cycle[at_load] + D - 1) at_load++;
        end
        if (at_stream < N_PLANES && cycle - RING >= m_cycle[at_stream]) begin
            row_valid = 1;
            swap      = cycle - RING == m_cycle[at_stream];
            plane_at[cycle % RING] = at_stream + 1;
            row_at[cycle % RING]   = cycle - RING - m_cycle[at_stream];
            for (int k = 0; k < D; k++) begin
                operand = array_oracle_operand(ELEMENT, at_stream, 0, row_at[cycle % RING], k);
                row[k*W_OP +: W_OP] = operand[W_OP-1:0];
            end
            if (row_at[cycle % RING] == array_oracle_rows(at_stream) - 1) at_stream++;
        end
        for (int j = 0; j < D; j++) begin
            when = (cycle - j) % RING;
            psum_in[j*32 +: 32] = plane_at[when] == 0 ? 32'hFFFF_FFFF : array_oracle_start(ELEMENT, plane_at[when] - 1, row_at[when], j);
        end
        if (cycle - RING == last) begin
            $display("%s, D = %0d: %0d sums checked, %0d differences", ELEMENT != 0 ? "bf16" : "int8", D, n_checked, n_bad);
            if (n_bad != 0 || n_checked == 0) $fatal(1, "the array differs from the product");
            done = 1;
        end
    end
endmodule
