#include "BenchmarkSupport.h"
#include <stdbool.h>
#include <string.h>

static uint32_t rol32(uint32_t v, int n) { return v << n | v >> (32 - n); }

void benchmark_sha1(const uint8_t *d, size_t n, uint8_t out[20])
{
    uint32_t h[5] = { 0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0 };
    uint8_t blk[128] = { 0 };
    size_t full = n / 64, rest = n % 64, tail = rest + 9 <= 64 ? 64 : 128;
    memcpy(blk, d + full * 64, rest);
    blk[rest] = 0x80;
    for (int i = 0; i < 8; i++) blk[tail - 1 - i] = (uint8_t)((uint64_t)n * 8 >> (8 * i));
    for (size_t k = 0; k < full + tail / 64; k++) {
        const uint8_t *p = k < full ? d + k * 64 : blk + (k - full) * 64;
        uint32_t w[80], a = h[0], b = h[1], c = h[2], e = h[4], dd = h[3];
        for (int i = 0; i < 16; i++)
            w[i] = (uint32_t)p[4 * i] << 24 | (uint32_t)p[4 * i + 1] << 16 |
                   (uint32_t)p[4 * i + 2] << 8 | p[4 * i + 3];
        for (int i = 16; i < 80; i++) w[i] = rol32(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
        for (int i = 0; i < 80; i++) {
            uint32_t f = i < 20 ? (b & c) | (~b & dd) : i < 40 ? b ^ c ^ dd
                       : i < 60 ? (b & c) | (b & dd) | (c & dd) : b ^ c ^ dd;
            uint32_t kk = i < 20 ? 0x5A827999 : i < 40 ? 0x6ED9EBA1 : i < 60 ? 0x8F1BBCDC : 0xCA62C1D6;
            uint32_t t = rol32(a, 5) + f + e + kk + w[i];
            e = dd; dd = c; c = rol32(b, 30); b = a; a = t;
        }
        h[0] += a; h[1] += b; h[2] += c; h[3] += dd; h[4] += e;
    }
    for (int i = 0; i < 20; i++) out[i] = (uint8_t)(h[i / 4] >> (24 - 8 * (i % 4)));
}

static const char b64_chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t benchmark_base64_encode(char *dst, const uint8_t *s, size_t n)
{
    char *o = dst;
    for (size_t i = 0; i < n; i += 3) {
        uint32_t v = (uint32_t)s[i] << 16 | (i + 1 < n ? (uint32_t)s[i + 1] << 8 : 0) | (i + 2 < n ? s[i + 2] : 0);
        *o++ = b64_chars[v >> 18];
        *o++ = b64_chars[v >> 12 & 63];
        *o++ = i + 1 < n ? b64_chars[v >> 6 & 63] : '=';
        *o++ = i + 2 < n ? b64_chars[v & 63] : '=';
    }
    return (size_t)(o - dst);
}
