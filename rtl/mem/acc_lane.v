// acc_lane.v -- one lane of the accumulator: its word of every row, in all banks.
//
// Function : does the accesses given on its inputs and hands them to the next lane one cycle later.
// Latency  : rdata_o has the word in the cycle after the request, until that reader's next.
// Reset    : the request bits handed on.
// C twin   : simulator/banks.c.   Tests: tests/rtl/machine.c, tests/cosim.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
module acc_lane #(
    parameter N_BANKS     = 4,
    parameter N_BANK_ROWS = 64,
    parameter W_BANK      = 2,
    parameter W_ADDR      = 6
) (
    input  wire                      clk,
    input  wire                      rst_n,
    // readers: which of them reads, and in which bank
    input  wire [3:0]                rvalid_i,
    input  wire [4*W_BANK-1:0]       rbank_i,
    // by bank
    input  wire [N_BANKS-1:0]        re_i,
    input  wire [N_BANKS*W_ADDR-1:0] raddr_i,
    input  wire [N_BANKS-1:0]        we_i,
    input  wire [N_BANKS*W_ADDR-1:0] waddr_i,
    input  wire [N_BANKS*2-1:0]      wsel_i,   // which writer
    // the same for the next lane
    output wire [3:0]                rvalid_o,
    output wire [4*W_BANK-1:0]       rbank_o,
    output wire [N_BANKS-1:0]        re_o,
    output wire [N_BANKS*W_ADDR-1:0] raddr_o,
    output wire [N_BANKS-1:0]        we_o,
    output wire [N_BANKS*W_ADDR-1:0] waddr_o,
    output wire [N_BANKS*2-1:0]      wsel_o,
    // data, packed by reader and writer
    input  wire                      ld_mask_i, // 0: writer 3 leaves this lane out
    input  wire [4*32-1:0]           wdata_i,
    output wire [4*32-1:0]           rdata_o
);
    reg [3:0]                rvalid_q;
    reg [4*W_BANK-1:0]       rbank_q;
    reg [N_BANKS-1:0]        re_q;
    reg [N_BANKS*W_ADDR-1:0] raddr_q;
    reg [N_BANKS-1:0]        we_q;
    reg [N_BANKS*W_ADDR-1:0] waddr_q;
    reg [N_BANKS*2-1:0]      wsel_q;

    always @(posedge clk or negedge rst_n) begin
        if (!rst_n) begin
            rvalid_q <= 4'h0;
            re_q     <= {N_BANKS{1'b0}};
            we_q     <= {N_BANKS{1'b0}};
        end else begin
            rvalid_q <= rvalid_i;
            re_q     <= re_i;
            we_q     <= we_i;
        end
    end

    integer r;
    always @(posedge clk) begin
        if (|rvalid_i) begin
            raddr_q <= raddr_i;
            for (r = 0; r < 4; r = r + 1) begin
                if (rvalid_i[r]) begin
                    rbank_q[r*W_BANK +: W_BANK] <= rbank_i[r*W_BANK +: W_BANK];
                end
            end
        end
        if (|we_i) begin
            waddr_q <= waddr_i;
            wsel_q  <= wsel_i;
        end
    end

    assign rvalid_o = rvalid_q;
    assign rbank_o  = rbank_q;
    assign re_o     = re_q;
    assign raddr_o  = raddr_q;
    assign we_o     = we_q;
    assign waddr_o  = waddr_q;
    assign wsel_o   = wsel_q;

    wire [31:0] bank_rdata [0:N_BANKS-1];
    genvar b;
    generate
        for (b = 0; b < N_BANKS; b = b + 1) begin : g_bank
            wire [1:0] wsel = wsel_i[b*2 +: 2];
            acc_bank #(.N_ROWS(N_BANK_ROWS), .W_ADDR(W_ADDR)) u_bank (
                .clk     (clk),
                .re_i    (re_i[b]),
                .raddr_i (raddr_i[b*W_ADDR +: W_ADDR]),
                .rdata_o (bank_rdata[b]),
                .we_i    (we_i[b] && (ld_mask_i || wsel != 2'd3)),
                .waddr_i (waddr_i[b*W_ADDR +: W_ADDR]),
                .wdata_i (wdata_i[wsel*32 +: 32])
            );
        end
        for (b = 0; b < 4; b = b + 1) begin : g_reader
            assign rdata_o[b*32 +: 32] = bank_rdata[rbank_q[b*W_BANK +: W_BANK]];
        end
    endgenerate
endmodule
`default_nettype wire
