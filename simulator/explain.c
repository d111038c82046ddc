#include "sim_internal.h"
size_t sim_explain(sim_machine *machine, char *text, size_t n_bytes) { (void)machine; if (n_bytes) text[0]=0; return 0; }
