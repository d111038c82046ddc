// axi_tb.v -- the bus checkers of rtl/harness against legal traffic and, by plusarg, one planted violation of each rule.
//
// Function : +case=N plays case N and prints "case N: rule R channel C" (0 0 if the checker saw nothing).
//            Cases from 100 on are for AXI4-Lite; those of unknown values need a simulator with four states.
//
// SPDX-License-Identifier: Apache-2.0
`timescale 1ns / 1ns
`default_nettype none
`include "axi_rules.vh"
module axi_tb;
    reg         clk = 0;
    reg         rst_n = 0;
    reg         arvalid = 0, arready = 1, rvalid = 0, rready = 1, rlast = 0;
    reg         awvalid = 0, awready = 1, wvalid = 0, wready = 1, wlast = 0, bvalid = 0, bready = 1;
    reg [39:0]  araddr = 0, awaddr = 0;
    reg [7:0]   arlen = 0, awlen = 0;
    reg [2:0]   arsize = 2, awsize = 2;
    reg [1:0]   arburst = 1, awburst = 1, rresp = 0, bresp = 0;
    reg [31:0]  rdata = 0, wdata = 0;
    reg [3:0]   wstrb = 15;
    reg         lite = 0;
    wire        violation, lite_violation;
    wire [4:0]  rule, lite_rule;
    wire [2:0]  channel, lite_channel;
    always #1 clk = !clk;

    axi_check #(.W_ADDR(40), .BEAT_BYTES(4), .DEPTH(4)) u_check (
        .clk(clk), .rst_n(rst_n), .enable_i(!lite),
        .arvalid_i(arvalid), .arready_i(arready), .araddr_i(araddr), .arlen_i(arlen), .arsize_i(arsize), .arburst_i(arburst),
        .rvalid_i(rvalid), .rready_i(rready), .rdata_i(rdata), .rresp_i(rresp), .rlast_i(rlast),
        .awvalid_i(awvalid), .awready_i(awready), .awaddr_i(awaddr), .awlen_i(awlen), .awsize_i(awsize), .awburst_i(awburst),
        .wvalid_i(wvalid), .wready_i(wready), .wdata_i(wdata), .wstrb_i(wstrb), .wlast_i(wlast),
        .bvalid_i(bvalid), .bready_i(bready), .bresp_i(bresp),
        .violation_o(violation), .rule_o(rule), .channel_o(channel)
    );
    axi_lite_check #(.W_ADDR(12)) u_lite (
        .clk(clk), .rst_n(rst_n),
        .arvalid_i(arvalid), .arready_i(arready), .araddr_i(araddr[11:0]),
        .rvalid_i(rvalid), .rready_i(rready), .rdata_i(rdata), .rresp_i(rresp),
        .awvalid_i(awvalid), .awready_i(awready), .awaddr_i(awaddr[11:0]),
        .wvalid_i(wvalid), .wready_i(wready), .wdata_i(wdata),
        .bvalid_i(bvalid), .bready_i(bready), .bresp_i(bresp),
        .violation_o(lite_violation), .rule_o(lite_rule), .channel_o(lite_channel)
    );

    // ------------------------------------------------------------------ transfers, driven at the falling edge
    task ar(input [39:0] addr, input [7:0] len);
        begin
            arvalid = 1; araddr = addr; arlen = len;
            @(negedge clk);
            arvalid = 0;
        end
    endtask
    task aw(input [39:0] addr, input [7:0] len);
        begin
            awvalid = 1; awaddr = addr; awlen = len;
            @(negedge clk);
            awvalid = 0;
        end
    endtask
    task r(input last, input [1:0] resp);
        begin
            rvalid = 1; rlast = last; rresp = resp; rdata = rdata + 1;
            @(negedge clk);
            rvalid = 0;
        end
    endtask
    task w(input last, input [3:0] strobe);
        begin
            wvalid = 1; wlast = last; wstrb = strobe; wdata = wdata + 1;
            @(negedge clk);
            wvalid = 0;
        end
    endtask
    task b(input [1:0] resp);
        begin
            bvalid = 1; bresp = resp;
            @(negedge clk);
            bvalid = 0;
        end
    endtask

    // Legal in every way that the machine does not use itself: READY late on each channel, answers with errors, data lanes without a
    // strobe that change, a burst that ends at a 4 KiB border, unaligned and narrow and wrapping bursts, several under way.
    task legal;
        begin
            arready = 0;
            arvalid = 1; araddr = 40'hFF0; arlen = 3;
            repeat (3) @(negedge clk);
            arready = 1;
            @(negedge clk);
            arvalid = 0;
            ar(40'h1002, 0);
            rready = 0; rvalid = 1; rlast = 0; rresp = 2; rdata = 77;
            repeat (2) @(negedge clk);
            rready = 1;
            @(negedge clk);
            rvalid = 0;
            r(0, 0); r(0, 3); r(1, 0); r(1, 0);
            arburst = 2; ar(40'h2004, 3); arburst = 1; arsize = 0; ar(40'h2FFF, 0); arsize = 2;
            r(0, 0); r(0, 0); r(0, 0); r(1, 0); r(1, 0);
            awready = 0;
            awvalid = 1; awaddr = 40'h3002; awlen = 1;
            repeat (2) @(negedge clk);
            awready = 1; wvalid = 1; wlast = 0; wstrb = 4'b1100;   // with its address
            @(negedge clk);
            awvalid = 0;
            wready = 0; wlast = 1; wstrb = 4'b0001; wdata = 32'h11223344;
            @(negedge clk);
            wdata = 32'h55667744;
            @(negedge clk);
            wready = 1;
            @(negedge clk);
            wvalid = 0; bvalid = 1; bresp = 3; bready = 0;
            repeat (2) @(negedge clk);
            bready = 1;
            @(negedge clk);
            bvalid = 0;
            aw(40'h4000, 0); aw(40'h5000, 0);
            w(1, 15); w(1, 0);
            b(0); b(2);
        end
    endtask

    integer n;
    initial begin
        if (!$value$plusargs("case=%d", n)) n = 0;
        lite = n >= 100;
        if (n == 4) wvalid = 1;
        if (n == 105) bvalid = 1;
        repeat (4) @(negedge clk);
        wvalid = 0; bvalid = 0;
        rst_n = 1;
        repeat (2) @(negedge clk);
        case (n)
            0: legal;
            1: begin arready = 0; ar(0, 0); end
            2: begin awready = 0; awvalid = 1; awaddr = 64; @(negedge clk); awaddr = 68; @(negedge clk); end
            3: begin aw(0, 0); wready = 0; wvalid = 1; wlast = 1; wdata = 5; @(negedge clk); wdata = 6; @(negedge clk); end
            4: ;
            5: ar(40'hFF8, 3);
            6: begin awsize = 3; aw(0, 0); end
            7: begin arburst = 3; ar(0, 0); end
            8: begin arburst = 2; ar(0, 2); end
            9: w(1, 15);
            10: begin aw(0, 2); w(0, 15); w(1, 15); end
            11: begin aw(0, 1); w(0, 15); w(0, 15); end
            12: begin aw(40'h12, 0); w(1, 4'b0011); end
            13: r(1, 0);
            14: begin ar(0, 1); r(1, 0); end
            15: begin ar(0, 0); r(0, 0); end
            16: begin aw(0, 1); w(0, 15); b(0); end
            17: begin ar(0, 0); r(1, 1); end
            18: begin aw(0, 0); w(1, 15); b(1); end
            19: begin ar(0, 0); ar(64, 3); r(0, 0); end   // the second's data before the first's
            20: begin ar(0, 0); ar(4, 0); ar(8, 0); ar(12, 0); end
            21: begin arburst = 0; ar(0, 16); end
            22: begin rready = 0; ar(0, 0); rvalid = 1; rlast = 1; @(negedge clk); rdata = 9; @(negedge clk); end
            23: begin aw(0, 0); w(1, 15); b(0); b(0); end
            24: begin arvalid = 1'bx; @(negedge clk); end
            25: begin arvalid = 1; araddr = 40'hx; @(negedge clk); end
            26: begin aw(0, 0); wvalid = 1; wlast = 1; wdata = 32'hxxxx0000; wstrb = 4'b1100; @(negedge clk); end
            100: begin ar(0, 0); r(0, 0); aw(4, 0); w(0, 0); b(0); w(0, 0); aw(8, 0); b(2); end
            101: r(0, 0);
            102: begin aw(0, 0); b(0); end
            103: begin w(0, 0); b(0); end
            104: begin arready = 0; ar(4, 0); end
            105: ;
            106: begin ar(0, 0); r(0, 1); end
            107: begin wready = 0; wvalid = 1; wdata = 1; @(negedge clk); wdata = 2; @(negedge clk); end
            default: $display("no such case");
        endcase
        repeat (3) @(negedge clk);
        if (lite) $display("case %0d: rule %0d channel %0d", n, lite_violation ? lite_rule : 5'd0, lite_violation ? lite_channel : 3'd0);
        else      $display("case %0d: rule %0d channel %0d", n, violation ? rule : 5'd0, violation ? channel : 3'd0);
        $finish;
    end
endmodule
`default_nettype wire
