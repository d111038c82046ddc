/*
 * lex.h -- tokens of the IR's text form, and where in the file they are.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_GRAPH_LEX_H
#define SYSTOLE_GRAPH_LEX_H

#include "systole/base/arena.h"
#include "systole/base/diag.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum ir_token_kind {
    IR_TOK_END,
    IR_TOK_WORD,   /* letters, digits, '_', '.'; begins with a letter or '_' */
    IR_TOK_STRING, /* "..." with \", \\ and \xNN */
    IR_TOK_INT,
    IR_TOK_FLOAT, /* with a point or exponent */
    IR_TOK_HEX,   /* 0x and up to 16 digits, in u.hash */
    IR_TOK_PUNCT  /* one of ( ) [ ] { } < > , : = % @ # + * ? -  or  ->  :: , in text */
} ir_token_kind;

typedef struct ir_token {
    ir_token_kind kind;
    const char *text; /* WORD, STRING, PUNCT: in the arena, NUL-terminated */
    size_t n;         /* bytes of text; a STRING may hold NULs */
    union {
        int64_t i;
        float f;
        uint64_t hash;
    } u;
    uint32_t line, column;
} ir_token;

typedef struct ir_lexer {
    base_arena *arena;
    base_diag *diag;
    const char *file;
    const char *at, *end;
    uint32_t line, column;
    ir_token token; /* the current one */
} ir_lexer;

/* Begins at the first token. */
sy_status ir_lex_begin(ir_lexer *l, base_arena *arena, const char *file, const char *text, size_t n, base_diag *diag);

/* Moves to the next token. */
sy_status ir_lex_next(ir_lexer *l);

/* "file:line:column: " and the message, at the current token; SY_EFORMAT. */
sy_status ir_lex_error(const ir_lexer *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The current token as words for a message: "'foo'", "end of text". Uses `text`. */
const char *ir_lex_describe(const ir_lexer *l, char text[64]);

/* True if the current token is this punctuation / this word. */
bool ir_lex_is(const ir_lexer *l, const char *punct);
bool ir_lex_is_word(const ir_lexer *l, const char *word);

/* Skips the punctuation or word, or reports what stands there instead. */
sy_status ir_lex_expect(ir_lexer *l, const char *punct);
sy_status ir_lex_expect_word(ir_lexer *l, const char *word);

/* Skips it and returns true if it is there. Errors of the next token come out in *status. */
bool ir_lex_accept(ir_lexer *l, const char *punct, sy_status *status);

/*
 * The current token must be the word `hex`: reads the digits that follow it ("-" for none) into bytes in the arena and
 * moves to the next token.
 */
sy_status ir_lex_hex_bytes(ir_lexer *l, const unsigned char **out, size_t *out_n);

#endif
