// spm.v -- the scratchpad: banks of rows of 32-bit words, and the switch between them and the units.
//
// Function : five readers (MXU A, MXU weights, VPU A, VPU B, ST) and three writers (VPU output, VPU second output, LD).
//            The bank arbiter sees to it that no two of them are at one bank's read port, or write port, at once.
// Latency  : the row is on rdata_o in the cycle after re_i, and only then; a write is seen by reads of later cycles.
// Protocol : none; the host uses the ports of ST and LD while nothing runs.
// C twin   : simulator/banks.c.   Tests: tests/rtl/machine.c, tests/cosim.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
module spm #(
    parameter N_WORDS = 1,      // 32-bit words of a row
    parameter N_BANKS = 8,
    parameter N_ROWS  = 2048,   // of all banks
    parameter W_ROW   = 11
) (
    input  wire                    clk,
    // readers, packed from 0: MXU A, MXU weights, VPU A, VPU B, ST
    input  wire [4:0]              re_i,
    input  wire [5*W_ROW-1:0]      raddr_i,
    output wire [5*N_WORDS*32-1:0] rdata_o,
    // writers, packed from 0: VPU output, VPU second output, LD (by word for the host)
    input  wire [1:0]              vpu_we_i,
    input  wire [N_WORDS-1:0]      ld_we_i,
    input  wire [3*W_ROW-1:0]      waddr_i,
    input  wire [3*N_WORDS*32-1:0] wdata_i
);
    localparam W_BANK = $clog2(N_BANKS);
    localparam N_BANK_ROWS = N_ROWS / N_BANKS;
    localparam W_ADDR = N_BANK_ROWS > 1 ? $clog2(N_BANK_ROWS) : 1;

    wire [N_WORDS*32-1:0] bank_rdata [0:N_BANKS-1];

    // ------------------------------------------------------------------ one-hot bank of each request
    wire [5*N_BANKS-1:0] rsel;
    wire [3*N_BANKS-1:0] wsel;
    wire [5*W_ADDR-1:0]  radr;
    wire [3*W_ADDR-1:0]  wadr;
    wire [2:0]           we = {|ld_we_i, vpu_we_i};
    genvar r;
    generate
        for (r = 0; r < 5; r = r + 1) begin : g_reader
            wire [W_BANK-1:0] bank = raddr_i[r*W_ROW + W_ROW - 1 -: W_BANK];
            reg  [W_BANK-1:0] bank_q;
            always @(posedge clk) begin
                if (re_i[r]) begin
                    bank_q <= bank;
                end
            end
            assign rsel[r*N_BANKS +: N_BANKS] = {{(N_BANKS-1){1'b0}}, re_i[r]} << bank;
            assign rdata_o[r*N_WORDS*32 +: N_WORDS*32] = bank_rdata[bank_q];
            if (N_BANK_ROWS > 1) begin : g_addr
                assign radr[r*W_ADDR +: W_ADDR] = raddr_i[r*W_ROW +: W_ADDR];
            end else begin : g_single
                assign radr[r*W_ADDR +: W_ADDR] = 1'b0;
            end
        end
        for (r = 0; r < 3; r = r + 1) begin : g_writer
            wire [W_BANK-1:0] bank = waddr_i[r*W_ROW + W_ROW - 1 -: W_BANK];
            assign wsel[r*N_BANKS +: N_BANKS] = {{(N_BANKS-1){1'b0}}, we[r]} << bank;
            if (N_BANK_ROWS > 1) begin : g_addr
                assign wadr[r*W_ADDR +: W_ADDR] = waddr_i[r*W_ROW +: W_ADDR];
            end else begin : g_single
                assign wadr[r*W_ADDR +: W_ADDR] = 1'b0;
            end
        end
    endgenerate

    wire [N_BANKS-1:0] any_read = rsel[0 +: N_BANKS] | rsel[N_BANKS +: N_BANKS] | rsel[2*N_BANKS +: N_BANKS]
                                | rsel[3*N_BANKS +: N_BANKS] | rsel[4*N_BANKS +: N_BANKS];
    wire [N_BANKS-1:0] any_write = wsel[0 +: N_BANKS] | wsel[N_BANKS +: N_BANKS] | wsel[2*N_BANKS +: N_BANKS];

    // ------------------------------------------------------------------ banks
    genvar b;
    generate
        for (b = 0; b < N_BANKS; b = b + 1) begin : g_bank
            reg [W_ADDR-1:0] raddr;
            reg [W_ADDR-1:0] waddr;
            reg [N_WORDS-1:0] wen;
            reg [N_WORDS*32-1:0] wdata;

            always @* begin
                raddr = radr[0 +: W_ADDR];
                if (any_read[b]) begin
                    if (rsel[N_BANKS + b])   raddr = radr[W_ADDR +: W_ADDR];
                    if (rsel[2*N_BANKS + b]) raddr = radr[2*W_ADDR +: W_ADDR];
                    if (rsel[3*N_BANKS + b]) raddr = radr[3*W_ADDR +: W_ADDR];
                    if (rsel[4*N_BANKS + b]) raddr = radr[4*W_ADDR +: W_ADDR];
                end
            end
            always @* begin
                waddr = wadr[0 +: W_ADDR];
                wen   = {N_WORDS{1'b0}};
                wdata = wdata_i[0 +: N_WORDS*32];
                if (any_write[b]) begin
                    wen = {N_WORDS{1'b1}};
                    if (wsel[N_BANKS + b]) begin
                        waddr = wadr[W_ADDR +: W_ADDR];
                        wdata = wdata_i[N_WORDS*32 +: N_WORDS*32];
                    end
                    if (wsel[2*N_BANKS + b]) begin
                        waddr = wadr[2*W_ADDR +: W_ADDR];
                        wdata = wdata_i[2*N_WORDS*32 +: N_WORDS*32];
                        wen   = ld_we_i;
                    end
                end
            end

            spm_bank #(.N_WORDS(N_WORDS), .N_ROWS(N_BANK_ROWS), .W_ADDR(W_ADDR)) u_bank (
                .clk     (clk),
                .re_i    (any_read[b]),
                .raddr_i (raddr),
                .rdata_o (bank_rdata[b]),
                .we_i    (wen),
                .waddr_i (waddr),
                .wdata_i (wdata)
            );
        end
    endgenerate
endmodule
`default_nettype wire
