/*
 * run_model.c -- loads a model, runs it on zeros on the simulator, prints outputs and cycles.
 *
 *     cc run_model.c -lsystole -o run_model && ./run_model model.onnx
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <systole/systole.h>

static void check(sy_status status, const sy_message *why)
{
    if (status != SY_OK) {
        fprintf(stderr, "run_model: %s\n", why->text);
        exit(1);
    }
}

int main(int argc, char **argv)
{
    sy_model *model;
    sy_session *session;
    sy_io in;
    sy_tensor input;
    sy_message why = {"one input of a fixed shape and one output are expected"};
    const sy_session_options options = {.struct_size = sizeof options, .device = SY_DEVICE_SIM};
    static float scores[4096];
    sy_tensor output = {.data = scores, .size_bytes = sizeof scores};
    sy_stats stats = {.struct_size = sizeof stats};

    check(sy_model_load(argc > 1 ? argv[1] : "model.onnx", NULL, &model, &why), &why);
    check(sy_session_create(model, &options, &session, &why), &why);
    check(sy_model_input(model, 0, &in), &why);
    check(sy_tensor_init(&input, in.dtype, in.rank, in.dims, NULL), &why);
    input.data = calloc(input.size_bytes, 1);
    check(sy_session_run(session, &input, 1, &output, 1, NULL, &why), &why);
    check(sy_session_stats(session, &stats), &why);
    for (int64_t i = 0; output.dtype == SY_DT_F32 && i < sy_tensor_n_elements(&output); i++) {
        printf("%s%g", i > 0 ? " " : "", (double)scores[i]);
    }
    printf("\n%llu cycles\n", (unsigned long long)stats.cycles);
    free(input.data);
    sy_session_free(session);
    sy_model_free(model);
    return 0;
}
