/*
 * hash.h -- FNV-1a for hash tables, SHA-256 for naming contents.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_BASE_HASH_H
#define SYSTOLE_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* FNV-1a, 64 bits; not where an attacker chooses the data.  Source: draft-eastlake-fnv. */
#define BASE_FNV1A_INIT UINT64_C(0xcbf29ce484222325)
uint64_t base_hash_fnv1a(const void *data, size_t n_bytes);
uint64_t base_hash_fnv1a_text(const char *text);
/* Goes on from the hash of what came before (BASE_FNV1A_INIT at first). */
uint64_t base_hash_fnv1a_more(uint64_t hash, const void *data, size_t n_bytes);

/* SHA-256.  Source: FIPS 180-4. */
#define BASE_SHA256_BYTES     32
#define BASE_SHA256_HEX_BYTES 65 /* 64 digits and a NUL */

typedef struct base_sha256 {
    uint32_t state[8];
    uint64_t n_bytes;
    unsigned char block[64];
} base_sha256;

void base_sha256_init(base_sha256 *sha);
void base_sha256_add(base_sha256 *sha, const void *data, size_t n_bytes);
void base_sha256_done(base_sha256 *sha, unsigned char digest[BASE_SHA256_BYTES]);

/* The digest of one piece of data; and as lower-case hexadecimal text. */
void base_sha256_of(const void *data, size_t n_bytes, unsigned char digest[BASE_SHA256_BYTES]);
void base_sha256_hex(const unsigned char digest[BASE_SHA256_BYTES],
                     char hex[BASE_SHA256_HEX_BYTES]);

#endif
