/*
 * strings.c -- operators on strings: letters of other alphabets, patterns that would take for ever, pools that lie.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "value_run.h"

/* A node with attributes around which a model is made: strings x [n] -> y, of this type. */
typedef struct text_case {
    sy_model *model;
    sy_session *session;
} text_case;

static text_case text_open(base_buf node, sy_dtype result)
{
    base_buf g = {0};
    const int64_t dims[] = {-1};
    text_case c = {NULL, NULL};
    ow_add_node(&g, node);
    ow_add_input(&g, "x", SY_DT_STRING, 1, dims);
    ow_add_output(&g, "y", result);
    c.session = open_model(ow_model(g, 20), &c.model);
    return c;
}

static sy_status text_run(text_case *c, int64_t n, const char *const *x, sy_value **out, sy_message *why)
{
    sy_value *in = strings(n, x);
    const sy_status status = sy_session_run_values(c->session, (const sy_value *const *)&in, 1, out, 1, NULL, why);
    sy_value_free(in);
    return status;
}

static void text_close(text_case *c)
{
    sy_session_free(c->session);
    sy_model_free(c->model);
}

static void attr_strings(base_buf *node, const char *name, size_t n, const char *const *texts)
{
    base_buf a = ow_attr(name, 8);
    for (size_t i = 0; i < n; i++) {
        ow_text(&a, 9, texts[i]);
    }
    ow_message(node, 5, a);
}

static void test_normalizer(void **state)
{
    (void)state;
    base_buf node = ow_node("StringNormalizer", "x", "y");
    sy_message why;
    sy_value *y = NULL;
    ow_attr_text(&node, "case_change_action", "UPPER");
    attr_strings(&node, "stopwords", 1, (const char *[]){"\xc3\x84RGER"}); /* in the other case */
    text_case c = text_open(node, SY_DT_STRING);
    assert_ok(text_run(&c, 3, (const char *[]){"\xc3\xa4rger", "\xc3\xa9t\xc3\xa9 1", "\xff\x80z"}, &y, &why));
    assert_int_equal(sy_value_n(y), 2);
    want_string(y, 0, "\xc3\x89T\xc3\x89 1");
    want_string(y, 1, "\xff\x80Z"); /* what is no text stays */
    sy_value_free(y);
    assert_ok(text_run(&c, 1, (const char *[]){"\xc3\xa4rger"}, &y, &why));
    assert_int_equal(sy_value_n(y), 1);
    want_string(y, 0, "");
    sy_value_free(y);
    text_close(&c);
}

static void test_regex(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *text;
        bool matches;
    } cases[] = {
        {"a.c", "abc", true},      {"a.c", "a\nc", false},  {"a|ab", "ab", true},  {"x*", "abc", false},
        {"[^@]+@b\\.de", "a@b.de", true}, {"a$", "a\n", false},   {".", "\xc3\xa9", true}, {"(?i)abc", "aBC", true},
        {"\\d+", "\xd9\xa3", false}, {".*", "\xff", false}, {"(a|b)*c", "ababc", true},
        {"(a+)+b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        base_buf node = ow_node("RegexFullMatch", "x", "y");
        sy_message why = {{0}};
        sy_value *y = NULL;
        sy_tensor t;
        ow_attr_text(&node, "pattern", cases[i].pattern);
        text_case c = text_open(node, SY_DT_BOOL);
        const sy_status status = text_run(&c, 1, &cases[i].text, &y, &why);
        if (status == SY_EUNSUPPORTED && strstr(why.text, "libpcre2") != NULL) {
            text_close(&c);
            return; /* a build without it */
        }
        assert_int_equal(status, SY_OK);
        assert_ok(sy_value_view(y, &t));
        if (*(const uint8_t *)t.data != cases[i].matches) {
            fail_msg("'%s' and '%s'", cases[i].pattern, cases[i].text);
        }
        sy_value_free(y);
        text_close(&c);
    }
    base_buf node = ow_node("RegexFullMatch", "x", "y");
    sy_message why = {{0}};
    sy_value *y = NULL;
    ow_attr_text(&node, "pattern", "a(b");
    text_case c = text_open(node, SY_DT_BOOL);
    assert_int_equal(text_run(&c, 1, (const char *[]){"ab"}, &y, &why), SY_EINVAL);
    assert_non_null(strstr(why.text, "no regular expression"));
    text_close(&c);
}

static base_buf tfidf(const int64_t counts[2], int64_t last_index)
{
    base_buf node = ow_node("TfIdfVectorizer", "x", "y");
    const int64_t indexes[] = {0, 1, last_index};
    ow_attr_text(&node, "mode", "TF");
    ow_attr_int(&node, "min_gram_length", 1);
    ow_attr_int(&node, "max_gram_length", 2);
    ow_attr_int(&node, "max_skip_count", 1);
    ow_attr_ints(&node, "ngram_counts", 2, counts);
    ow_attr_ints(&node, "ngram_indexes", 3, indexes);
    attr_strings(&node, "pool_strings", 4, (const char *[]){"a", "b", "a", "b"});
    return node;
}

static void test_tfidf(void **state)
{
    (void)state;
    const int64_t counts[] = {0, 2}, odd[] = {0, 3}, beyond[] = {0, INT64_MAX};
    sy_message why = {{0}};
    sy_value *y = NULL;
    sy_tensor t;
    const char *const words[] = {"a", "c", "b", "a", "b"};
    text_case c = text_open(tfidf(counts, 2), SY_DT_F32);
    assert_ok(text_run(&c, 5, words, &y, &why));
    assert_ok(sy_value_view(y, &t));
    /* a: 2, b: 2, "a b": next to each other once, with one between once */
    assert_memory_equal(t.data, ((float[]){2, 2, 2}), 3 * sizeof(float));
    sy_value_free(y);
    text_close(&c);
    c = text_open(tfidf(odd, 2), SY_DT_F32);
    assert_int_equal(text_run(&c, 5, words, &y, &why), SY_EINVAL);
    text_close(&c);
    c = text_open(tfidf(beyond, 2), SY_DT_F32);
    assert_int_equal(text_run(&c, 5, words, &y, &why), SY_EINVAL);
    text_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_normalizer),
        cmocka_unit_test(test_regex),
        cmocka_unit_test(test_tfidf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
