/*
 * config.c -- configuration files: the shipped ones, every kind of refusal, the hash, the derived
 * sizes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "test.h"

#include "systole/base/hash.h"
#include "systole/base/rng.h"
#include "systole/isa/config.h"

/* Parses text that must be refused, with a message that holds part. */
static void expect_refused(const char *text, const char *part)
{
    isa_config config;
    isa_config before;
    base_diag diag = {0};
    memset(&config, 0x5A, sizeof config);
    memcpy(&before, &config, sizeof config);
    assert_int_equal(isa_config_parse(text, "dir/x.ini", &config, &diag), SY_ECONFIG);
    if (strstr(base_diag_message(&diag), part) == NULL) {
        fail_msg("expected '%s' in '%s'", part, base_diag_message(&diag));
    }
    assert_null(strchr(base_diag_message(&diag), '\n'));
    assert_memory_equal(&config, &before, sizeof config);
}

static void test_shipped(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t d;
        uint32_t spm_rows;
        uint32_t acc_rows;
    } shipped[] = {{"tiny", 4, 2048, 256},
                   {"d8", 8, 2048, 256},
                   {"edge", 16, 16384, 1024},
                   {"edge-lpddr4", 16, 16384, 1024},
                   {"edge-hbm2", 16, 16384, 1024},
                   {"d32", 32, 8192, 1024},
                   {"tiny-bf16", 4, 2048, 256},
                   {"train", 16, 16384, 1024}};
    for (size_t i = 0; i < sizeof shipped / sizeof shipped[0]; i++) {
        isa_config config;
        base_diag diag = {0};
        base_buf text = {0};
        if (isa_config_find(shipped[i].name, &config, &diag) != SY_OK) {
            fail_msg("%s", base_diag_message(&diag));
        }
        assert_string_equal(config.name, shipped[i].name);
        assert_int_equal(config.d, shipped[i].d);
        assert_int_equal(isa_config_spm_rows(&config), shipped[i].spm_rows);
        assert_int_equal(isa_config_acc_rows(&config), shipped[i].acc_rows);
        assert_int_equal(isa_config_spm_bank_rows(&config) * config.spm_banks, shipped[i].spm_rows);
        assert_int_equal(isa_config_acc_bank_rows(&config) * config.acc_banks, shipped[i].acc_rows);
        isa_config_warnings(&config, &text);
        assert_int_equal(text.n_bytes, 0);

        /* What is printed loads to the same. */
        isa_config again;
        isa_config_print(&config, &text);
        assert_ok(base_buf_status(&text));
        assert_ok(isa_config_parse(text.data, "again.ini", &again, &diag));
        assert_true(isa_config_hash(&again) == isa_config_hash(&config));
        base_buf_free(&text);
    }
}

static void test_default(void **state)
{
    (void)state;
    isa_config config;
    isa_config parsed;
    base_diag diag = {0};
    isa_config_default(&config);
    assert_ok(isa_config_check(&config, &diag));
    assert_ok(isa_config_parse("# nothing\n", "/a/b/empty.ini", &parsed, &diag));
    assert_true(isa_config_hash(&config) == isa_config_hash(&parsed));
    assert_string_equal(parsed.name, "empty");
    assert_int_equal(isa_config_sem_max(&config), 255);
    assert_int_equal(isa_config_burst_beats(&config), 4);
    assert_true(isa_config_dram_bytes(&config) == UINT64_C(256) << 20);
}

