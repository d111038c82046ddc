// int_to_fp.v -- int32 to fp32, round to nearest even.
//
// Latency  : combinational; 0 unless en_i.
// C twin   : simulator/vpu.c.   Tests: tests/rtl/fp.sh.
//
// SPDX-License-Identifier: Apache-2.0
`default_nettype none
module int_to_fp (
    input  wire        en_i,
    input  wire [31:0] a_i,
    output reg  [31:0] y_o
);
    reg [31:0] m;     // magnitude, its leading one brought to bit 31
    reg [7:0]  e;
    always @* begin
        y_o = 32'd0;
        m   = 32'd0;
        e   = 8'd158;
        if (en_i && a_i != 32'd0) begin
            m = a_i[31] ? -a_i : a_i;
            if (m[31:16] == 16'd0) begin m = m << 16; e = e - 8'd16; end
            if (m[31:24] == 8'd0)  begin m = m << 8;  e = e - 8'd8;  end
            if (m[31:28] == 4'd0)  begin m = m << 4;  e = e - 8'd4;  end
            if (m[31:30] == 2'd0)  begin m = m << 2;  e = e - 8'd2;  end
            if (!m[31])            begin m = m << 1;  e = e - 8'd1;  end
            y_o = {a_i[31], 31'd0} | ({1'b0, e - 8'd1, 23'd0} + {8'd0, m[31:8]} + {31'd0, m[7] && (m[6:0] != 7'd0 || m[8])});
        end
    end
endmodule
`default_nettype wire
