// st_write.v -- ST's store buffer and its side of the bus.
//
// Function : collects pieces into beats, beats into bursts; a complete burst is requested in order, its beats follow.
//            A beat has room in the buffer from its first piece to its transfer.
// Latency  : AW in the cycle after a burst's last piece at the earliest, W beats from the cycle after AW.
// Protocol : AXI4 AW, W, B: one ID, INCR, in order; valids stay until ready and do not depend on it; BREADY is always 1.
// Reset    : empty.
// C twin   : simulator/st.c.   Tests: tests/rtl/machine.c, tests/cosim.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
module st_write #(
    parameter BEAT_BYTES  = 4,
    parameter OUTSTANDING = 8,
    parameter N_BEATS     = 32
) (
    input  wire                    clk,
    input  wire                    rst_n,
    // pieces: bytes at their place in the beat
    input  wire                    piece_i,
    input  wire [BEAT_BYTES*8-1:0] data_i,
    input  wire [BEAT_BYTES-1:0]   strobe_i,
    input  wire [39:0]             addr_i,
    input  wire                    beat_end_i,
    input  wire                    burst_end_i,
    output wire                    ready_o,       // the next piece's beat has its room
    // counts for the ends of commands
    output wire [31:0]             bursts_o,      // complete, this cycle's included
    output wire [31:0]             answered_o,    // B seen, this cycle's included
    output wire                    quiet_o,
    output wire                    beat_o,        // a beat moves on the bus
    output wire                    axi_err_o,
    // AXI4 write channels
    output wire                    awvalid_o,
    input  wire                    awready_i,
    output wire [39:0]             awaddr_o,
    output wire [7:0]              awlen_o,
    output wire                    wvalid_o,
    input  wire                    wready_i,
    output wire [BEAT_BYTES*8-1:0] wdata_o,
    output wire [BEAT_BYTES-1:0]   wstrb_o,
    output wire                    wlast_o,
    input  wire                    bvalid_i,
    output wire                    bready_o,
    input  wire [1:0]              bresp_i
);
    localparam W_BEAT = $clog2(BEAT_BYTES);
    localparam [31:0] BEATS32 = N_BEATS;
    localparam [31:0] OUT32 = OUTSTANDING;

    // ------------------------------------------------------------------ the beat and the burst under assembly
    reg                    in_beat_q, in_burst_q;
    reg [BEAT_BYTES*8-1:0] data_q, data;
    reg [BEAT_BYTES-1:0]   strobe_q;
    reg [39:0]             burst_addr_q;
    reg [7:0]              burst_len_q;      // beats before this one
    reg [12:0]             stored_q;
    wire [BEAT_BYTES-1:0]  strobe = (in_beat_q ? strobe_q : {BEAT_BYTES{1'b0}}) | strobe_i;
    wire                   transfer = wvalid_o && wready_i;
    wire                   first_piece = piece_i && !in_beat_q;
    integer b;
    always @* begin
        data = data_q;
        if (piece_i) begin
            for (b = 0; b < BEAT_BYTES; b = b + 1) begin
                if (strobe_i[b]) begin
                    data[b*8 +: 8] = data_i[b*8 +: 8];
                end
            end
        end
    end
    assign ready_o = in_beat_q || stored_q < BEATS32[12:0];

    wire [39:0] burst_addr = in_burst_q ? burst_addr_q : {addr_i[39:W_BEAT], {W_BEAT{1'b0}}};
    wire [7:0]  burst_len  = in_burst_q ? burst_len_q : 8'd0;
    always @(posedge clk or negedge rst_n) begin
        if (!rst_n) begin
            in_beat_q  <= 1'b0;
            in_burst_q <= 1'b0;
            stored_q   <= 13'd0;
        end else begin
            if (piece_i) begin
                in_beat_q  <= !beat_end_i;
                in_burst_q <= !burst_end_i;
            end
            if (first_piece != transfer) begin
                stored_q <= first_piece ? stored_q + 13'd1 : stored_q - 13'd1;
            end
        end
    end
    always @(posedge clk) begin
        if (piece_i) begin
            data_q       <= data;
            strobe_q     <= strobe;
            burst_addr_q <= burst_addr;
            burst_len_q  <= burst_len + {7'd0, beat_end_i};
        end
    end

    // ------------------------------------------------------------------ buffer, requests, transfers
    wire beat_valid, beat_full, burst_valid, burst_full;
    queue #(.N(N_BEATS), .W_DATA(BEAT_BYTES*9 + 1)) u_beats (
        .clk     (clk),
        .rst_n   (rst_n),
        .push_i  (piece_i && beat_end_i),
        .data_i  ({burst_end_i, strobe, data}),
        .full_o  (beat_full),
        .pop_i   (transfer),
        .valid_o (beat_valid),
        .data_o  ({wlast_o, wstrb_o, wdata_o})
    );
    queue #(.N(N_BEATS), .W_DATA(48)) u_bursts (
        .clk     (clk),
        .rst_n   (rst_n),
        .push_i  (piece_i && burst_end_i),
        .data_i  ({burst_addr, burst_len}),
        .full_o  (burst_full),
        .pop_i   (awvalid_o && awready_i),
        .valid_o (burst_valid),
        .data_o  ({awaddr_o, awlen_o})
    );

    reg [9:0]  in_flight_q;
    reg [12:0] owed_q;           // beats of requested bursts not transferred
    reg [31:0] bursts_q, answered_q;
    wire request = awvalid_o && awready_i;
    assign awvalid_o  = burst_valid && in_flight_q < OUT32[9:0];
    assign wvalid_o   = owed_q != 13'd0;
    assign bready_o   = 1'b1;
    assign bursts_o   = bursts_q + {31'd0, piece_i && burst_end_i};
    assign answered_o = answered_q + {31'd0, bvalid_i};
    assign quiet_o    = in_flight_q == 10'd0;
    assign beat_o     = transfer;
    assign axi_err_o  = bvalid_i && bresp_i[1];
    always @(posedge clk or negedge rst_n) begin
        if (!rst_n) begin
            in_flight_q <= 10'd0;
            owed_q      <= 13'd0;
            bursts_q    <= 32'd0;
            answered_q  <= 32'd0;
        end else begin
            if (request != bvalid_i) begin
                in_flight_q <= request ? in_flight_q + 10'd1 : in_flight_q - 10'd1;
            end
            if (request || transfer) begin
                owed_q <= owed_q + (request ? {5'd0, awlen_o} + 13'd1 : 13'd0) - {12'd0, transfer};
            end
            bursts_q   <= bursts_o;
            answered_q <= answered_o;
        end
    end
    wire unused = &{1'b0, beat_valid, beat_full, burst_full, bresp_i[0], addr_i[W_BEAT-1:0]};
endmodule
`default_nettype wire
