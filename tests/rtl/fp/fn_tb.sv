// fn_tb.sv -- fn_unit against the definition of the elementary functions (isa/fn/fn.c, over DPI).
//
// Values come back to back and with gaps; in gaps v and fn are noise and the last result must stay.
//
// SPDX-License-Identifier: Apache-2.0
module fn_tb;
    import "DPI-C" function int fn_oracle(input int fn, input int v);
    import "DPI-C" function int fn_oracle_n();
    import "DPI-C" function int fn_oracle_n_directed();
    import "DPI-C" function int fn_oracle_value(input int i, input int fn);

    bit clk = 0;
    always #5 clk = !clk;

    // what is in stage 1; what is in the others, [5]: what has come out
    bit          on = 0;
    bit   [3:0]  fn_in = 0;
    bit   [31:0] v_in = 0;
    bit   [5:2]  valid = 0;
    bit   [3:0]  fn [2:5];
    bit   [31:0] v [2:5];
    logic [31:0] y;
    fn_unit u_fn (
        .clk (clk), .s1_valid_i (on), .s1_fn_i (fn_in), .v_i (v_in), .s2_valid_i (valid[2]),
        .s3_valid_i (valid[3]), .s3_fn_i (fn[3]), .s4_valid_i (valid[4]), .y_o (y)
    );
    always @(posedge clk) begin
        valid <= {valid[4:2], on};
        fn[2] <= fn_in;
        v[2]  <= v_in;
        for (int k = 3; k <= 5; k++) begin
            fn[k] <= fn[k-1];
            v[k]  <= v[k-1];
        end
    end

    int n_vectors = 200000;
    int i = 0, f = 0;
    int gap = 0;
    int n_bad = 0, n_checked = 0;
    bit [31:0] want;
    initial void'($value$plusargs("vectors=%d", n_vectors));
    always @(negedge clk) begin
        if (valid[5]) want = fn_oracle(int'(fn[5]), v[5]);
        if (valid[5] || n_checked > 0) begin
            n_checked++;
            if (y != want) begin
                n_bad++;
                if (n_bad <= 20) $display("function %0d of %h: got %h, want %h", fn[5], v[5], y, want);
            end
        end
        if (i == fn_oracle_n_directed() + n_vectors) gap = 1;
        on    = gap == 0;
        fn_in = gap == 0 ? 4'(f) : 4'(i);
        v_in  = gap == 0 ? fn_oracle_value(i, f) : 32'(i) * 32'h9E3779B9;
        if (gap != 0) gap--;
        else begin
            f++;
            if (f == fn_oracle_n()) begin
                f = 0;
                i++;
                gap = fn_oracle_value(i, 15) % 8;
                gap = gap < 4 ? 0 : gap - 3;
            end
        end
        if (i == fn_oracle_n_directed() + n_vectors && valid == 0 && !on) begin
            $display("%0d results checked, %0d differences", n_checked, n_bad);
            if (n_bad != 0) $fatal(1, "the unit differs from the definition");
            $finish;
        end
    end
endmodule
