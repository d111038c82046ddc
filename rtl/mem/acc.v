// acc.v -- the accumulator: banks of rows of D 32-bit words, skewed by lane.
//
// Function : four readers (MXU, VPU A, VPU B, ST) and four writers (MXU, VPU output, VPU second output, LD).
//            A request names a row when lane 0 is accessed; lane j is accessed j cycles later.
// Latency  : lane j of rdata_o has its word in the cycle after its access; wdata_i brings lane j in the cycle of its access.
// Protocol : none; the bank arbiter keeps the requests apart. The host uses the ports of ST and LD while nothing runs.
// Reset    : requests under way; contents survive START.
// C twin   : simulator/banks.c.   Tests: tests/rtl/machine.c, tests/cosim.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
module acc #(
    parameter D       = 4,
    parameter N_BANKS = 4,
    parameter N_ROWS  = 256,
    parameter W_ROW   = 8
) (
    input  wire               clk,
    input  wire               rst_n,
    // readers, packed from 0: MXU, VPU A, VPU B, ST
    input  wire [3:0]         re_i,
    input  wire [4*W_ROW-1:0] raddr_i,
    output wire [4*D*32-1:0]  rdata_o,
    // writers, packed from 0: MXU, VPU output, VPU second output, LD
    input  wire [3:0]         we_i,
    input  wire [4*W_ROW-1:0] waddr_i,
    input  wire [D-1:0]       ld_mask_i, // lanes that LD's port writes, steady for D cycles (the host writes single words)
    input  wire [4*D*32-1:0]  wdata_i
);
    localparam W_BANK = $clog2(N_BANKS);
    localparam N_BANK_ROWS = N_ROWS / N_BANKS;
    localparam W_ADDR = N_BANK_ROWS > 1 ? $clog2(N_BANK_ROWS) : 1;

    // ------------------------------------------------------------------ lane 0: requests by bank
    reg [N_BANKS-1:0]        re;
    reg [N_BANKS*W_ADDR-1:0] raddr;
    reg [N_BANKS-1:0]        we;
    reg [N_BANKS*W_ADDR-1:0] waddr;
    reg [N_BANKS*2-1:0]      wsel;
    wire [4*W_BANK-1:0]      rbank;
    wire [4*W_BANK-1:0]      wbank;
    wire [4*W_ADDR-1:0]      radr;
    wire [4*W_ADDR-1:0]      wadr;

    genvar g;
    generate
        for (g = 0; g < 4; g = g + 1) begin : g_request
            assign rbank[g*W_BANK +: W_BANK] = raddr_i[g*W_ROW + W_ROW - 1 -: W_BANK];
            assign wbank[g*W_BANK +: W_BANK] = waddr_i[g*W_ROW + W_ROW - 1 -: W_BANK];
            if (N_BANK_ROWS > 1) begin : g_addr
                assign radr[g*W_ADDR +: W_ADDR] = raddr_i[g*W_ROW +: W_ADDR];
                assign wadr[g*W_ADDR +: W_ADDR] = waddr_i[g*W_ROW +: W_ADDR];
            end else begin : g_single
                assign radr[g*W_ADDR +: W_ADDR] = 1'b0;
                assign wadr[g*W_ADDR +: W_ADDR] = 1'b0;
            end
        end
    endgenerate

    integer r;
    integer i_bank;
    always @* begin
        re    = {N_BANKS{1'b0}};
        raddr = {N_BANKS*W_ADDR{1'b0}};
        we    = {N_BANKS{1'b0}};
        waddr = {N_BANKS*W_ADDR{1'b0}};
        wsel  = {N_BANKS*2{1'b0}};
        for (r = 0; r < 4; r = r + 1) begin
            if (re_i[r]) begin
                for (i_bank = 0; i_bank < N_BANKS; i_bank = i_bank + 1) begin
                    if (rbank[r*W_BANK +: W_BANK] == i_bank[W_BANK-1:0]) begin
                        re[i_bank] = 1'b1;
                        raddr[i_bank*W_ADDR +: W_ADDR] = radr[r*W_ADDR +: W_ADDR];
                    end
                end
            end
            if (we_i[r]) begin
                for (i_bank = 0; i_bank < N_BANKS; i_bank = i_bank + 1) begin
                    if (wbank[r*W_BANK +: W_BANK] == i_bank[W_BANK-1:0]) begin
                        we[i_bank] = 1'b1;
                        waddr[i_bank*W_ADDR +: W_ADDR] = wadr[r*W_ADDR +: W_ADDR];
                        wsel[i_bank*2 +: 2] = r[1:0];
                    end
                end
            end
        end
    end

    // ------------------------------------------------------------------ lanes
    genvar j;
    genvar p;
    generate
        for (j = 0; j < D; j = j + 1) begin : g_lane
            wire [3:0]                l_rvalid, n_rvalid;
            wire [4*W_BANK-1:0]       l_rbank, n_rbank;
            wire [N_BANKS-1:0]        l_re, n_re, l_we, n_we;
            wire [N_BANKS*W_ADDR-1:0] l_raddr, n_raddr, l_waddr, n_waddr;
            wire [N_BANKS*2-1:0]      l_wsel, n_wsel;
            wire [4*32-1:0]           wdata;
            wire [4*32-1:0]           rdata;
            if (j == 0) begin : g_first
                assign l_rvalid = re_i;
                assign l_rbank  = rbank;
                assign l_re     = re;
                assign l_raddr  = raddr;
                assign l_we     = we;
                assign l_waddr  = waddr;
                assign l_wsel   = wsel;
            end else begin : g_next
                assign l_rvalid = g_lane[j-1].n_rvalid;
                assign l_rbank  = g_lane[j-1].n_rbank;
                assign l_re     = g_lane[j-1].n_re;
                assign l_raddr  = g_lane[j-1].n_raddr;
                assign l_we     = g_lane[j-1].n_we;
                assign l_waddr  = g_lane[j-1].n_waddr;
                assign l_wsel   = g_lane[j-1].n_wsel;
            end
            for (p = 0; p < 4; p = p + 1) begin : g_port
                assign wdata[p*32 +: 32] = wdata_i[(p*D + j)*32 +: 32];
                assign rdata_o[(p*D + j)*32 +: 32] = rdata[p*32 +: 32];
            end
            acc_lane #(.N_BANKS(N_BANKS), .N_BANK_ROWS(N_BANK_ROWS), .W_BANK(W_BANK), .W_ADDR(W_ADDR)) u_lane (
                .clk       (clk),
                .rst_n     (rst_n),
                .rvalid_i  (l_rvalid),
                .rbank_i   (l_rbank),
                .re_i      (l_re),
                .raddr_i   (l_raddr),
                .we_i      (l_we),
                .waddr_i   (l_waddr),
                .wsel_i    (l_wsel),
                .rvalid_o  (n_rvalid),
                .rbank_o   (n_rbank),
                .re_o      (n_re),
                .raddr_o   (n_raddr),
                .we_o      (n_we),
                .waddr_o   (n_waddr),
                .wsel_o    (n_wsel),
                .ld_mask_i (ld_mask_i[j]),
                .wdata_i   (wdata),
                .rdata_o   (rdata)
            );
        end
    endgenerate
endmodule
`default_nettype wire