static void test_hash_is_of_the_text(void **state)
{
    (void)state;
    isa_config config;
    base_buf text = {0};
    isa_config_default(&config);
#define C(section, key, field, minimum, maximum, power_of_two, value, unit, summary) \
    base_buf_printf(&text, #section "." #key "=%u\n", (unsigned)config.field);
#include "systole/isa/tables.h"
    assert_true(base_hash_fnv1a(text.data, text.n_bytes) == isa_config_hash(&config));
    base_buf_free(&text);

    /* Every key counts. */
    const uint64_t hash = isa_config_hash(&config);
#define C(section, key, field, minimum, maximum, power_of_two, value, unit, summary) \
    config.field++;                                                                  \
    assert_true(isa_config_hash(&config) != hash);                                   \
    config.field--;
#include "systole/isa/tables.h"
    assert_true(isa_config_hash(&config) == hash);
}

static void test_presets(void **state)
{
    (void)state;
    isa_config config;
    isa_config again;
    base_diag diag = {0};
    base_buf text = {0};
    assert_ok(isa_config_parse("[dram]\npreset = lpddr4_3200\nclock_mhz = 800\nt_rp = 99\n", "x.ini", &config, &diag));
    assert_int_equal(config.dram_model, ISA_DRAM_BANKED);
    assert_int_equal(config.dram_row_bytes, 4096);
    assert_int_equal(config.dram_t_rcd, 15);    /* 18 ns in cycles of 1.25 ns: 14.4 */
    assert_int_equal(config.dram_t_rp, 99);     /* the file's own, before or after the preset */
    assert_int_equal(config.dram_t_atom, 4);    /* 5 ns, exactly */
    assert_int_equal(config.dram_t_refi, 3123); /* 3904 ns: 3123.2, rounded down */
    isa_config_print(&config, &text);
    assert_ok(isa_config_parse(text.data, "again.ini", &again, &diag));
    assert_true(isa_config_hash(&again) == isa_config_hash(&config));
    base_buf_free(&text);

    /* The defaults are this part at 1 GHz; flat machines do without. */
    isa_config_default(&again);
    assert_int_equal(again.dram_model, ISA_DRAM_FLAT);
    assert_ok(isa_config_parse("[dram]\nmodel = flat\npreset = lpddr4_3200\n", "x.ini", &config, &diag));
    assert_true(isa_config_hash(&again) == isa_config_hash(&config));

    assert_ok(isa_config_parse("[dram]\nchannels = 8\npreset = hbm2_2000\n", "x.ini", &config, &diag));
    assert_int_equal(config.dram_channels, 8);
    assert_int_equal(config.dram_t_ccd_l, 4);
    assert_true(isa_config_dram_rate(&config) == 16.0); /* the bus */
    assert_string_equal(isa_config_word("dram.mapping", config.dram_mapping), "row_xor");
    assert_null(isa_config_word("dram.latency", 1));

    expect_refused("[dram]\npreset = ddr9\n",
                   "dir/x.ini:2: dram.preset is 'ddr9', expected one of: lpddr4_3200, hbm2_2000");
    expect_refused("[dram]\npreset = hbm2_2000\npreset = hbm2_2000\n",
                   "dir/x.ini:3: dram.preset is given twice, first in line 2");
    expect_refused("[dram]\nmodel = 1\n", "dir/x.ini:2: dram.model is '1', expected flat or banked");
    expect_refused("[dram]\nmodel = banked\nrow_bytes = 64\natom_bytes = 128\n",
                   "dram.row_bytes is 64, expected at least dram.atom_bytes = 128");
    expect_refused("[dram]\nmodel = banked\ngroups = 8\nbanks = 16\n",
                   "dram.groups x dram.banks is 128, expected at most 64");
    expect_refused("[dram]\nmodel = banked\nt_refi = 700\n",
                   "dram.t_refi is 700, expected 0 or at least 2 x (t_rfc + t_rp_all + t_rc) = 728");
}

static void test_refusals(void **state)
{
    (void)state;
    expect_refused("[array]\ndim = 16\nsize = 3\n",
                   "dir/x.ini:3: unknown key 'size' in [array], expected one of: dim, element");
    expect_refused("[arry]\ndim = 16\n",
                   "dir/x.ini:2: unknown section 'arry', expected one of: array, spm");
    expect_refused("dim = 16\n", "dir/x.ini:1: key 'dim' stands before the first [section]");
    expect_refused("[array]\ndim = 16\n\ndim = 16\n",
                   "dir/x.ini:4: array.dim is given twice, first in line 2");
    expect_refused("[array]\ndim = x16\n",
                   "dir/x.ini:2: array.dim is 'x16', expected a decimal number from 4 to 128");
    expect_refused("[array]\ndim = 16x\n", "'16x'");
    expect_refused("[array]\ndim = -16\n", "'-16'");
    expect_refused("[array]\ndim =\n", "array.dim is ''");
    expect_refused("[array]\ndim = 256\n",
                   "dir/x.ini:2: array.dim is 256, expected a power of two from 4 to 128");
    expect_refused("[array]\ndim = 12\n", "dir/x.ini:2: array.dim is 12, expected a power of two");
    expect_refused("[queue]\ndepth = 99999999999999999999999999\n",
                   "expected a decimal number from 1 to 64");
    expect_refused("[queue]\ndepth = 4294967297\n", "queue.depth is 4294967297, expected 1 to 64");
    expect_refused("[array]\nelement = fp4\n",
                   "dir/x.ini:2: array.element is 'fp4', expected int8 or bf16");
    expect_refused("[array]\nelement = 0\n", "array.element is '0', expected int8 or bf16");
    expect_refused("[array]\ndim = 128\n[spm]\nbank_bytes = 64\n",
                   "spm.bank_bytes is 64, expected at least one row of 128");
    expect_refused("[array]\ndim = 32\n[acc]\nbank_bytes = 64\n",
                   "acc.bank_bytes is 64, expected at least one row of 128");
    expect_refused("[dram]\nbytes_per_cycle = 128\n",
                   "dram.max_burst_bytes is 64, expected 1 to 256 beats");
    expect_refused("[dram]\nbytes_per_cycle = 4\nmax_burst_bytes = 2048\n",
                   "expected 1 to 256 beats");
    expect_refused("[dram]\nmax_burst_bytes = 256\n[dma]\nload_beats = 15\n",
                   "dma.load_beats is 15, expected at least the 16");
    expect_refused("[dram]\nmax_burst_bytes = 256\n[dma]\nstore_beats = 15\n",
                   "dma.store_beats is 15, expected at least the 16");
    expect_refused("[array]\nnonsense\n",
                   "dir/x.ini:2: expected '[section]', 'key = value' or a comment");
    expect_refused("[array\ndim = 4\n", "dir/x.ini:1: expected '[section]'");
    expect_refused("[array]\ndim = 7\nnonsense\n", "dir/x.ini:2: array.dim is 7");

    char wide[400];
    memset(wide, '#', sizeof wide - 1);
    wide[sizeof wide - 1] = '\0';
    expect_refused(wide, "dir/x.ini:1: the line has 399 characters");
}

static void test_files(void **state)
{
    (void)state;
    isa_config config;
    base_diag diag = {0};
    assert_int_equal(isa_config_load("/nowhere/x.ini", &config, &diag), SY_EIO);
    assert_int_equal(isa_config_find("/nowhere/x.ini", &config, &diag), SY_EIO);
    assert_int_equal(isa_config_find("no_such_machine", &config, &diag), SY_ECONFIG);
    assert_non_null(strstr(base_diag_message(&diag), "no configuration 'no_such_machine'"));

    assert_int_equal(setenv("SYSTOLE_CONFIG_PATH", "/nowhere::" SY_TEST_DATA_DIR "/isa", 1), 0);
    assert_ok(isa_config_find("only_here", &config, &diag));
    assert_int_equal(config.queue_depth, 5);
    assert_ok(isa_config_find("edge", &config, &diag));
    assert_int_equal(unsetenv("SYSTOLE_CONFIG_PATH"), 0);
    assert_int_equal(isa_config_find("only_here", &config, &diag), SY_ECONFIG);
}

static void test_keys(void **state)
{
    (void)state;
    isa_config config;
    base_diag diag = {0};
    uint32_t value = 0;
    isa_config_default(&config);
    assert_ok(isa_config_set(&config, "dram.latency", "77", &diag));
    assert_true(isa_config_get(&config, "dram.latency", &value));
    assert_int_equal(value, 77);
    assert_int_equal(config.dram_latency, 77);
    assert_int_equal(isa_config_set(&config, "dram.latency", "0", &diag), SY_ECONFIG);
    assert_int_equal(isa_config_set(&config, "dram.late", "1", &diag), SY_ECONFIG);
    assert_false(isa_config_get(&config, "dramlatency", &value));
}

static void test_warnings(void **state)
{
    (void)state;
    isa_config config;
    base_buf text = {0};
    isa_config_default(&config);
    config.dram_outstanding = 1;
    isa_config_warnings(&config, &text);
    assert_non_null(strstr(text.data, "dram.outstanding"));
    base_buf_free(&text);
}

static void test_params(void **state)
{
    (void)state;
    isa_config config;
    base_buf text = {0};
    isa_config_default(&config);
    isa_config_print_params(&config, &text);
    assert_non_null(strstr(text.data, "-GARRAY_DIM=16\n"));
    assert_non_null(strstr(text.data, "-GDRAM_MAX_BURST_BYTES=64\n"));
    assert_non_null(strstr(text.data, "-GCONFIG_HASH=64'h"));
    base_buf_free(&text);
}

/* Damaged files are refused or accepted, never a crash; a refusal is one line. */
static void test_fuzz(void **state)
{
    (void)state;
    isa_config config;
    base_buf text = {0};
    base_rng rng = base_rng_make(3, 0);
    isa_config_default(&config);
    isa_config_print(&config, &text);
    for (int i = 0; i < 3000; i++) {
        char *copy = malloc(text.n_bytes + 1);
        base_diag diag = {0};
        memcpy(copy, text.data, text.n_bytes + 1);
        const uint64_t n = base_rng_below(&rng, 5);
        for (uint64_t k = 0; k <= n; k++) {
            const char c = base_rng_one_in(&rng, 2) ? "[]=;#\n \t0-9"[base_rng_below(&rng, 11)]
                                                    : (char)base_rng_below(&rng, 256);
            copy[base_rng_below(&rng, text.n_bytes)] = c;
        }
        if (isa_config_parse(copy, "x.ini", &config, &diag) != SY_OK) {
            assert_true(base_diag_message(&diag)[0] != '\0');
            assert_null(strchr(base_diag_message(&diag), '\n'));
        } else {
            assert_ok(isa_config_check(&config, &diag));
        }
        free(copy);
    }
    base_buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shipped),
        cmocka_unit_test(test_default),
        cmocka_unit_test(test_hash_is_of_the_text),
        cmocka_unit_test(test_presets),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_warnings),
        cmocka_unit_test(test_params),
        cmocka_unit_test(test_fuzz),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
