// fp_tb.sv -- the fp32 modules against the host's IEEE arithmetic (fp_oracle.c, over DPI): corner values in all pairs, then random ones.
//
// SPDX-License-Identifier: Apache-2.0
module fp_tb;
    import "DPI-C" function int fp_oracle_add(input int a, input int b);
    import "DPI-C" function int fp_oracle_mul(input int a, input int b);
    import "DPI-C" function int fp_oracle_from_int(input int a);
    import "DPI-C" function int fp_oracle_to_int(input int a);
    import "DPI-C" function int fp_oracle_corner(input int i);
    import "DPI-C" function int fp_oracle_n_corners();
    import "DPI-C" function int fp_oracle_random(input int i, input int which);

    bit   [31:0] a, b;
    logic [31:0] sum, product, from_int, to_int, off;
    fp_add    u_add (.en_i (1'b1), .a_i (a), .b_i (b), .y_o (sum));
    fp_mul    u_mul (.en_i (1'b1), .a_i (a), .b_i (b), .y_o (product));
    int_to_fp u_from (.en_i (1'b1), .a_i (a), .y_o (from_int));
    fp_to_int u_to (.en_i (1'b1), .a_i (a), .y_o (to_int));
    fp_add    u_off (.en_i (1'b0), .a_i (a), .b_i (b), .y_o (off));

    int n_bad = 0;
    task automatic expect_equal(input string what, input int got, input int want);
        if (got != want) begin
            n_bad++;
            if (n_bad <= 20) $display("%s(%h, %h): got %h, want %h", what, a, b, got, want);
        end
    endtask
    task automatic check(input int x, input int y);
        a = x;
        b = y;
        #1;
        expect_equal("fp_add", sum, fp_oracle_add(a, b));
        expect_equal("fp_mul", product, fp_oracle_mul(a, b));
        expect_equal("int_to_fp", from_int, fp_oracle_from_int(a));
        expect_equal("fp_to_int", to_int, fp_oracle_to_int(a));
        expect_equal("fp_add without en_i", off, 0);
    endtask

    initial begin
        for (int i = 0; i < fp_oracle_n_corners(); i++) begin
            for (int j = 0; j < fp_oracle_n_corners(); j++) check(fp_oracle_corner(i), fp_oracle_corner(j));
        end
        for (int i = 0; i < 1000000; i++) check(fp_oracle_random(i, 0), fp_oracle_random(i, 1));
        $display("%0d differences", n_bad);
        if (n_bad != 0) $fatal(1, "the fp32 modules differ from the host's arithmetic");
        $finish;
    end
endmodule
