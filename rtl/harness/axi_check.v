// axi_check.v -- looks on at an AXI4 bus with one ID and stops at the first rule that is broken.
//
// Function : the rules of axi_rules.vh: those of every channel (axi_channel_check.v); a burst stays within 4 KiB, its length,
//            size and type are legal; a W beat follows its AW, WLAST and RLAST mark the last beats, answers come in order,
//            each after its request (B after WLAST), and never EXOKAY; strobes lie within the bytes of the burst.
// Latency  : violation_o, rule_o and channel_o are set in the cycle after the one that broke the rule, and stay.
// Protocol : looks on; simulation only. While enable_i is low nothing is looked at: reset before it is high again.
// Reset    : no burst under way.
// C twin   : none.   Tests: tests/rtl/axi; bound in rtl/harness/harness.sv, so in every run of the Verilog.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
`include "axi_rules.vh"
module axi_check #(
    parameter W_ADDR     = 40,
    parameter BEAT_BYTES = 16,
    parameter DEPTH      = 1024   // bursts under way in a direction, a power of two
) (
    input  wire                    clk,
    input  wire                    rst_n,
    input  wire                    enable_i,
    input  wire                    arvalid_i,
    input  wire                    arready_i,
    input  wire [W_ADDR-1:0]       araddr_i,
    input  wire [7:0]              arlen_i,
    input  wire [2:0]              arsize_i,
    input  wire [1:0]              arburst_i,
    input  wire                    rvalid_i,
    input  wire                    rready_i,
    input  wire [BEAT_BYTES*8-1:0] rdata_i,
    input  wire [1:0]              rresp_i,
    input  wire                    rlast_i,
    input  wire                    awvalid_i,
    input  wire                    awready_i,
    input  wire [W_ADDR-1:0]       awaddr_i,
    input  wire [7:0]              awlen_i,
    input  wire [2:0]              awsize_i,
    input  wire [1:0]              awburst_i,
    input  wire                    wvalid_i,
    input  wire                    wready_i,
    input  wire [BEAT_BYTES*8-1:0] wdata_i,
    input  wire [BEAT_BYTES-1:0]   wstrb_i,
    input  wire                    wlast_i,
    input  wire                    bvalid_i,
    input  wire                    bready_i,
    input  wire [1:0]              bresp_i,
    output reg                     violation_o,
    output reg  [4:0]              rule_o,
    output reg  [2:0]              channel_o
);
    localparam W_INDEX = $clog2(DEPTH);
    localparam [31:0] SIZE32 = $clog2(BEAT_BYTES);
    localparam [31:0] DEPTH32 = DEPTH;

    // ------------------------------------------------------------------ each channel by itself
    wire [4:0] ar_rule, r_rule, aw_rule, w_rule, b_rule;
    axi_channel_check #(.W_PAYLOAD(W_ADDR + 13)) u_ar (
        .clk(clk), .rst_n(rst_n), .valid_i(arvalid_i), .ready_i(arready_i),
        .payload_i({araddr_i, arlen_i, arsize_i, arburst_i}), .rule_o(ar_rule)
    );
    axi_channel_check #(.W_PAYLOAD(BEAT_BYTES*8 + 3)) u_r (
        .clk(clk), .rst_n(rst_n), .valid_i(rvalid_i), .ready_i(rready_i),
        .payload_i({rdata_i, rresp_i, rlast_i}), .rule_o(r_rule)
    );
    axi_channel_check #(.W_PAYLOAD(W_ADDR + 13)) u_aw (
        .clk(clk), .rst_n(rst_n), .valid_i(awvalid_i), .ready_i(awready_i),
        .payload_i({awaddr_i, awlen_i, awsize_i, awburst_i}), .rule_o(aw_rule)
    );
    axi_channel_check #(.W_PAYLOAD(BEAT_BYTES + 1)) u_w (   // lanes without a strobe may hold anything
        .clk(clk), .rst_n(rst_n), .valid_i(wvalid_i), .ready_i(wready_i),
        .payload_i({wstrb_i, wlast_i}), .rule_o(w_rule)
    );
    axi_channel_check #(.W_PAYLOAD(2)) u_b (
        .clk(clk), .rst_n(rst_n), .valid_i(bvalid_i), .ready_i(bready_i), .payload_i(bresp_i), .rule_o(b_rule)
    );
    reg [BEAT_BYTES*8-1:0] wmask, wdata_q;
    reg                    w_waiting_q;
    integer i;
    always @* begin
        for (i = 0; i < BEAT_BYTES; i = i + 1) begin
            wmask[i*8 +: 8] = {8{wstrb_i[i]}};
        end
    end

    // ------------------------------------------------------------------ an address: 0 or the rule that it breaks
    function [4:0] address_rule(input [11:0] addr, input [7:0] len, input [2:0] size, input [1:0] burst);
        reg [15:0] bytes, first;
        reg        power;
        begin
            bytes = ({8'd0, len} + 16'd1) << size;
            first = {4'd0, addr} & ~((16'd1 << size) - 16'd1);   // of the first beat, within 4 KiB
            power = len == 8'd1 || len == 8'd3 || len == 8'd7 || len == 8'd15;
            address_rule = `AXI_NO_RULE;
            if ({29'd0, size} > SIZE32) begin
                address_rule = `AXI_SIZE;
            end else if (burst == 2'b11) begin
                address_rule = `AXI_BURST_TYPE;
            end else if ((burst == 2'b00 && len > 8'd15) || (burst == 2'b10 && (!power || first != {4'd0, addr}))) begin
                address_rule = `AXI_BURST_LENGTH;
            end else if (burst == 2'b01 && first + bytes > 16'd4096) begin
                address_rule = `AXI_CROSSES_4K;
            end
        end
    endfunction

    // ------------------------------------------------------------------ bursts under way
    reg [7:0]         ar_len_q [0:DEPTH-1];
    reg [7:0]         aw_len_q [0:DEPTH-1];
    reg [6:0]         aw_low_q [0:DEPTH-1];   // the first byte within its beat
    reg [W_INDEX-1:0] ar_head_q, ar_tail_q, aw_head_q, aw_tail_q;
    reg [W_INDEX:0]   n_read_q, n_write_q, n_owed_q;   // reads; writes whose W is not over; writes that wait for B
    reg [7:0]         r_beat_q, w_beat_q;
    localparam [31:0] LOW32 = BEAT_BYTES - 1;

    wire ar_taken = arvalid_i && arready_i;
    wire r_taken  = rvalid_i && rready_i;
    wire aw_taken = awvalid_i && awready_i;
    wire w_taken  = wvalid_i && wready_i;
    wire b_taken  = bvalid_i && bready_i;
    wire r_end    = r_taken && rlast_i;
    wire w_end    = w_taken && wlast_i;
    // a W beat may come in the cycle in which its AW is taken
    wire       w_through = n_write_q == 0 && aw_taken;
    wire [7:0] w_len     = w_through ? awlen_i : aw_len_q[aw_head_q];
    wire [6:0] w_low     = w_through ? awaddr_i[6:0] & LOW32[6:0] : aw_low_q[aw_head_q];
    wire [BEAT_BYTES-1:0] w_below = ~({BEAT_BYTES{1'b1}} << w_low);

    reg [4:0] rule;
    reg [2:0] channel;
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
            if (arvalid_i && address_rule(araddr_i[11:0], arlen_i, arsize_i, arburst_i) != `AXI_NO_RULE) begin
                rule = address_rule(araddr_i[11:0], arlen_i, arsize_i, arburst_i);
            end else if (ar_taken && {{(31-W_INDEX){1'b0}}, n_read_q} == DEPTH32 - 1) begin
                rule = `AXI_TOO_MANY;
            end else if (rvalid_i && n_read_q == 0) begin
                rule    = `AXI_R_WITHOUT_AR;
                channel = `AXI_R;
            end else if (rvalid_i && rlast_i != (r_beat_q == ar_len_q[ar_head_q])) begin
                rule    = `AXI_RLAST;
                channel = `AXI_R;
            end else if (rvalid_i && rresp_i == 2'b01) begin
                rule    = `AXI_EXOKAY;
                channel = `AXI_R;
            end else if (awvalid_i && address_rule(awaddr_i[11:0], awlen_i, awsize_i, awburst_i) != `AXI_NO_RULE) begin
                rule    = address_rule(awaddr_i[11:0], awlen_i, awsize_i, awburst_i);
                channel = `AXI_AW;
            end else if (aw_taken && {{(31-W_INDEX){1'b0}}, n_write_q} == DEPTH32 - 1) begin
                rule    = `AXI_TOO_MANY;
                channel = `AXI_AW;
            end else if (wvalid_i && n_write_q == 0 && !aw_taken) begin
                rule    = `AXI_W_WITHOUT_AW;
                channel = `AXI_W;
            end else if (wvalid_i && wlast_i != (w_beat_q == w_len)) begin
                rule    = `AXI_WLAST;
                channel = `AXI_W;
            end else if (wvalid_i && w_beat_q == 8'd0 && (wstrb_i & w_below) != 0) begin
                rule    = `AXI_WSTRB;
                channel = `AXI_W;
            end else if (w_waiting_q && ((wdata_i ^ wdata_q) & wmask) != 0) begin
                rule    = `AXI_PAYLOAD_CHANGED;
                channel = `AXI_W;
            end else if (wvalid_i && ((^(wdata_i & wmask)) ^ (^(wdata_i & wmask))) !== 1'b0) begin
                rule    = `AXI_UNKNOWN;
                channel = `AXI_W;
            end else if (bvalid_i && n_owed_q == 0) begin
                rule    = `AXI_B_EARLY;
                channel = `AXI_B;
            end else if (bvalid_i && bresp_i == 2'b01) begin
                rule    = `AXI_EXOKAY;
                channel = `AXI_B;
            end
        end
    end

    always @(posedge clk) begin
        w_waiting_q <= rst_n && wvalid_i && !wready_i;
        wdata_q     <= wdata_i;
        if (ar_taken) begin
            ar_len_q[ar_tail_q] <= arlen_i;
        end
        if (aw_taken) begin
            aw_len_q[aw_tail_q] <= awlen_i;
            aw_low_q[aw_tail_q] <= awaddr_i[6:0] & LOW32[6:0];
        end
    end
    always @(posedge clk or negedge rst_n) begin
        if (!rst_n) begin
            ar_head_q <= 0;
            ar_tail_q <= 0;
            aw_head_q <= 0;
            aw_tail_q <= 0;
            n_read_q  <= 0;
            n_write_q <= 0;
            n_owed_q  <= 0;
            r_beat_q  <= 8'd0;
            w_beat_q  <= 8'd0;
        end else begin
            ar_tail_q <= ar_tail_q + {{(W_INDEX-1){1'b0}}, ar_taken};
            ar_head_q <= ar_head_q + {{(W_INDEX-1){1'b0}}, r_end};
            aw_tail_q <= aw_tail_q + {{(W_INDEX-1){1'b0}}, aw_taken};
            aw_head_q <= aw_head_q + {{(W_INDEX-1){1'b0}}, w_end};
            n_read_q  <= n_read_q + {{W_INDEX{1'b0}}, ar_taken} - {{W_INDEX{1'b0}}, r_end};
            n_write_q <= n_write_q + {{W_INDEX{1'b0}}, aw_taken} - {{W_INDEX{1'b0}}, w_end};
            n_owed_q  <= n_owed_q + {{W_INDEX{1'b0}}, w_end} - {{W_INDEX{1'b0}}, b_taken};
            if (r_taken) begin
                r_beat_q <= rlast_i ? 8'd0 : r_beat_q + 8'd1;
            end
            if (w_taken) begin
                w_beat_q <= wlast_i ? 8'd0 : w_beat_q + 8'd1;
            end
        end
    end

    // ------------------------------------------------------------------ the first violation
    initial begin
        violation_o = 1'b0;
        rule_o      = `AXI_NO_RULE;
        channel_o   = `AXI_AR;
    end
    always @(posedge clk) begin
        if (enable_i && !violation_o && rule != `AXI_NO_RULE) begin
            violation_o <= 1'b1;
            rule_o      <= rule;
            channel_o   <= channel;
        end
    end
endmodule
`default_nettype wire
