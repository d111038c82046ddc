// fp_tb.sv -- the fp32 and bf16 modules against the host's IEEE arithmetic (fp_oracle.c, over DPI): corner values in all pairs (the fused
// ones: in all triples), then random ones.
//
// SPDX-License-Identifier: Apache-2.0
module fp_tb;
    import "DPI-C" function int fp_oracle_add(input int a, input int b);
    import "DPI-C" function int fp_oracle_mul(input int a, input int b);
    import "DPI-C" function int fp_oracle_from_int(input int a);
    import "DPI-C" function int fp_oracle_to_int(input int a);
    import "DPI-C" function int fp_oracle_fma(input int a, input int b, input int c);
    import "DPI-C" function int fp_oracle_to_bf16(input int a);
    import "DPI-C" function int fp_oracle_addend(input int i, input int a, input int b);
    import "DPI-C" function int fp_oracle_corner(input int i);
    import "DPI-C" function int fp_oracle_n_corners();
    import "DPI-C" function int fp_oracle_random(input int i, input int which);

    bit   [31:0] a, b, c;
    logic [31:0] sum, product, from_int, to_int, fma, bf16_fma, off, fma_off, bf16_off;
    logic [15:0] to_bf16;
    fp_fma     u_fma (.en_i (1'b1), .a_i (a), .b_i (b), .c_i (c), .y_o (fma));
    bf16_fma   u_bf16_fma (.en_i (1'b1), .a_i (a[31:16]), .w_i (b[31:16]), .c_i (c), .y_o (bf16_fma));
    fp_to_bf16 u_to_bf16 (.en_i (1'b1), .a_i (a), .y_o (to_bf16));
    fp_fma     u_fma_off (.en_i (1'b0), .a_i (a), .b_i (b), .c_i (c), .y_o (fma_off));
    bf16_fma   u_bf16_off (.en_i (1'b0), .a_i (a[31:16]), .w_i (b[31:16]), .c_i (c), .y_o (bf16_off));
    fp_add    u_add (.en_i (1'b1), .a_i (a), .b_i (b), .y_o (sum));
    fp_mul    u_mul (.en_i (1'b1), .a_i (a), .b_i (b), .y_o (product));
    int_to_fp u_from (.en_i (1'b1), .a_i (a), .y_o (from_int));
    fp_to_int u_to (.en_i (1'b1), .a_i (a), .y_o (to_int));
    fp_add    u_off (.en_i (1'b0), .a_i (a), .b_i (b), .y_o (off));

    int n_bad = 0;
    task automatic expect_equal(input string what, input int got, input int want);
        if (got != want) begin
            n_bad++;
            if (n_bad <= 20) $display("%s(%h, %h, %h): got %h, want %h", what, a, b, c, got, want);
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

    task automatic check_fma(input int x, input int y, input int z);
        a = x;
        b = y;
        c = z;
        #1;
        expect_equal("fp_fma", fma, fp_oracle_fma(a, b, c));
        expect_equal("bf16_fma", bf16_fma, fp_oracle_fma(a & 32'hFFFF0000, b & 32'hFFFF0000, c));
        expect_equal("fp_to_bf16", {16'd0, to_bf16}, fp_oracle_to_bf16(a));
        expect_equal("fp_fma without en_i", fma_off, 0);
        expect_equal("bf16_fma without en_i", bf16_off, 0);
    endtask

    int n_vectors = 1000000;
    initial begin
        void'($value$plusargs("vectors=%d", n_vectors));
        for (int i = 0; i < fp_oracle_n_corners(); i++) begin
            for (int j = 0; j < fp_oracle_n_corners(); j++) begin
                check(fp_oracle_corner(i), fp_oracle_corner(j));
                for (int k = 0; k < fp_oracle_n_corners(); k++)
                    check_fma(fp_oracle_corner(i), fp_oracle_corner(j), fp_oracle_corner(k));
            end
        end
        for (int i = 0; i < n_vectors; i++) begin
            check(fp_oracle_random(i, 0), fp_oracle_random(i, 1));
            // the addend belongs to the fp32 product, then to the bf16 one
            check_fma(a, b, fp_oracle_addend(i, a, b));
            check_fma(a, b, fp_oracle_addend(i, a & 32'hFFFF0000, b & 32'hFFFF0000));
        end
        $display("%0d differences", n_bad);
        if (n_bad != 0) $fatal(1, "the fp32 modules differ from the host's arithmetic");
        $finish;
    end
endmodule
