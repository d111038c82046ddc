// axi_lite_check.v -- looks on at an AXI4-Lite bus and stops at the first rule that is broken.
//
// Function : the rules of every channel (axi_channel_check.v); R after its AR, B after its AW and its W; never EXOKAY.
// Latency  : violation_o, rule_o and channel_o are set in the cycle after the one that broke the rule, and stay.
// Protocol : looks on; simulation only.
// Reset    : nothing under way.
// C twin   : none.   Tests: tests/rtl/axi; bound in rtl/harness/harness.sv, so in every run of the Verilog.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
`include "axi_rules.vh"
module axi_lite_check #(
    parameter W_ADDR = 12
) (
    input  wire              clk,
    input  wire              rst_n,
    input  wire              arvalid_i,
    input  wire              arready_i,
    input  wire [W_ADDR-1:0] araddr_i,
    input  wire              rvalid_i,
    input  wire              rready_i,
    input  wire [31:0]       rdata_i,
    input  wire [1:0]        rresp_i,
    input  wire              awvalid_i,
    input  wire              awready_i,
    input  wire [W_ADDR-1:0] awaddr_i,
    input  wire              wvalid_i,
    input  wire              wready_i,
    input  wire [31:0]       wdata_i,
    input  wire              bvalid_i,
    input  wire              bready_i,
    input  wire [1:0]        bresp_i,
    output reg               violation_o,
    output reg  [4:0]        rule_o,
    output reg  [2:0]        channel_o
);
    wire [4:0] ar_rule, r_rule, aw_rule, w_rule, b_rule;
    axi_channel_check #(.W_PAYLOAD(W_ADDR)) u_ar (
        .clk(clk), .rst_n(rst_n), .valid_i(arvalid_i), .ready_i(arready_i), .payload_i(araddr_i), .rule_o(ar_rule)
    );
    axi_channel_check #(.W_PAYLOAD(34)) u_r (
        .clk(clk), .rst_n(rst_n), .valid_i(rvalid_i), .ready_i(rready_i), .payload_i({rdata_i, rresp_i}), .rule_o(r_rule)
    );
    axi_channel_check #(.W_PAYLOAD(W_ADDR)) u_aw (
        .clk(clk), .rst_n(rst_n), .valid_i(awvalid_i), .ready_i(awready_i), .payload_i(awaddr_i), .rule_o(aw_rule)
    );
    axi_channel_check #(.W_PAYLOAD(32)) u_w (
        .clk(clk), .rst_n(rst_n), .valid_i(wvalid_i), .ready_i(wready_i), .payload_i(wdata_i), .rule_o(w_rule)
    );
    axi_channel_check #(.W_PAYLOAD(2)) u_b (
        .clk(clk), .rst_n(rst_n), .valid_i(bvalid_i), .ready_i(bready_i), .payload_i(bresp_i), .rule_o(b_rule)
    );

    reg [7:0] n_ar_q, n_aw_q, n_w_q;   // taken and not answered
    reg [4:0] rule;
    reg [2:0] channel;
    wire      r_taken = rvalid_i && rready_i;
    wire      b_taken = bvalid_i && bready_i;
    always @* begin
        rule    = `AXI_NO_RULE;
        channel = `AXI_AR;
        if (ar_rule != `AXI_NO_RULE) begin
            rule = ar_rule;
        end else if (r_rule != `AXI_NO_RULE) begin
            rule    = r_rule;
            channel = `AXI_R;
        end else if (aw_rule != `AXI_NO_RULE) begin
            rule    = aw_rule;
            channel = `AXI_AW;
        end else if (w_rule != `AXI_NO_RULE) begin
            rule    = w_rule;
            channel = `AXI_W;
        end else if (b_rule != `AXI_NO_RULE) begin
            rule    = b_rule;
            channel = `AXI_B;
        end else if (rst_n) begin
            if (rvalid_i && n_ar_q == 8'd0) begin
                rule    = `AXI_R_WITHOUT_AR;
                channel = `AXI_R;
            end else if (rvalid_i && rresp_i == 2'b01) begin
                rule    = `AXI_EXOKAY;
                channel = `AXI_R;
            end else if (bvalid_i && (n_aw_q == 8'd0 || n_w_q == 8'd0)) begin
                rule    = `AXI_B_EARLY;
                channel = `AXI_B;
            end else if (bvalid_i && bresp_i == 2'b01) begin
                rule    = `AXI_EXOKAY;
                channel = `AXI_B;
            end
        end
    end
    always @(posedge clk or negedge rst_n) begin
        if (!rst_n) begin
            n_ar_q <= 8'd0;
            n_aw_q <= 8'd0;
            n_w_q  <= 8'd0;
        end else begin
            n_ar_q <= n_ar_q + {7'd0, arvalid_i && arready_i} - {7'd0, r_taken};
            n_aw_q <= n_aw_q + {7'd0, awvalid_i && awready_i} - {7'd0, b_taken};
            n_w_q  <= n_w_q + {7'd0, wvalid_i && wready_i} - {7'd0, b_taken};
        end
    end

    // ------------------------------------------------------------------ the first violation
    initial begin
        violation_o = 1'b0;
        rule_o      = `AXI_NO_RULE;
        channel_o   = `AXI_AR;
    end
    always @(posedge clk) begin
        if (!violation_o && rule != `AXI_NO_RULE) begin
            violation_o <= 1'b1;
            rule_o      <= rule;
            channel_o   <= channel;
        end
    end
endmodule
`default_nettype wire
