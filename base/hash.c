/*
 * hash.c -- FNV-1a and SHA-256.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "systole/base/hash.h"

#include <string.h>

uint64_t base_hash_fnv1a_more(uint64_t hash, const void *data, size_t n_bytes)
{
    const unsigned char *bytes = data;
    for (size_t i = 0; i < n_bytes; i++) {
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

uint64_t base_hash_fnv1a(const void *data, size_t n_bytes)
{
    return base_hash_fnv1a_more(BASE_FNV1A_INIT, data, n_bytes);
}

uint64_t base_hash_fnv1a_text(const char *text)
{
    return base_hash_fnv1a(text, strlen(text));
}

/* The first 32 bits of the fractions of the square roots of the first 8 primes. */
static const uint32_t sha256_start[8] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

/* The first 32 bits of the fractions of the cube roots of the first 64 primes. */
static const uint32_t sha256_round[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotate_right(uint32_t x, unsigned n)
{
    return x >> n | x << (32 - n);
}

static void sha256_block(uint32_t state[8], const unsigned char *bytes)
{
    uint32_t w[64];
    for (size_t i = 0; i < 16; i++) {
        w[i] = (uint32_t)bytes[4 * i] << 24 | (uint32_t)bytes[4 * i + 1] << 16 |
               (uint32_t)bytes[4 * i + 2] << 8 | (uint32_t)bytes[4 * i + 3];
    }
    for (size_t i = 16; i < 64; i++) {
        const uint32_t x = w[i - 15];
        const uint32_t y = w[i - 2];
        w[i] = w[i - 16] + (rotate_right(x, 7) ^ rotate_right(x, 18) ^ x >> 3) + w[i - 7] +
               (rotate_right(y, 17) ^ rotate_right(y, 19) ^ y >> 10);
    }
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    for (size_t i = 0; i < 64; i++) {
        const uint32_t choice = (e & f) ^ (~e & g);
        const uint32_t majority = (a & b) ^ (a & c) ^ (b & c);
        const uint32_t t1 = h + (rotate_right(e, 6) ^ rotate_right(e, 11) ^ rotate_right(e, 25)) +
                            choice + sha256_round[i] + w[i];
        const uint32_t t2 = (rotate_right(a, 2) ^ rotate_right(a, 13) ^ rotate_right(a, 22)) +
                            majority;
        h = g, g = f, f = e, e = d + t1;
        d = c, c = b, b = a, a = t1 + t2;
    }
    const uint32_t out[8] = {a, b, c, d, e, f, g, h};
    for (size_t i = 0; i < 8; i++) {
        state[i] += out[i];
    }
}

void base_sha256_init(base_sha256 *sha)
{
    memcpy(sha->state, sha256_start, sizeof sha->state);
    sha->n_bytes = 0;
}

void base_sha256_add(base_sha256 *sha, const void *data, size_t n_bytes)
{
    const unsigned char *bytes = data;
    size_t n_held = (size_t)(sha->n_bytes % 64);
    sha->n_bytes += n_bytes;
    while (n_bytes > 0) {
        if (n_held == 0 && n_bytes >= 64) {
            sha256_block(sha->state, bytes);
            bytes += 64;
            n_bytes -= 64;
            continue;
        }
        const size_t n = n_bytes < 64 - n_held ? n_bytes : 64 - n_held;
        memcpy(sha->block + n_held, bytes, n);
        bytes += n;
        n_bytes -= n;
        n_held += n;
        if (n_held == 64) {
            sha256_block(sha->state, sha->block);
            n_held = 0;
        }
    }
}

void base_sha256_done(base_sha256 *sha, unsigned char digest[BASE_SHA256_BYTES])
{
    const uint64_t n_bits = sha->n_bytes * 8;
    const size_t n_held = (size_t)(sha->n_bytes % 64);
    unsigned char tail[72] = {0x80};
    const size_t n_pad = (n_held < 56 ? 56 : 120) - n_held;
    for (size_t i = 0; i < 8; i++) {
        tail[n_pad + i] = (unsigned char)(n_bits >> (56 - 8 * i));
    }
    base_sha256_add(sha, tail, n_pad + 8);
    for (size_t i = 0; i < BASE_SHA256_BYTES; i++) {
        digest[i] = (unsigned char)(sha->state[i / 4] >> (24 - 8 * (i % 4)));
    }
}

void base_sha256_of(const void *data, size_t n_bytes, unsigned char digest[BASE_SHA256_BYTES])
{
    base_sha256 sha;
    base_sha256_init(&sha);
    base_sha256_add(&sha, data, n_bytes);
    base_sha256_done(&sha, digest);
}

void base_sha256_hex(const unsigned char digest[BASE_SHA256_BYTES], char hex[BASE_SHA256_HEX_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < BASE_SHA256_BYTES; i++) {
        hex[2 * i] = digits[digest[i] >> 4];
        hex[2 * i + 1] = digits[digest[i] & 15];
    }
    hex[2 * BASE_SHA256_BYTES] = '\0';
}
