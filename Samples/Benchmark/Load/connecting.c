/* A connection's beginning and its end, over and over in the connect mode. */
#include "load.h"

static uint64_t *sid_set;       /* open addressing; hashes of every sid seen */
static size_t sid_n, sid_cap;

void sid_check(struct conn *c, const char *s, size_t n, const char *kind)
{
    if (sid_n * 2 >= sid_cap) {
        size_t cap = sid_cap ? sid_cap * 2 : 1 << 16;
        uint64_t *t = xcalloc(cap, 8);
        for (size_t i = 0; i < sid_cap; i++)
            if (sid_set[i]) {
                size_t k = sid_set[i] & (cap - 1);
                while (t[k]) k = (k + 1) & (cap - 1);
                t[k] = sid_set[i];
            }
        free(sid_set);
        sid_set = t;
        sid_cap = cap;
    }
    uint64_t h = 1469598103934665603u ^ (uint8_t)kind[0];
    for (size_t i = 0; i < n; i++) h = (h ^ (uint8_t)s[i]) * 1099511628211u;
    h ^= h >> 29;
    h |= 1;
    size_t k = h & (sid_cap - 1);
    for (; sid_set[k]; k = (k + 1) & (sid_cap - 1))
        if (sid_set[k] == h) { err(E_PROTO, c, "%s sid %.*s was given out twice", kind, (int)n, s); return; }
    sid_set[k] = h;
    sid_n++;
}

void conn_start(struct conn *c)
{
    n_pending++;
    c->st = opt.polling ? S_OPEN : S_HANDSHAKE;
    c->sid[0] = 0;
    c->t_start = now;
    c->bin_wait = false;
    c->frag.len = c->q.len = 0;
    if (opt.polling) { http_send(&c->ch[0], "GET", NULL); return; }
    chan_connect(&c->ch[0]);
    if (c->st == S_DEAD) return;
    char h[512];
    int n = snprintf(h, sizeof h,
                     "GET %s?EIO=4&transport=websocket HTTP/1.1\r\nHost: %s:%d\r\nUpgrade: websocket\r\n"
                     "Connection: Upgrade\r\nSec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n\r\n",
                     opt.path, opt.host, opt.port, ws_key);
    buf_add(&c->ch[0].out, h, (size_t)n);
    mark_dirty(&c->ch[0]);
}

void conn_ready(struct conn *c)
{
    c->st = S_READY;
    n_pending--;
    n_ready++;
    if (opt.mode == M_CONNECT) {
        if (measured()) { n_done++; hist_add(&h_main, now - c->t_start); }
        n_connects++;
        c->st = S_CLOSING;
        if (opt.polling) send_packet(c, "1", 1, false);
        else ws_frame(&c->ch[0], 8, "\x03\xe8", 2);
    }
}

/* The peer finished a close that we asked for. */
void conn_closed(struct conn *c)
{
    chan_close(&c->ch[0]);
    chan_close(&c->ch[1]);
    n_ready--;
    c->st = S_OFF;
    if (phase == P_WARM || phase == P_MEASURE) conn_start(c);
}
