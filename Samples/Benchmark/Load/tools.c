/* Buffers, the clock, random numbers, base64 and histograms. */
#include "load.h"

void die(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fputs("sioload: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    exit(2);
}

void *xcalloc(size_t n, size_t s)
{
    void *p = calloc(n ? n : 1, s);
    if (!p) die("out of memory");
    return p;
}

uint64_t clock_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

uint64_t rng(void)
{
    rng_state ^= rng_state << 13;
    rng_state ^= rng_state >> 7;
    rng_state ^= rng_state << 17;
    return rng_state;
}

uint8_t *buf_room(struct buf *b, size_t extra)
{
    if (b->len + extra > b->cap) {
        size_t cap = b->cap ? b->cap : 256;
        while (cap < b->len + extra) cap *= 2;
        b->p = realloc(b->p, cap);
        if (!b->p) die("out of memory");
        b->cap = cap;
    }
    return b->p + b->len;
}

void buf_add(struct buf *b, const void *d, size_t n)
{
    memcpy(buf_room(b, n), d, n);
    b->len += n;
}

void buf_drop(struct buf *b, size_t n)
{
    if (n == b->len) { b->len = 0; return; }
    memmove(b->p, b->p + n, b->len - n);
    b->len -= n;
}

void buf_free(struct buf *b)
{
    free(b->p);
    memset(b, 0, sizeof *b);
}

static unsigned hist_idx(uint64_t v)
{
    if (v < H_SUB) return (unsigned)v;
    unsigned sh = 63u - (unsigned)__builtin_clzll(v) - H_LOG;
    return (sh + 1) * H_SUB + (unsigned)((v >> sh) - H_SUB);
}

void hist_add(struct hist *h, uint64_t v)
{
    h->n++;
    h->sum += v;
    if (v > h->max) h->max = v;
    h->b[hist_idx(v)]++;
}

double hist_q(const struct hist *h, double q)   /* microseconds */
{
    if (!h->n) return 0;
    uint64_t want = (uint64_t)(q * (double)h->n);
    if (want >= h->n) want = h->n - 1;
    uint64_t seen = 0;
    for (unsigned i = 0; i < sizeof h->b / sizeof h->b[0]; i++) {
        seen += h->b[i];
        if (seen > want) {
            uint64_t lo = i, width = 1;
            if (i >= H_SUB) {
                unsigned sh = i / H_SUB - 1;
                lo = (uint64_t)(i % H_SUB + H_SUB) << sh;
                width = 1ull << sh;
            }
            uint64_t mid = lo + width / 2;
            return (double)(mid > h->max ? h->max : mid) / 1000.0;
        }
    }
    return (double)h->max / 1000.0;
}

/* Binary data over polling. */

const char b64_chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool b64_decode(struct buf *dst, const uint8_t *s, size_t n)
{
    static int8_t rev[256];
    if (!rev['A']) {
        memset(rev, -1, sizeof rev);
        for (int i = 0; i < 64; i++) rev[(uint8_t)b64_chars[i]] = (int8_t)i;
        rev['A'] = 0;
    }
    dst->len = 0;
    uint32_t v = 0;
    int bits = 0;
    while (n && s[n - 1] == '=') n--;
    for (size_t i = 0; i < n; i++) {
        int8_t r = rev[s[i]];
        if (r < 0) return false;
        v = v << 6 | (uint32_t)r;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            *buf_room(dst, 1) = (uint8_t)(v >> bits);
            dst->len++;
        }
    }
    return true;
}
